package sandbox_test

import (
	"context"
	"testing"

	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

var benchScope = value.Pairs("inputs", value.Pairs("user_id", int64(42), "name", "alice", "items", []any{"a", "b", "c"}))

func benchRender(b *testing.B, dialect expr.Dialect, text string) {
	b.Helper()
	p := pool(b, 1)
	ctx := context.Background()
	render := expr.Render{Tree: text, Dialect: dialect, Scope: benchScope}
	if _, err := p.Render(ctx, render); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Render(ctx, render); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	b.Run("engine", func(b *testing.B) {
		benchRender(b, expr.Jinja, "Dear {{ inputs.name|title }}, {{ inputs.items|join(', ') }}")
	})
	b.Run("name", func(b *testing.B) { benchRender(b, expr.Jinja, "{{ inputs.items[1] }}") })
	b.Run("static", func(b *testing.B) { benchRender(b, expr.Jinja, "Dear all") })
}

func BenchmarkCondition(b *testing.B) {
	benchRender(b, expr.JavaScript, "${inputs.user_id % 2 === 0}")
}

func BenchmarkScript(b *testing.B) {
	p := pool(b, 1)
	ctx := context.Background()
	script := expr.Script{Code: "let n = 0; for (const i of inputs.items) n += i.length; return {n, name: inputs.name}", Scope: benchScope}
	if _, err := p.Run(ctx, script); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Run(ctx, script); err != nil {
			b.Fatal(err)
		}
	}
}
