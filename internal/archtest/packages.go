package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

// minimumComment is the shortest package comment, in bytes, that can say what
// a package is for and what it must never do.
const minimumComment = 80

// emptyNames say nothing about what a package holds, so everything ends there.
var emptyNames = []string{"util", "utils", "common", "types", "type", "models", "model", "helpers", "helper", "misc"}

// PackageComments finds packages without a comment in full sentences.
func PackageComments(t *Tree) (found []Finding) {
	first := map[string]string{}
	comment := map[string]string{}
	for _, f := range t.Files {
		if f.Test {
			continue
		}
		if first[f.Dir] == "" {
			first[f.Dir] = f.Path
		}
		if text := f.Syntax.Doc.Text(); f.Syntax.Doc != nil && text != "" {
			if comment[f.Dir] != "" {
				found = append(found, Finding{f.Path, "the package has a comment in another file already: keep one"})
			}
			comment[f.Dir] = text
			if wrong := judgeComment(f.Syntax.Name.Name, text); wrong != "" {
				found = append(found, Finding{t.at(f.Syntax), wrong})
			}
		}
	}
	for dir, file := range first {
		if comment[dir] == "" {
			found = append(found, Finding{file, "the package has no comment: say in full sentences what it is for and what it must never do"})
		}
	}
	return found
}

// judgeComment returns what is wrong with a package comment, if anything.
func judgeComment(name, text string) string {
	text = strings.TrimSpace(text)
	start := "Package " + name + " "
	if name == "main" {
		start = "Command "
	}
	firstParagraph, _, _ := strings.Cut(text, "\n\n")
	switch {
	case !strings.HasPrefix(text, start):
		return fmt.Sprintf("the package comment must start with %q", start)
	case !strings.HasSuffix(firstParagraph, ".") && !strings.HasSuffix(firstParagraph, ":"):
		return "the first paragraph of the package comment must be full sentences, with a full stop"
	case len(text) < minimumComment:
		return fmt.Sprintf("the package comment has %d bytes: say what the package is for and what it must never do", len(text))
	}
	return ""
}

// PackageNames finds packages called something that says nothing.
func PackageNames(t *Tree) (found []Finding) {
	seen := map[string]bool{}
	for _, f := range t.Files {
		name := strings.TrimSuffix(f.Syntax.Name.Name, "_test")
		if seen[f.Dir+" "+name] {
			continue
		}
		seen[f.Dir+" "+name] = true
		if slices.Contains(emptyNames, name) || slices.Contains(emptyNames, path.Base(f.Dir)) {
			found = append(found, Finding{f.Path, fmt.Sprintf("package %s: name a package for what it holds", name)})
		}
	}
	return found
}

// NoInit finds init functions: what a program does at its start is written
// down where it starts, not spread over its imports.
func NoInit(t *Tree) (found []Finding) {
	for _, f := range t.Files {
		if f.Generated {
			continue
		}
		for _, decl := range f.Syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				found = append(found, Finding{t.at(fn), "no init functions: build it in a constructor that somebody calls"})
			}
		}
	}
	return found
}
