package config

import (
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"go.yaml.in/yaml/v3"
)

// Git says what a project does with the Git repository that it is in.
type Git struct {
	Push   Push   // defaults to [PushManual]
	Remote string // the name of the remote, never a URL; defaults to [DefaultRemote]
	Branch string // a branch that each push moves, so that a CI host raises one event; "" moves none
	Verify Verify // defaults to [VerifySigned]
	// Publish says what of a work tree becomes a version; defaults to [PublishAsIs].
	Publish Publish
}

// DefaultRemote is the remote that Git itself makes with a clone.
const DefaultRemote = "origin"

// Push says when releases and versions go to the remote.
type Push string

// When a push happens.
const (
	PushOnRelease Push = "on-release" // with each change of what is live
	PushManual    Push = "manual"     // when somebody says `sluice git push`
)

// Publish says what is published of a component's files.
type Publish string

// What is published.
const (
	PublishAsIs      Publish = "as-is"     // the files as they are in the work tree
	PublishCommitted Publish = "committed" // only what is as committed at HEAD
)

// Verify says what is asked of the signatures of tags that come from elsewhere.
type Verify string

// What a tag must have to be read.
const (
	VerifyOff      Verify = "off"      // signatures are not looked at
	VerifySigned   Verify = "signed"   // a signature that is there must be good
	VerifyRequired Verify = "required" // each tag must have a good one
)

// maxRefPart bounds the names that go into refs, in bytes: a file system takes
// no longer ones.
const maxRefPart = 200

// git reads the section of the repository. The key alone, without a value, asks
// for the defaults, as {} does.
func (d document) git(n *yaml.Node, p *Project) error {
	g := &Git{Push: PushManual, Remote: DefaultRemote, Verify: VerifySigned, Publish: PublishAsIs}
	err := d.fields(n, map[string]func(*yaml.Node) error{
		"push":    choice(d, &g.Push, PushOnRelease, PushManual),
		"remote":  d.remote(&g.Remote),
		"branch":  d.branch(&g.Branch),
		"publish": choice(d, &g.Publish, PublishAsIs, PublishCommitted),
		"verify":  choice(d, &g.Verify, VerifyOff, VerifySigned, VerifyRequired),
	})
	if err != nil {
		return err
	}
	p.Git = g
	return nil
}

// choice reads one of a few words, and leaves what is there when none is given.
func choice[T ~string](d document, into *T, words ...T) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		var s string
		if err := d.text(&s)(n); err != nil || s == "" {
			return err
		}
		if slices.Contains(words, T(s)) {
			*into = T(s)
			return nil
		}
		names := make([]string, len(words))
		for i, w := range words {
			names[i] = string(w)
		}
		err := d.at(n, "%q is not one of %s", clip(s), strings.Join(names, ", "))
		if near := sluice.Suggest(s, names); near != "" {
			return err.Fix("did you mean %s?", near)
		}
		return err.Fix("write %s", strings.Join(names, " or "))
	}
}

func (d document) remote(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		s := ""
		if err := d.text(&s)(n); err != nil || s == "" {
			return err
		}
		if !CheckRemote(s) {
			return d.at(n, "remote %q is not the name of a remote", clip(s)).
				Fix("write a name that `git remote` lists; `git remote add NAME URL` adds one")
		}
		*into = s
		return nil
	}
}

// guarded are branches that people work on: moving them with each push would
// throw away what they hold.
var guarded = []string{"main", "master", "trunk", "develop"}

func (d document) branch(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		s := ""
		if err := d.text(&s)(n); err != nil || s == "" {
			return err
		}
		if short, full := strings.CutPrefix(s, "refs/heads/"); full {
			return d.at(n, "branch %q is written as a ref", clip(s)).Fix("leave out refs/heads/: %s", clip(short))
		}
		if !refPart(s) || s == "HEAD" {
			return d.at(n, "branch %q is not a valid name of a branch", clip(s)).
				Fix("write a name such as sluice/live; `git check-ref-format --branch NAME` checks one")
		}
		if slices.Contains(guarded, strings.ToLower(s)) {
			return d.at(n, "branch %s would be moved away from its commits by each push", s).
				Fix("name a branch that is Sluice's alone, such as sluice/live")
		}
		*into = s
		return nil
	}
}

// CheckRemote reports whether a word can name a remote here: it stands on Git's
// command line and in refs.
func CheckRemote(s string) bool { return refPart(s) }

// refPart reports whether a name may stand in a ref after refs/heads/ or
// refs/remotes/, by the rules of git-check-ref-format(1), and on a command line.
func refPart(s string) bool {
	if s == "" || s == "@" || len(s) > maxRefPart || strings.HasPrefix(s, "-") || strings.HasSuffix(s, ".") {
		return false
	}
	if strings.Contains(s, "..") || strings.Contains(s, "@{") || strings.ContainsAny(s, " ~^:?*[\\\x7f\uFFFD") {
		return false
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

// clip shortens what is quoted in a message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
