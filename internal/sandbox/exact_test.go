package sandbox_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// drawn draws JSON without spaces. What a script is given has numbers that
// JavaScript writes so, and no keys that are integers, which it puts first.
func drawn(depth int, script bool) *rapid.Generator[string] {
	numbers := []string{"0", "-1", "1.5", "9007199254740991", "0.1"}
	keys := []string{"z", "a", "b c", "reasoning", "answer", "__proto__", "constructor"}
	if !script {
		numbers = append(numbers, "1.0", "-0.0", "0.10", "1e2", "18446744073709551615", "3544790567247868102", "1e1000", "-123456789012345678901234567890.5")
		keys = append(keys, "10", "9", "")
	}
	leaves := []*rapid.Generator[string]{rapid.SampledFrom(append(numbers, "null", "true", `"<é🙂&>"`, `"{"`, `"\n"`))}
	if depth > 0 {
		inner := drawn(depth-1, script)
		leaves = append(
			leaves,
			rapid.Map(rapid.SliceOfN(inner, 0, 3), func(items []string) string { return "[" + strings.Join(items, ",") + "]" }),
			rapid.Custom(func(t *rapid.T) string {
				var parts []string
				for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, len(keys), rapid.ID).Draw(t, "keys") {
					quoted, _ := json.Marshal(key)
					parts = append(parts, string(quoted)+":"+inner.Draw(t, "value"))
				}
				return "{" + strings.Join(parts, ",") + "}"
			}),
		)
	}
	return rapid.OneOf(leaves...)
}

// TestValuesPassUnchanged is a law: what is only carried comes out as it went in,
// to the byte, wherever it is evaluated.
func TestValuesPassUnchanged(t *testing.T) {
	t.Parallel()
	p := pool(t, 1)
	rapid.Check(t, func(rt *rapid.T) {
		text := drawn(3, false).Draw(rt, "value")
		v, err := value.Decode([]byte(text))
		if err != nil {
			rt.Fatal(err)
		}
		scope := value.Pairs("v", v, "list", []any{v})
		tree := value.Pairs(
			"static", v, "plain", "{{ v }}", "engine", "{{ list|first }}", "literal", "{{ [v][0] }}", "text", "{{ v|tojson }}", "member", "{{ {'z': v, 'a': v}.a }}",
		)
		got, err := p.Render(t.Context(), expr.Render{Tree: tree, Dialect: expr.Jinja, Scope: scope})
		if err != nil {
			rt.Fatal(err)
		}
		want := value.Pairs("static", v, "plain", v, "engine", v, "literal", v, "text", text, "member", v)
		if value.Text(got.Tree) != value.Text(want) {
			rt.Fatalf("got  %s\nwant %s", value.Text(got.Tree), value.Text(want))
		}

		text = drawn(3, true).Draw(rt, "value for a script")
		if v, err = value.Decode([]byte(text)); err != nil {
			rt.Fatal(err)
		}
		ran, err := p.Run(t.Context(), expr.Script{Code: "return [v, {z: v, a: 1}]", Scope: value.Pairs("v", v)})
		if want := "[" + text + `,{"z":` + text + `,"a":1}]`; err != nil || value.Text(ran.Value) != want {
			rt.Fatalf("got  %s, %v\nwant %s", value.Text(ran.Value), err, want)
		}
	})
}
