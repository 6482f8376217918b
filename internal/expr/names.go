package expr

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/unistring"
)

// checkJavaScript reads a text with ${} in it.
func checkJavaScript(whole string) Checked {
	if static(whole, JavaScript) {
		return Checked{Static: true}
	}
	parts, problem := split(whole)
	if problem != nil {
		return Checked{Problem: problem}
	}
	n := names{}
	for _, p := range parts {
		if !p.code {
			continue
		}
		if strings.TrimSpace(p.text) == "" {
			return Checked{Problem: problemAt(whole, p.at, "the ${} is empty")}
		}
		src := source{text: whole, at: p.at, code: p.text, before: expressionBefore}
		program, problem := src.parse(expressionAfter)
		if problem != nil {
			return Checked{Problem: problem}
		}
		n.walk(reflect.ValueOf(program.Body))
	}
	return Checked{References: sortReferences(n.found)}
}

// checkScript reads a script.
func checkScript(code string) Checked {
	program, problem := scriptSource(code).parse(scriptAfter)
	if problem != nil {
		return Checked{Problem: problem}
	}
	n := names{}
	n.walk(reflect.ValueOf(program.Body))
	return Checked{References: sortReferences(n.found)}
}

// sortReferences sorts and takes out repeats.
func sortReferences(found []Reference) []Reference {
	order := func(a, b Reference) int {
		if c := strings.Compare(a.Root, b.Root); c != 0 {
			return c
		}
		return slices.Compare(a.Path, b.Path)
	}
	slices.SortFunc(found, order)
	return slices.CompactFunc(found, func(a, b Reference) bool { return order(a, b) == 0 })
}

// names finds the names that a JavaScript program uses and does not bind.
type names struct {
	found []Reference
	bound []map[string]bool // by the scopes that are open
}

// walk visits everything in a part of the tree. A scope is opened with all the
// names that it binds before what is in it is visited: every other identifier in
// the tree is a use, the bound places included, which then are no references.
func (n *names) walk(v reflect.Value) {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			n.walk(v.Index(i))
		}
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if bound, scoped := binds(v.Interface()); scoped {
			n.bound = append(n.bound, bound)
			defer func() { n.bound = n.bound[:len(n.bound)-1] }()
		}
		if !n.visit(v.Interface()) {
			n.walk(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i).Name; field != "DeclarationList" && field != "Label" && field != "Name" {
				n.walk(v.Field(i))
			}
		}
	default: // positions, operators and text
	}
}

// visit handles the nodes that names stand in; it reports false for the others.
func (n *names) visit(node any) bool {
	switch node := node.(type) {
	case *ast.Identifier:
		n.use(node.Name, nil)
	case *ast.PropertyShort:
		n.use(node.Name.Name, nil)
		n.walk(reflect.ValueOf(node.Initializer))
	case *ast.PropertyKeyed:
		if node.Computed {
			n.walk(reflect.ValueOf(node.Key))
		}
		n.walk(reflect.ValueOf(node.Value))
	case *ast.MethodDefinition:
		if node.Computed {
			n.walk(reflect.ValueOf(node.Key))
		}
		n.walk(reflect.ValueOf(node.Body))
	case *ast.FieldDefinition:
		if node.Computed {
			n.walk(reflect.ValueOf(node.Key))
		}
		n.walk(reflect.ValueOf(node.Initializer))
	case *ast.DotExpression, *ast.BracketExpression, *ast.OptionalChain, *ast.Optional:
		n.member(node.(ast.Expression), false)
	case *ast.PrivateDotExpression:
		n.walk(reflect.ValueOf(node.Left))
	case *ast.CallExpression:
		n.member(node.Callee, true)
		n.walk(reflect.ValueOf(node.ArgumentList))
	case *ast.MetaProperty:
	default:
		return false
	}
	return true
}

// member records a chain of members. Of one that is called, the last is a method.
func (n *names) member(e ast.Expression, called bool) {
	root, path, whole := n.chain(e)
	switch {
	case root == nil:
	case called && whole && len(path) > 0:
		n.use(root.Name, path[:len(path)-1])
	default:
		n.use(root.Name, path)
	}
}

// chain follows members down to the name that they start from, and visits what
// is not part of the chain. The path is whole when it leads up to e.
func (n *names) chain(e ast.Expression) (root *ast.Identifier, path []string, whole bool) {
	switch e := e.(type) {
	case *ast.Identifier:
		return e, nil, true
	case *ast.OptionalChain:
		return n.chain(e.Expression)
	case *ast.Optional:
		return n.chain(e.Expression)
	case *ast.DotExpression:
		root, path, whole = n.chain(e.Left)
		if whole {
			path = append(path, e.Identifier.Name.String())
		}
		return root, path, whole
	case *ast.BracketExpression:
		root, path, whole = n.chain(e.Left)
		key, known := keyOf(e.Member)
		if !known {
			n.walk(reflect.ValueOf(e.Member))
		}
		if whole && known {
			return root, append(path, key), true
		}
		return root, path, false
	}
	n.walk(reflect.ValueOf(e))
	return nil, nil, false
}

// keyOf is the key of an index that is written down.
func keyOf(member ast.Expression) (key string, known bool) {
	switch m := member.(type) {
	case *ast.StringLiteral:
		return m.Value.String(), true
	case *ast.NumberLiteral:
		if i, ok := m.Value.(int64); ok {
			return strconv.FormatInt(i, 10), true
		}
	}
	return "", false
}

func (n *names) use(name unistring.String, path []string) {
	root := name.String()
	for _, scope := range n.bound {
		if scope[root] {
			return
		}
	}
	if !standard()[root] {
		n.found = append(n.found, Reference{Root: root, Path: slices.Clone(path)})
	}
}
