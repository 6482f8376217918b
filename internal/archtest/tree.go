// Package archtest holds the architecture of Sluice as tests: who may import
// whom, what every package and file must look like, and which words and calls
// are not wanted. A rule that only stands in a document is soon broken; here
// the build breaks instead, with the file, the line and what to do.
//
// Each rule is a function from a [Tree] to the findings that break it, so that
// it can be seen to fail on a small tree made for that. The package is for
// tests alone and only reads source: production code must never import it.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the path that all packages of the project start with.
const Module = "github.com/sluice-dev/sluice"

// Tree is the project's source as the rules see it. Files under testdata, in
// modules of their own and in directories that Go ignores are not part of it.
type Tree struct {
	Root  fs.FS
	Files []*File // Go files of all platforms, sorted by path
	Code  []string
	fset  *token.FileSet
}

// File is one parsed Go file.
type File struct {
	Path      string // from the root, with slashes
	Dir       string // "." for the root package
	Test      bool   // *_test.go
	Generated bool
	Lines     int
	Syntax    *ast.File
}

// Finding is one breach of one rule.
type Finding struct {
	Where string // path, or path:line
	What  string // the breach and what to do about it
}

func (f Finding) String() string { return f.Where + ": " + f.What }

// codeSuffixes are the names of files that people write code in.
var codeSuffixes = []string{".go", ".sql", ".sh", ".ts", ".svelte", ".css", ".html", ".py"}

// Load reads the project's source below root.
func Load(root fs.FS) (*Tree, error) {
	t := &Tree{Root: root, fset: token.NewFileSet()}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return t.enter(name)
		}
		if slices.Contains(codeSuffixes, path.Ext(name)) {
			t.Code = append(t.Code, name)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		return t.parse(name)
	})
	return t, err
}

// Production returns the files that are part of what users run.
func (t *Tree) Production() []*File {
	return slices.DeleteFunc(slices.Clone(t.Files), func(f *File) bool { return f.Test || testOnly(f.Dir) })
}

// Imports returns the import paths of a file with their positions.
func (t *Tree) Imports(f *File) map[string]string {
	imports := make(map[string]string, len(f.Syntax.Imports))
	for _, spec := range f.Syntax.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			imports[p] = t.at(spec)
		}
	}
	return imports
}

// at returns the path:line of a node.
func (t *Tree) at(n ast.Node) string {
	p := t.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

func (t *Tree) line(p token.Pos) int { return t.fset.Position(p).Line }

// generated returns the paths of the Go files that a program wrote.
func (t *Tree) generated() map[string]bool {
	names := map[string]bool{}
	for _, f := range t.Files {
		names[f.Path] = f.Generated
	}
	return names
}

// enter decides whether a directory belongs to the tree.
func (t *Tree) enter(dir string) error {
	if dir == "." {
		return nil
	}
	switch base := path.Base(dir); {
	case base == "testdata", base == "node_modules", base == "bin", strings.HasPrefix(base, "."), strings.HasPrefix(base, "_"):
		return fs.SkipDir
	}
	if _, err := fs.Stat(t.Root, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (t *Tree) parse(name string) error {
	source, err := fs.ReadFile(t.Root, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(t.fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.Files = append(t.Files, &File{
		Path:      name,
		Dir:       path.Dir(name),
		Test:      strings.HasSuffix(name, "_test.go"),
		Generated: ast.IsGenerated(syntax),
		Lines:     t.fset.File(syntax.Pos()).LineCount(),
		Syntax:    syntax,
	})
	return nil
}
