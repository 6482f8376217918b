package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
)

// surfaceless are the packages whose errors reach callers on every surface: the
// command line is one of them, and has no say there.
var surfaceless = []string{
	".", "client/...", "internal/control", "internal/store", "internal/seal", "internal/live", "internal/declare", "internal/expr",
	"internal/sandbox", "internal/workflow", "internal/runner/...", "internal/api/...",
}

// A command in backticks and a flag are put together here, so that this file does
// not find itself.
var ofCommandLine = regexp.MustCompile("`slu" + `ice |(^|[ (` + "`" + `])-` + `-[a-z]`)

// CommandLineWords finds texts that speak of the command line where callers of
// the API and of other wire formats read them too.
func CommandLineWords(t *Tree) (found []Finding) {
	for _, f := range t.Production() {
		if f.Generated || !slices.ContainsFunc(surfaceless, func(pattern string) bool { return covers(pattern, f.Dir) }) {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if word := ofCommandLine.FindString(text); err == nil && word != "" {
				found = append(found, Finding{t.at(literal), fmt.Sprintf("%q is for the command line alone: advise an operation with Do, or a field with Ask", word)})
			}
			return true
		})
	}
	return found
}
