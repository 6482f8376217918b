package archtest

import (
	"fmt"
	"go/ast"
)

// The budget of size, in lines. What is over the first number is listed, what
// is over the second breaks the build. Tests count for functions and not for
// files: a long list of cases is not a long thought.
const (
	fileLong     = 400
	fileTooLong  = 800
	funcLong     = 60
	funcTooLong  = 100
	adviceSplit  = "split it by what it is about"
	adviceReader = "a reader should see the whole of it at once"
)

// LongFiles finds files over the limit.
func LongFiles(t *Tree, limit int) (found []Finding) {
	for _, f := range t.Files {
		if !f.Test && !f.Generated && f.Lines > limit {
			found = append(found, Finding{f.Path, fmt.Sprintf("%d lines are over %d: %s", f.Lines, limit, adviceSplit)})
		}
	}
	return found
}

// LongFunctions finds functions over the limit.
func LongFunctions(t *Tree, limit int) (found []Finding) {
	for _, f := range t.Files {
		if f.Generated {
			continue
		}
		for _, decl := range f.Syntax.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			if lines := t.line(fn.End()) - t.line(fn.Pos()) + 1; lines > limit {
				found = append(found, Finding{t.at(fn), fmt.Sprintf("%s has %d lines, over %d: %s", fn.Name.Name, lines, limit, adviceReader)})
			}
		}
	}
	return found
}
