package config

import (
	"io/fs"
	"slices"

	"github.com/sluice-dev/sluice"
)

// Likely returns the files of a project, as components of a name, that follow its
// layout and could be called by that name. Keep is as for [Scan].
func Likely(project fs.FS, keep func(path string) bool, name string) ([]Component, error) {
	files, err := walk(project, keep)
	if err != nil {
		return nil, err
	}
	var out []Component
	for _, c := range judgeAll(files, true) {
		if slices.ContainsFunc(names(c), func(n string) bool { return sluice.FoldName(n) == sluice.FoldName(name) }) {
			out = append(out, Component{Name: name, Path: c.path, Kind: c.kind})
		}
	}
	return out, nil
}
