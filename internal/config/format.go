package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Format writes a project file that a person reads and edits. Environments are
// not written: how they shall be is a person's to say.
func (p *Project) Format() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# What Sluice versions and releases here.\ndefault_environment: %s\n", quote(p.DefaultEnvironment))
	if p.Git != nil {
		p.Git.format(&b)
	}
	fmt.Fprint(&b, "\n# Each component's file, or directory of files, is its draft.\n")
	if len(p.Components) == 0 {
		fmt.Fprint(&b, "# components:\n#   my-prompt: {path: components/prompts/my-prompt.md, kind: prompt}\n")
		return b.Bytes()
	}
	fmt.Fprint(&b, "components:\n")
	width := 0
	for _, c := range p.Components {
		width = max(width, len(quote(c.Name)))
	}
	for _, c := range p.Components {
		fmt.Fprintf(&b, "  %-*s %s\n", width+1, quote(c.Name)+":", flow("path", c.Path, "kind", c.Kind))
	}
	return b.Bytes()
}

// gitComment tells all that the section can say.
const gitComment = `
# What goes over Git: versions and what is live, as tags and commits.
#   push:   on-release, with each change of what is live; or manual, by "sluice git push" alone
#   remote: the name of the remote
#   branch: a branch that each push moves, so that a CI host raises one event; leave it out for none
#   verify: signed, a signature that a tag has must be good; required, each tag must have one; or off
#   publish: as-is, what is in the work tree, committed or not; or committed, what is as at HEAD alone
`

// format writes what differs from the defaults, and where pushes go to when they
// happen by themselves.
func (g *Git) format(b *bytes.Buffer) {
	remote, verify, publish := g.Remote, string(g.Verify), string(g.Publish)
	if remote == DefaultRemote && g.Push != PushOnRelease {
		remote = ""
	}
	if g.Verify == VerifySigned {
		verify = ""
	}
	if g.Publish == PublishAsIs {
		publish = ""
	}
	b.WriteString(gitComment)
	fmt.Fprintf(b, "git: %s\n", flow("push", string(g.Push), "remote", remote, "branch", g.Branch, "verify", verify, "publish", publish))
}

// flow writes keys with their values on one line, without those that are empty.
func flow(pairs ...string) string {
	var parts []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			parts = append(parts, pairs[i]+": "+quote(pairs[i+1]))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// quote writes a word so that YAML reads it as text.
func quote(s string) string {
	plain := s != "" && strings.Trim(s, letters+"0123456789._/-") == ""
	if plain && strings.ContainsAny(s[:1], letters) && !slices.Contains(yamlWords, strings.ToLower(s)) {
		return s
	}
	return fmt.Sprintf("%q", s)
}

// yamlWords are read as something else than text.
var yamlWords = []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
