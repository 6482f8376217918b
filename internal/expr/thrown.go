package expr

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

// problem turns an error of the engine into one for the writer of the code, and
// leaves nil and the end of a context as they are.
func (m *machine) problem(src source, err error) error {
	var (
		problem   *Problem
		exception *goja.Exception
		refused   *rejected
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &problem):
		if problem.Line == 0 && problem.Kind != Output {
			problem.Line, problem.Column = position(src.text, src.at)
			if errors.As(err, &exception) { // by reading what JavaScript cannot hold
				if line, column := place(exception); line > 0 {
					at := src.problem(problem.Kind, "", line, column)
					problem.Line, problem.Column = at.Line, at.Column
				}
			}
		}
		return problem
	case uncatchable(err) != nil:
		return uncatchable(err)
	case errors.As(err, &refused):
		line, column := m.placeOf(refused.value)
		return m.thrown(src, refused.value, line, column)
	case errors.As(err, &exception):
		line, column := place(exception)
		return m.thrown(src, exception.Value(), line, column)
	}
	return src.syntax(err)
}

// uncatchable returns what ended the engine from outside of the program, or nil.
func uncatchable(err error) error {
	var interrupted *goja.InterruptedError
	var overflow *goja.StackOverflowError
	switch {
	case errors.As(err, &interrupted):
		return interrupted.Unwrap()
	case errors.As(err, &overflow):
		return tooDeep()
	}
	return nil
}

func tooDeep() *Problem {
	return &Problem{Kind: Memory, Message: "functions call each other too deeply", Fix: "look for a recursion that does not end"}
}

// place is where in the user's code an exception arose, or 0.
func place(exception *goja.Exception) (line, column int) {
	for _, frame := range exception.Stack() {
		if at := frame.Position(); frame.SrcName() == "" && at.Line > 0 {
			return at.Line, at.Column
		}
	}
	return 0, 0
}

// stackPlace finds the first place in the stack of an error.
var stackPlace = regexp.MustCompile(`:(\d{1,9}):(\d{1,9})\(\d+\)`)

// placeOf is where an error was made that a promise was rejected with, or 0.
func (m *machine) placeOf(v goja.Value) (line, column int) {
	stack := ""
	_ = m.vm.Try(func() {
		if o, ok := v.(*goja.Object); ok && o.Get("stack") != nil {
			stack = o.Get("stack").String()
		}
	})
	found := stackPlace.FindStringSubmatch(stack[:min(len(stack), 1000)])
	if found == nil {
		return 0, 0
	}
	line, _ = strconv.Atoi(found[1])
	column, _ = strconv.Atoi(found[2])
	return line, column
}

// thrown is the problem for a value that was thrown.
func (m *machine) thrown(src source, v goja.Value, line, column int) *Problem {
	name, message := m.nameOf(v)
	if missing, found := strings.CutSuffix(message, " is not defined"); found && name == "ReferenceError" {
		p := noRoot(missing, m.scope.Keys())
		placed := src.problem(Undefined, "", line, column)
		p.Line, p.Column = placed.Line, placed.Column
		return p
	}
	kind := Thrown
	if name == "TypeError" && (strings.Contains(message, "circular structure") || strings.Contains(message, "serialize a BigInt")) {
		kind = Type
	}
	if name != "" && name != "Error" {
		message = name + ": " + message
	}
	if message == "" {
		message = "it threw an error without a message"
	}
	p := src.problem(kind, "", line, column)
	p.Message = cut(message, maxQuoted)
	return p
}

// nameOf gives name and message of an error, and what else was thrown as text.
func (m *machine) nameOf(v goja.Value) (name, message string) {
	thrown := m.vm.Try(func() {
		o, ok := v.(*goja.Object)
		if !ok || o.Get("message") == nil {
			message = v.String()
			return
		}
		message = o.Get("message").String()
		if n := o.Get("name"); n != nil {
			name = cut(n.String(), 60)
		}
	})
	if thrown != nil {
		return "", "what it threw cannot be shown"
	}
	return name, message
}
