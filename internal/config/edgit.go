package config

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// registryFile is where Edgit keeps which file is which component.
const registryFile = ".edgit/components.json"

// maxRegistry bounds the registry, in bytes: some 160 for each of [MaxScanned].
const maxRegistry = 8 << 20

// readRegistry reads the components of Edgit's registry, sorted by name and as it
// has them. That there is no registry is no error.
func readRegistry(project fs.FS) ([]Component, error) {
	if !regular(project, registryFile) {
		if _, err := fs.Lstat(project, registryFile); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, badRegistry("is not a regular file", nil)
	}
	f, err := project.Open(registryFile)
	if err != nil {
		return nil, badRegistry("cannot be read", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxRegistry+1))
	if err != nil {
		return nil, badRegistry("cannot be read", err)
	}
	var file struct {
		Components map[string]struct {
			Path string `json:"path"`
			Type string `json:"type"`
		} `json:"components"`
	}
	if len(content) > maxRegistry {
		return nil, badRegistry("is larger than any that Edgit writes", nil)
	}
	if err := sluice.CheckJSONText(registryFile, content); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, badRegistry("is not a registry of Edgit", err)
	}
	if len(file.Components) > MaxScanned {
		return nil, badRegistry("names more components than any that Edgit writes", nil)
	}
	var out []Component
	for _, name := range slices.Sorted(maps.Keys(file.Components)) {
		c := file.Components[name]
		out = append(out, Component{Name: name, Path: strings.TrimPrefix(c.Path, "./"), Kind: ourKind(c.Type)})
	}
	return out, nil
}

func badRegistry(what string, cause error) error {
	return sluice.Errorf(sluice.Invalid, "%s %s", registryFile, what).
		Fix("correct it, or move it away; `sluice init --no-scan` does not read it").Because(cause)
}

// ourKind is the kind that a type of Edgit is here. Types that Sluice does not
// know stay as they are, as labels.
func ourKind(edgit string) string {
	switch edgit {
	case "agent-definition":
		return sluice.KindAgent
	case "sql":
		return kindQuery
	}
	return edgit
}

// unusable says why a component of the registry is left out, or "". Taken are the
// names that others have, folded.
func unusable(project fs.FS, keep func(string) bool, c Component, taken map[string]bool) string {
	switch {
	case sluice.CheckName("component", c.Name) != nil:
		return "its name in " + registryFile + " cannot be a component's"
	case taken[sluice.FoldName(c.Name)]:
		return registryFile + " has its name twice, ignoring case"
	case sluice.CheckKind(c.Kind) != nil:
		return "its type in " + registryFile + " cannot be a kind"
	case !writable(c.Path):
		return registryFile + " names a path that is not inside the project"
	case !regular(project, c.Path):
		return registryFile + " names it, and there is no such file"
	case keep != nil && !keep(c.Path):
		return registryFile + " names it, and Git ignores it"
	}
	return ""
}

// regular reports whether a path is a regular file that no symbolic link leads to.
func regular(project fs.FS, p string) bool {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if info, err := fs.Lstat(project, dir); err != nil || !info.IsDir() {
			return false
		}
	}
	info, err := fs.Lstat(project, p)
	return err == nil && info.Mode().IsRegular()
}
