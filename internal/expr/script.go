package expr

import (
	"context"
	"strings"

	"github.com/dop251/goja"
)

// scriptSource wraps a script as the body of a function. One that says await
// becomes an async function, since await is an ordinary name in others.
func scriptSource(code string) source {
	s := source{text: code, code: code, before: scriptBefore}
	if strings.Contains(code, "await") {
		s.before = asyncBefore
	}
	return s
}

// runScript runs a script in an engine of its own.
func runScript(ctx context.Context, m *machine, known *memory, code string, most int) (any, error) {
	src := scriptSource(code)
	program, problem := known.program(src, scriptAfter)
	if problem != nil {
		return nil, problem
	}
	m.addConsole()
	function, err := m.run(ctx, program)
	if err != nil {
		return nil, m.problem(src, err)
	}
	call, _ := goja.AssertFunction(function)
	v, err := m.call(ctx, call)
	if err == nil {
		v, err = settled(v)
	}
	if err != nil {
		return nil, m.problem(src, err)
	}
	value, err := m.export(v, most)
	return value, m.problem(src, err)
}

func (m *machine) call(ctx context.Context, call goja.Callable) (goja.Value, error) {
	defer m.interruptible(ctx)()
	return call(goja.Undefined())
}

// addConsole lets a script log. All levels go to one list.
func (m *machine) addConsole() {
	console := m.vm.NewObject()
	for _, level := range []string{"log", "info", "debug", "warn", "error"} {
		_ = console.Set(level, m.log)
	}
	m.define("console", console)
}

// log adds one line: texts as they are, all else as JSON.
func (m *machine) log(call goja.FunctionCall) goja.Value {
	if len(m.logs) >= MaxLogs {
		return goja.Undefined()
	}
	var words []string
	length := 0
	for _, argument := range call.Arguments {
		if length > MaxLogLine {
			break
		}
		word := m.logged(argument)
		length += len(word) + 1
		words = append(words, word)
	}
	m.logs = append(m.logs, cut(strings.Join(words, " "), MaxLogLine-len("…")))
	return goja.Undefined()
}

func (m *machine) logged(v goja.Value) string {
	o, isObject := v.(*goja.Object)
	if !isObject || o.ClassName() == "Error" {
		return v.String()
	}
	if _, function := goja.AssertFunction(o); function {
		return "function"
	}
	data, err := o.MarshalJSON()
	if err != nil {
		return "[" + o.ClassName() + "]"
	}
	return string(data)
}
