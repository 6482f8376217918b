package expr

import "github.com/dop251/goja/ast"

// bindings collects the names that a JavaScript scope binds.
type bindings map[string]bool

// binds returns the names that a node binds for what is inside of it, and
// whether it opens a scope at all.
func binds(node any) (bindings, bool) {
	b := bindings{}
	switch node := node.(type) {
	case *ast.FunctionLiteral:
		b.name(node.Name)
		b.parameters(node.ParameterList)
		b.hoisted(node.DeclarationList)
	case *ast.ArrowFunctionLiteral:
		b.parameters(node.ParameterList)
		b.hoisted(node.DeclarationList)
	case *ast.ClassLiteral:
		b.name(node.Name)
	case *ast.ClassStaticBlock:
		b.hoisted(node.DeclarationList)
	case *ast.BlockStatement:
		b.statements(node.List)
	case *ast.SwitchStatement:
		for _, c := range node.Body {
			b.statements(c.Consequent)
		}
	case *ast.ForStatement:
		if lexical, ok := node.Initializer.(*ast.ForLoopInitializerLexicalDecl); ok {
			b.list(lexical.LexicalDeclaration.List)
		}
	case *ast.ForInStatement:
		b.into(node.Into)
	case *ast.ForOfStatement:
		b.into(node.Into)
	case *ast.CatchStatement:
		b.target(node.Parameter)
	default:
		return nil, false
	}
	return b, true
}

// statements adds what the statements of one block declare.
func (b bindings) statements(list []ast.Statement) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.LexicalDeclaration:
			b.list(s.List)
		case *ast.FunctionDeclaration:
			b.name(s.Function.Name)
		case *ast.ClassDeclaration:
			b.name(s.Class.Name)
		}
	}
}

// hoisted adds the var declarations from anywhere in a function.
func (b bindings) hoisted(declarations []*ast.VariableDeclaration) {
	for _, d := range declarations {
		b.list(d.List)
	}
}

func (b bindings) parameters(p *ast.ParameterList) {
	if p != nil {
		b.list(p.List)
		b.target(p.Rest)
	}
}

func (b bindings) list(list []*ast.Binding) {
	for _, binding := range list {
		b.target(binding.Target)
	}
}

func (b bindings) into(into ast.ForInto) {
	if declaration, ok := into.(*ast.ForDeclaration); ok {
		b.target(declaration.Target)
	}
}

func (b bindings) name(name *ast.Identifier) {
	if name != nil {
		b[name.Name.String()] = true
	}
}

// target adds the names in a name or a pattern.
func (b bindings) target(e ast.Expression) {
	switch e := e.(type) {
	case *ast.Identifier:
		b.name(e)
	case *ast.AssignExpression: // with a default
		b.target(e.Left)
	case *ast.Binding:
		b.target(e.Target)
	case *ast.SpreadElement:
		b.target(e.Expression)
	case *ast.ArrayPattern:
		for _, element := range e.Elements {
			b.target(element)
		}
		b.target(e.Rest)
	case *ast.ObjectPattern:
		for _, property := range e.Properties {
			b.property(property)
		}
		b.target(e.Rest)
	}
}

func (b bindings) property(p ast.Property) {
	switch p := p.(type) {
	case *ast.PropertyShort:
		b.name(&p.Name)
	case *ast.PropertyKeyed:
		b.target(p.Value)
	}
}
