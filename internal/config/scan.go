package config

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// places says which directory of a project holds which kind of component, and
// which endings count there; none named takes every file.
var places = []struct {
	dir     string
	kind    string
	endings []string
}{
	{"components/prompts", sluice.KindPrompt, nil},
	{"components/workflows", sluice.KindWorkflow, []string{".yaml", ".yml", ".json"}},
	{"components/scripts", sluice.KindScript, nil},
	{"components/agents", sluice.KindAgent, nil},
	{"components/configs", sluice.KindConfig, nil},
}

// Scan finds the components of a project by where their files are: a file or a
// directory in components/prompts is a prompt, and so on. Skipped are files
// whose name cannot be a component's.
func Scan(project fs.FS) (found []Component, skipped []string) {
	taken := map[string]bool{}
	for _, place := range places {
		entries, err := fs.ReadDir(project, place.dir)
		if err != nil {
			continue // a place that is missing or closed holds nothing to find
		}
		for _, entry := range entries {
			c := Component{Path: path.Join(place.dir, entry.Name()), Kind: place.kind, Name: entry.Name()}
			if strings.HasPrefix(entry.Name(), ".") || !entry.IsDir() && !ends(entry.Name(), place.endings) {
				continue
			}
			if !entry.IsDir() {
				c.Name = strings.TrimSuffix(entry.Name(), path.Ext(entry.Name()))
			}
			if taken[sluice.FoldName(c.Name)] {
				c.Name += "-" + place.kind
			}
			if sluice.CheckName("component", c.Name) != nil || taken[sluice.FoldName(c.Name)] {
				skipped = append(skipped, c.Path)
				continue
			}
			taken[sluice.FoldName(c.Name)] = true
			found = append(found, c)
		}
	}
	return found, skipped
}

func ends(name string, endings []string) bool {
	return len(endings) == 0 || slices.Contains(endings, path.Ext(name))
}

// Format writes a project file that a person reads and edits.
func (p *Project) Format() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# What Sluice versions and releases here.\ndefault_environment: %s\n", p.DefaultEnvironment)
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
		fmt.Fprintf(&b, "  %-*s {path: %s, kind: %s}\n", width+1, quote(c.Name)+":", quote(c.Path), c.Kind)
	}
	return b.Bytes()
}

// quote writes a word so that YAML reads it as text.
func quote(s string) string {
	plain := strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-") == ""
	if plain && strings.ContainsAny(s[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") && !slices.Contains(yamlWords, strings.ToLower(s)) {
		return s
	}
	return fmt.Sprintf("%q", s)
}

// yamlWords are read as something else than text.
var yamlWords = []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
