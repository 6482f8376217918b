package expr
import ("testing";"context")
var tmpScope = map[string]any{"inputs": map[string]any{"user_id": int64(42), "name": "alice", "items": []any{"a", "b", "c"}}}
func BenchmarkTmp(b *testing.B) {
	d0 := Remembering()
	for _, s := range []struct{d Dialect; t string}{{Jinja,"Dear {{ inputs.name|title }}, {{ inputs.items|join(', ') }}"},{Jinja,"Dear {{ inputs.name }}, {{ inputs.items|join(', ') }}"},{JavaScript,"${inputs.user_id % 2 === 0}"}} {
		b.Run(s.t[:8]+string(s.d), func(b *testing.B) { b.ReportAllocs(); for b.Loop() { if _, err := d0.Render(context.Background(), Render{Tree:s.t,Dialect:s.d,Scope:tmpScope}); err!=nil {b.Fatal(err)} } })
	}
	b.Run("parse", func(b *testing.B) { for b.Loop() { parseJinja("Dear {{ inputs.name }}, {{ inputs.items|join(', ') }}") } })
	b.Run("script", func(b *testing.B) { b.ReportAllocs(); for b.Loop() { d0.Run(context.Background(), Script{Code: "let n = 0; for (const i of inputs.items) n += i.length; return {n, name: inputs.name}", Scope:tmpScope})}})
	b.Run("vm", func(b *testing.B) { for b.Loop() { newMachine(tmpScope, 0, nil) } })
}
