package archtest

import (
	"io/fs"
	"regexp"

	"golang.org/x/mod/modfile"
)

// dependencyList is where each direct dependency has its line of reason.
const dependencyList = "docs/dependencies.md"

// A dependency's line is a row of a table that starts with its module path.
var dependencyLine = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| *[^ |]")

// DependencyReasons finds direct dependencies without a line of reason, and
// lines for modules that are no longer used.
func DependencyReasons(t *Tree) (found []Finding, err error) {
	content, err := fs.ReadFile(t.Root, "go.mod")
	if err != nil {
		return nil, err
	}
	module, err := modfile.Parse("go.mod", content, nil)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(t.Root, dependencyList)
	if err != nil {
		return nil, err
	}
	reasons := map[string]bool{}
	for _, match := range dependencyLine.FindAllStringSubmatch(string(text), -1) {
		reasons[match[1]] = true
	}
	for _, require := range module.Require {
		if !require.Indirect && !reasons[require.Mod.Path] {
			found = append(found, Finding{dependencyList, "no line with a reason for `" + require.Mod.Path + "`"})
		}
		if !require.Indirect {
			delete(reasons, require.Mod.Path)
		}
	}
	for path := range reasons {
		found = append(found, Finding{dependencyList, "`" + path + "` is not a direct dependency of go.mod: remove its line"})
	}
	return found, nil
}
