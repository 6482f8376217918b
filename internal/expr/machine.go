package expr

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"

	"github.com/sluice-dev/sluice/internal/value"
)

// maxCalls is how deeply JavaScript functions may call each other.
const maxCalls = 2000

// machine is a JavaScript engine for one evaluation. Nothing of it is used twice,
// so that no evaluation sees what another did.
type machine struct {
	vm    *goja.Runtime
	scope *value.Object
	uses  Uses
	logs  []string
}

// newMachine makes an engine whose global names are those of the scope, beside
// the ones of the language and hash. Lists and maps are built when they are first
// read, so that a large scope costs only what is used of it.
func newMachine(scope *value.Object, now int64, random *rand.Rand) *machine {
	m := &machine{vm: goja.New(), scope: scope}
	m.vm.SetParserOptions(parser.WithDisableSourceMaps)
	m.vm.SetMaxCallStackSize(maxCalls)
	m.vm.SetTimeSource(func() time.Time {
		m.uses.Clock = true
		return time.UnixMicro(now).UTC()
	})
	m.vm.SetRandSource(func() float64 {
		m.uses.Random++
		return random.Float64()
	})
	m.define("hash", m.vm.ToValue(m.hash))
	for name, v := range scope.All() {
		m.defineLazily(name, v)
	}
	return m
}

// draws returns the random numbers of a seed, which are the same in all dialects.
func draws(seed int64) *rand.Rand {
	const stream = 0x536c75696365 // any fixed number does
	return rand.New(rand.NewPCG(uint64(seed), stream))
}

// define sets a global name. Those that the language keeps, such as undefined,
// stay what they are.
func (m *machine) define(name string, v goja.Value) {
	_ = m.vm.GlobalObject().DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
}

func (m *machine) defineLazily(name string, v any) {
	at := (*value.Path)(nil).Key(name)
	switch v.(type) {
	case []any, *value.Object:
		m.lazily(m.vm.GlobalObject(), name, func() goja.Value { return m.value(v, at) })
	default:
		if p := m.unheld(v, at); p != nil {
			m.refuse(m.vm.GlobalObject(), name, p)
			return
		}
		m.define(name, m.value(v, at))
	}
}

// lazily gives an object a property that is made when it is first read. It can be
// set as if it were there already.
func (m *machine) lazily(o *goja.Object, name string, make func() goja.Value) {
	put := func(v goja.Value) goja.Value {
		_ = o.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		return v
	}
	get := m.vm.ToValue(func(goja.FunctionCall) goja.Value { return put(make()) })
	set := m.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		put(call.Argument(0))
		return goja.Undefined()
	})
	_ = o.DefineAccessorProperty(name, get, set, goja.FLAG_TRUE, goja.FLAG_TRUE)
}

// unheld is the problem of a number that JavaScript, whose numbers are 64-bit
// floats, would turn into another one; nil of all else.
func (m *machine) unheld(v any, at *value.Path) *Problem {
	if !value.IsNumber(v) {
		return nil
	}
	if _, exact := value.Float(v); exact {
		return nil
	}
	p := &Problem{Kind: Type, Message: at.String() + " is " + digitsOf(v) + ", which a number of JavaScript cannot hold"}
	return p.fixed("give it as text, or work with it in a Jinja template, which counts exactly")
}

// refuse gives an object a property that throws when it is read, so that code which
// leaves the number alone runs.
func (m *machine) refuse(o *goja.Object, name string, p *Problem) {
	m.lazily(o, name, func() goja.Value {
		refused := *p
		panic(m.vm.NewGoError(&refused))
	})
}

// value builds the JavaScript value of one of ours. Keys come in their order, but
// those that are integers, which the language puts first.
func (m *machine) value(v any, at *value.Path) goja.Value {
	switch v := v.(type) {
	case []any:
		return m.array(v, at)
	case *value.Object:
		o := m.vm.NewObject()
		for key, item := range v.All() {
			in := at.Key(key)
			switch p := m.unheld(item, in); {
			case p != nil:
				m.refuse(o, key, p)
			case key == "__proto__": // would set the prototype
				_ = o.DefineDataProperty(key, m.value(item, in), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
			default:
				_ = o.Set(key, m.value(item, in))
			}
		}
		return o
	case nil:
		return goja.Null()
	case value.Number:
		f, _ := value.Float(v)
		return m.vm.ToValue(f)
	default:
		return m.vm.ToValue(v)
	}
}

func (m *machine) array(list []any, at *value.Path) goja.Value {
	items := make([]any, len(list))
	refused := map[int]*Problem{}
	for i, item := range list {
		in := at.Index(i)
		if p := m.unheld(item, in); p != nil {
			refused[i] = p
			continue
		}
		items[i] = m.value(item, in)
	}
	array := m.vm.NewArray(items...)
	for i, p := range refused {
		m.refuse(array, strconv.Itoa(i), p)
	}
	return array
}

// hash is a number from 0 to 4294967295 that is the same for the same text
// everywhere: 32-bit FNV-1a of its UTF-8.
func (m *machine) hash(call goja.FunctionCall) goja.Value {
	h := fnv.New32a()
	_, _ = h.Write([]byte(call.Argument(0).String()))
	return m.vm.ToValue(int64(h.Sum32()))
}

// export gives the JSON value of a JavaScript one, as JSON.stringify sees it.
func (m *machine) export(v goja.Value, most int) (any, error) {
	o, isObject := v.(*goja.Object)
	if !isObject {
		return m.exportPrimitive(v, most)
	}
	if _, callable := goja.AssertFunction(o); callable {
		return nil, nil
	}
	data, err := o.MarshalJSON()
	if err != nil {
		return nil, err
	}
	if len(data) > most {
		return nil, tooLarge(most)
	}
	exported, err := value.Decode(data)
	if err != nil { // the code wrote it, so its bytes are JSON
		p := notValue(err)
		p.Path, p.Message = "", cut(err.Error(), maxQuoted)
		return nil, p.fixed(wholeCharacters)
	}
	return exported, nil
}

// wholeCharacters is what to do about a text with half of a surrogate pair.
const wholeCharacters = "cut texts between characters: Array.from(text).slice(0, n).join('')"

func (m *machine) exportPrimitive(v goja.Value, most int) (any, error) {
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return nil, nil
	}
	switch exported := v.Export().(type) {
	case bool, int64, float64:
		return value.Of(exported)
	case string:
		return m.exportText(v, most)
	default:
		if _, symbol := v.(*goja.Symbol); symbol {
			return nil, nil
		}
		return nil, &Problem{Kind: Type, Message: "a BigInt is no JSON value", Fix: "turn it into a number with Number(value), or into a text with String(value)"}
	}
}

func (m *machine) exportText(v goja.Value, most int) (any, error) {
	s, err := m.text(v)
	if err == nil && len(s) > most {
		err = tooLarge(most)
	}
	return s, err
}

// interruptible stops the engine when the context ends, between two steps of a
// program; native functions run to their end.
func (m *machine) interruptible(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, func() { m.vm.Interrupt(context.Cause(ctx)) })
	return func() { stop() }
}

// standard are the names that JavaScript has without any scope.
var standard = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{"undefined": true, "hash": true, "console": true, "arguments": true}
	for _, name := range goja.New().GlobalObject().GetOwnPropertyNames() {
		names[name] = true
	}
	return names
})

func tooLarge(most int) *Problem {
	return &Problem{Kind: Output, Message: fmt.Sprintf("the result is larger than %d bytes", most)}
}
