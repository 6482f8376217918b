package expr

import (
	"sync"

	"github.com/dop251/goja"
)

// The bounds of what a Direct remembers.
const (
	maxRemembered = 512     // texts
	maxTextLength = 8 << 10 // bytes; longer texts are read each time
)

// memory keeps texts that have been read, since workflows render the same ones
// again and again. What it keeps does not change when it is evaluated.
type memory struct {
	mu        sync.Mutex
	templates map[string]*template
	splits    map[string][]part
	programs  map[string]*goja.Program
}

// Remembering returns a Direct that reads a text once, as long as it has not met
// hundreds of others since. It is safe for concurrent use.
func Remembering() Direct {
	return Direct{&memory{templates: map[string]*template{}, splits: map[string][]part{}, programs: map[string]*goja.Program{}}}
}

// recall returns what a text was read as, and reads it when it has to. Problems
// are not kept.
func recall[V any](m *memory, kept func(*memory) map[string]V, text string, read func() (V, *Problem)) (V, *Problem) {
	if m == nil || len(text) > maxTextLength {
		return read()
	}
	m.mu.Lock()
	v, ok := kept(m)[text]
	m.mu.Unlock()
	if ok {
		return v, nil
	}
	v, problem := read()
	if problem == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(kept(m)) >= maxRemembered {
			clear(kept(m))
		}
		kept(m)[text] = v
	}
	return v, problem
}

func (m *memory) template(text string) (*template, *Problem) {
	return recall(m, func(m *memory) map[string]*template { return m.templates }, text, func() (*template, *Problem) { return parseJinja(text) })
}

func (m *memory) split(text string) ([]part, *Problem) {
	return recall(m, func(m *memory) map[string][]part { return m.splits }, text, func() ([]part, *Problem) { return split(text) })
}

// program compiles code in its wrapping.
func (m *memory) program(src source, after string) (*goja.Program, *Problem) {
	return recall(m, func(m *memory) map[string]*goja.Program { return m.programs }, src.before+src.code, func() (*goja.Program, *Problem) {
		program, problem := src.parse(after)
		if problem != nil {
			return nil, problem
		}
		compiled, err := goja.CompileAST(program, false)
		if err != nil {
			return nil, src.syntax(err)
		}
		return compiled, nil
	})
}
