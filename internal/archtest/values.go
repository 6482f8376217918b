package archtest

import (
	"go/ast"
	"slices"
)

// valueDirs are where the values of runs pass through.
var valueDirs = []string{"internal/expr", "internal/sandbox", "internal/workflow", "internal/runner/...", "internal/control"}

// plainFiles look at values as a library has them, and hand none on: what the
// checker of schemas reads and says.
var plainFiles = []string{"internal/workflow/prepare.go", "internal/workflow/problem.go"}

// OrderedValues finds where a value of a run is taken for a Go map, which has no
// order, or its JSON is read by another reader than the one of package value, which
// rounds numbers.
func OrderedValues(t *Tree) (found []Finding) {
	for _, f := range t.Production() {
		if slices.Contains(plainFiles, f.Path) || !slices.ContainsFunc(valueDirs, func(dir string) bool { return covers(dir, f.Dir) }) {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeAssertExpr:
				if isPlainMap(n.Type) {
					found = append(found, Finding{t.at(n), "an object is a *value.Object and never a map, which loses the order of its keys"})
				}
			case *ast.CaseClause:
				if slices.ContainsFunc(n.List, isPlainMap) {
					found = append(found, Finding{t.at(n), "an object is a *value.Object and never a map, which loses the order of its keys"})
				}
			case *ast.SelectorExpr:
				if n.Sel.Name == "UseNumber" && f.Path != "internal/workflow/json.go" { // which reads a file token by token
					found = append(found, Finding{t.at(n), "read values with value.Decode, which keeps the order of keys and the digits of numbers"})
				}
			}
			return true
		})
	}
	return found
}

// isPlainMap reports whether a type is map[string]any.
func isPlainMap(e ast.Expr) bool {
	m, ok := e.(*ast.MapType)
	if !ok {
		return false
	}
	key, _ := m.Key.(*ast.Ident)
	of, _ := m.Value.(*ast.Ident)
	return key != nil && of != nil && key.Name == "string" && of.Name == "any"
}
