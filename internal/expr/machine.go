package expr

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// maxCalls is how deeply JavaScript functions may call each other.
const maxCalls = 2000

// machine is a JavaScript engine for one evaluation. Nothing of it is used twice,
// so that no evaluation sees what another did.
type machine struct {
	vm    *goja.Runtime
	scope map[string]any
	uses  Uses
	logs  []string
}

// newMachine makes an engine whose global names are those of the scope, beside
// the ones of the language and hash. Lists and maps are built when they are first
// read, so that a large scope costs only what is used of it.
func newMachine(scope map[string]any, now int64, random *rand.Rand) *machine {
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
	for _, name := range sortedKeys(scope) {
		m.defineLazily(name, scope[name])
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
	switch v.(type) {
	case []any, map[string]any:
	default:
		m.define(name, m.value(v))
		return
	}
	get := m.vm.ToValue(func(goja.FunctionCall) goja.Value {
		value := m.value(v)
		m.define(name, value)
		return value
	})
	set := m.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		m.define(name, call.Argument(0))
		return goja.Undefined()
	})
	_ = m.vm.GlobalObject().DefineAccessorProperty(name, get, set, goja.FLAG_TRUE, goja.FLAG_TRUE)
}

// value builds the JavaScript value of a canonical one.
func (m *machine) value(v any) goja.Value {
	switch v := v.(type) {
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = m.value(item)
		}
		return m.vm.NewArray(items...)
	case map[string]any:
		o := m.vm.NewObject()
		for _, key := range sortedKeys(v) {
			if key == "__proto__" { // would set the prototype
				_ = o.DefineDataProperty(key, m.value(v[key]), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
				continue
			}
			_ = o.Set(key, m.value(v[key]))
		}
		return o
	case nil:
		return goja.Null()
	default:
		return m.vm.ToValue(v)
	}
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
	return Decode(data)
}

func (m *machine) exportPrimitive(v goja.Value, most int) (any, error) {
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return nil, nil
	}
	switch exported := v.Export().(type) {
	case bool, int64, float64:
		return Canonical(exported)
	case string:
		if s := v.String(); len(s) <= most {
			return validString(s), nil
		}
		return nil, tooLarge(most)
	default:
		if _, symbol := v.(*goja.Symbol); symbol {
			return nil, nil
		}
		return nil, &Problem{Kind: Type, Message: "a BigInt is no JSON value", Fix: "turn it into a number with Number(value), or into a text with String(value)"}
	}
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
