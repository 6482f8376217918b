package block_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/block"
)

func TestTableHoldsWhatActs(t *testing.T) {
	t.Parallel()
	var names []string
	for name, kind := range block.Table() {
		names = append(names, name)
		if kind.Run == nil || kind.Effects == nil || kind.Timeout <= 0 {
			t.Errorf("%s has no way to run, no effects or no timeout: %+v", name, kind)
		}
	}
	slices.Sort(names)
	want := []string{"condition", "continue_if", "echo", "fail", "http", "llm", "prompt", "script", "stop_if", "template"}
	if !slices.Equal(names, want) {
		t.Errorf("kinds %v, want %v", names, want)
	}
}

func TestEffectsOfKinds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind     string
		settings map[string]any
		want     block.Effects
	}{
		{"echo", nil, block.None},
		{"template", nil, block.None},
		{"condition", nil, block.None},
		{"fail", nil, block.None},
		{"script", nil, block.None},
		{"llm", nil, block.Repeatable},
		{"prompt", map[string]any{"prompt": "hello"}, block.None},
		{"prompt", map[string]any{"prompt": "hello", "model": "small"}, block.Repeatable},
		{"prompt", map[string]any{"component": "greeting"}, block.Repeatable},
		{"prompt", nil, block.Repeatable},
	} {
		if got := block.Table()[tt.kind].Effects(obj(tt.settings)); got != tt.want {
			t.Errorf("effects of %s with %v = %d, want %d", tt.kind, tt.settings, got, tt.want)
		}
	}
}

func TestTemplateAndEchoGiveWhatWasRendered(t *testing.T) {
	t.Parallel()
	tree := map[string]any{"a": []any{int64(1), nil, "x"}}
	for _, tt := range []struct {
		kind     string
		settings map[string]any
		want     any
	}{
		{"template", map[string]any{"template": tree}, tree},
		{"template", map[string]any{"template": nil}, nil},
		{"echo", map[string]any{"value": tree}, tree},
		{"echo", map[string]any{"message": "hello"}, "hello"},
		{"echo", map[string]any{"value": nil, "message": "hello"}, nil},
		{"echo", nil, nil},
	} {
		got := run(t, t.Context(), tt.kind, block.Call{Settings: obj(tt.settings)})
		if got.err != nil || !same(got.Output, tt.want) {
			t.Errorf("%s with %v gave %v, %v, want %v", tt.kind, tt.settings, got.Output, got.err, tt.want)
		}
	}
}

func TestConditionsAreTrueOrFalse(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"condition", "continue_if", "stop_if"} {
		for value, want := range map[any]bool{true: true, false: false, "true": true, " True\n": true, "false": false, "False": false} {
			got := run(t, t.Context(), kind, block.Call{Settings: obj(map[string]any{"condition": value})})
			if got.err != nil || !same(got.Output, map[string]any{"evaluated_condition": want}) {
				t.Errorf("%s of %#v gave %v, %v, want %v", kind, value, got.Output, got.err, want)
			}
		}
		for _, value := range []any{nil, "", "TRUE", "yes", "no", "0", int64(1), 0.0, []any{}, map[string]any{"a": true}} {
			got := run(t, t.Context(), kind, block.Call{Settings: obj(map[string]any{"condition": value})})
			wantError(t, got.err, sluice.Invalid, "error", false, "which is neither true nor false")
		}
	}
	long := run(t, t.Context(), "condition", block.Call{Settings: obj(map[string]any{"condition": strings.Repeat("é\x1b", 10_000)})})
	if len(long.err.Message) > 300 || strings.Contains(long.err.Message, "\x1b") {
		t.Errorf("the message is %q", long.err.Message)
	}
}

func TestFailFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		settings, raw map[string]any
		want          string
	}{
		{map[string]any{"message": " no stock of 3 "}, nil, "no stock of 3"},
		{map[string]any{"message": "no stock"}, map[string]any{"code": "E7"}, "E7: no stock"},
		{map[string]any{"message": ""}, nil, "the workflow failed here"},
	} {
		got := run(t, t.Context(), "fail", block.Call{Settings: obj(tt.settings), Raw: tt.raw})
		wantError(t, got.err, sluice.Refused, "error", false, tt.want)
		if got.err.Message != tt.want {
			t.Errorf("message %q, want %q", got.err.Message, tt.want)
		}
	}
}
