package block_test

import (
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/runner/block"
)

func TestScriptRuns(t *testing.T) {
	t.Parallel()
	scope := map[string]any{"inputs": map[string]any{"n": int64(2)}, "other": "seen"}
	for _, tt := range []struct {
		name  string
		code  string
		input any
		want  any
	}{
		{"over the whole scope", "return [inputs.n + 1, other]", nil, []any{int64(3), "seen"}},
		{"over its input alone", "return [n * 2, typeof other]", map[string]any{"n": int64(4)}, []any{int64(8), "undefined"}},
		{"over an empty input", "return typeof inputs", map[string]any{}, "undefined"},
		{"with the clock that it is given", "return new Date().toISOString()", nil, "2026-11-21T00:00:00.000Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			now := sluice.Time(1795219200_000000)
			settings := map[string]any{}
			if tt.input != nil {
				settings["input"] = tt.input
			}
			got := run(t, t.Context(), "script", block.Call{
				Settings: obj(settings), Raw: map[string]any{"code": tt.code}, Scope: obj(scope), Now: now, Eval: expr.Direct{},
			})
			if got.err != nil || !same(got.Output, tt.want) {
				t.Errorf("%s gave %#v, %v, want %#v", tt.code, got.Output, got.err, tt.want)
			}
		})
	}
}

func TestScriptLogs(t *testing.T) {
	t.Parallel()
	got := run(t, t.Context(), "script", block.Call{Raw: map[string]any{"code": "console.log('a', 1); console.log('b')"}, Eval: expr.Direct{}})
	if want := map[string]any{"logs": []any{"a 1", "b"}}; got.err != nil || !same(got.Extra, want) {
		t.Errorf("logs %v, %v, want %v", got.Extra, got.err, want)
	}
}

func TestScriptFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		code     string
		settings map[string]any
		raw      map[string]any
		want     []string
	}{
		{"with its place", "let a = 1\nthrow new Error('out of stock')", nil, nil, []string{"the script: line 2", "out of stock"}},
		{"with an unknown name", "return nothing", nil, nil, []string{"the script: line 1, column", "nothing"}},
		{"when it cannot be read", "return (", nil, nil, []string{"the script: line 1"}},
		{"with an input that is no map", "return 1", map[string]any{"input": "x"}, nil, []string{"input is \"x\", which is not a map"}},
		{"with a memory that is no number", "return 1", nil, map[string]any{"memory_mb": "much"}, []string{"memory_mb is \"much\""}},
	} {
		raw := map[string]any{"code": tt.code}
		for name, value := range tt.raw {
			raw[name] = value
		}
		got := run(t, t.Context(), "script", block.Call{Settings: obj(tt.settings), Raw: raw, Eval: expr.Direct{}})
		for _, want := range tt.want {
			wantError(t, got.err, sluice.Invalid, "error", false, want)
		}
	}
}

func TestScriptWithoutCode(t *testing.T) {
	t.Parallel()
	got := run(t, t.Context(), "script", block.Call{Eval: expr.Direct{}})
	wantError(t, got.err, sluice.Invalid, "error", false, "the script has no code")
}
