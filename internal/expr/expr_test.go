package expr_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

func render(t testing.TB, dialect expr.Dialect, tree any, scope map[string]any) (any, error) {
	t.Helper()
	r, err := expr.Direct{}.Render(t.Context(), expr.Render{Tree: valueOf(tree), Dialect: dialect, Scope: objectOf(scope), Now: now, Seed: 7})
	return r.Tree, err
}

// valueOf makes a value of what a test writes down.
func valueOf(v any) any {
	out, err := value.Of(v)
	if err != nil {
		panic(err)
	}
	return out
}

func objectOf(m map[string]any) *value.Object { return valueOf(m).(*value.Object) }

func problem(err error) expr.Problem {
	var p *expr.Problem
	if errors.As(err, &p) {
		return *p
	}
	return expr.Problem{}
}

// TestConditions splits users in two: each is in exactly one half.
func TestConditions(t *testing.T) {
	t.Parallel()
	for _, known := range []expr.Direct{{}, expr.Remembering()} {
		for id := range int64(1000) {
			var in [2]any
			for rest, text := range []string{"${input.user_id % 2 === 0}", "${input.user_id % 2 === 1}"} {
				r, err := known.Render(t.Context(), expr.Render{Tree: text, Dialect: expr.JavaScript, Scope: objectOf(map[string]any{"input": map[string]any{"user_id": id}})})
				if err != nil {
					t.Fatal(err)
				}
				in[rest] = r.Tree
			}
			if want := [2]any{id%2 == 0, id%2 == 1}; in != want {
				t.Fatalf("user %d: got %v, want %v", id, in, want)
			}
		}
	}
}

func TestConditionTable(t *testing.T) {
	t.Parallel()
	scope := map[string]any{"input": map[string]any{"n": 5, "s": "10", "t": "", "list": []any{1}, "none": nil, "f": 0.1}}
	for text, want := range map[string]any{
		"${input.n > 4 && input.n < 6}": true, "${input.s == 10}": true, "${input.s === 10}": false,
		"${input.s > 9}": true, "${input.s > '9'}": false, "${!input.t}": true, "${!!input.list.length}": true,
		"${input.none == undefined}": true, "${input.none === undefined}": false, "${input.missing === undefined}": true,
		"${input.missing?.deep.er ?? 'd'}": "d", "${input.f + 0.2 === 0.3}": false, "${-7 % 3}": int64(-1),
		"${input.n % 2 ? 'odd' : 'even'}": "odd", "${input.n / 2}": 2.5, "${input.n / 5}": int64(1),
		"${[] + {}}": "[object Object]", "${1 / 0}": nil, "${'a' in {a: 1}}": true, "${input.list.includes(1)}": true,
		"${hash('alice') % 100 < 50}": false, "${typeof input.none}": "object", "${void 0}": nil,
	} {
		if got, err := render(t, expr.JavaScript, text, scope); err != nil || got != want {
			t.Errorf("%s: got %v (%T), %v, want %v (%T)", text, got, got, err, want, want)
		}
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	scope := map[string]any{"a": int64(1)}
	tree := map[string]any{"{{ key }}": []any{"{{ a }}", "x{{ a }}", nil, 1.5, map[string]any{"deep": "{{ a }}"}}, "strings": []string{"{{ a }}"}}
	got, err := render(t, expr.Jinja, tree, scope)
	want := map[string]any{"{{ key }}": []any{int64(1), "x1", nil, 1.5, map[string]any{"deep": int64(1)}}, "strings": []any{int64(1)}}
	if err != nil || !value.Equal(got, valueOf(want)) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for path, tree := range map[string]any{
		"headers.X-Token":  map[string]any{"headers": map[string]any{"A": "{{ a }}", "X-Token": "{{ no }}"}},
		"items[2].url":     map[string]any{"items": []any{"", "", map[string]any{"url": "{{ no }}"}}},
		`["a b"][0]`:       map[string]any{"a b": []any{"{{ no }}"}},
		"":                 "{{ no }}",
		"b":                map[string]any{"z": "{{ no }}", "b": "{{ no }}"},
		"list[0]":          map[string]any{"list": []string{"{{ no }}"}},
		"deep[0][0].x.y.z": map[string]any{"deep": []any{[]any{map[string]any{"x": map[string]any{"y": map[string]any{"z": "{{ no }}"}}}}}},
	} {
		_, err := render(t, expr.Jinja, tree, scope)
		if p := problem(err); p.Kind != expr.Undefined || p.Path != path {
			t.Errorf("got %s at %q, want undefined at %q", p.Kind, p.Path, path)
		}
	}
}

// drawn draws values.
func drawn(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.String().AsAny(),
		rapid.Float64Range(-1e19, 1e19).AsAny(), rapid.SampledFrom([]any{"a", "b", int64(0), 1e18, 1.2345678901234567e18}),
	}
	if depth > 0 {
		leaves = append(
			leaves,
			rapid.SliceOfN(drawn(depth-1), 0, 3).AsAny(),
			rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "cc", "tier", "a-b"}), drawn(depth-1), 0, 3).AsAny(),
		)
	}
	return rapid.OneOf(leaves...)
}

// TestPlainAgrees compares the look-up of names with the engine: the same value,
// or the same problem to the letter.
func TestPlainAgrees(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		scope := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "cc", "tier"}), drawn(3), 0, 3).Draw(rt, "scope")
		path := rapid.SampledFrom([]string{"a", "b", "c", "cc", "tierr"}).Draw(rt, "root")
		for range rapid.IntRange(0, 3).Draw(rt, "steps") {
			path += rapid.SampledFrom([]string{".a", ".b", ".tier", ".items", "[0]", "[1]", "[00]", ".0", "[-1]", "['a']", ".x()", ".none"}).Draw(rt, "step")
		}
		text := rapid.SampledFrom([]string{"{{ %s }}", "{{%s}}", " {{  %s }}\n", "\n {{%s  }}", "x{{ %s }}", "%s"}).Draw(rt, "form")
		r := expr.Render{Tree: value.Pairs("t", fmt.Sprintf(text, path)), Dialect: expr.Jinja, Scope: objectOf(scope)}
		plain, done, plainErr := expr.RenderPlain(t.Context(), r)
		if !done {
			seen["engine"]++
			return
		}
		engine, err := expr.Direct{}.Render(t.Context(), r)
		if !reflect.DeepEqual(plain.Tree, engine.Tree) || problem(plainErr) != problem(err) {
			rt.Fatalf("%q in %v: looked up %v, %v, evaluated %v, %v", r.Tree, scope, plain.Tree, plainErr, engine.Tree, err)
		}
		seen[string(problem(err).Kind)]++
	})
	if seen["engine"] == 0 || seen[""] == 0 || seen["undefined"] == 0 {
		t.Errorf("not all outcomes were met: %v", seen)
	}
}

func TestPlainLeavesTheRest(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"{{ a }} {{ b }}", "{{ a|lower }}", "{{ not }}", "{{ none }}", "{{ true }}", "{{ a.b() }}", "{{ now }}", "{{- a }}", "{{ a[b] }}",
		"{{ a }}{# c #}", "{% if a %}{% endif %}", "{{ a[99999999999] }}", "{{ a b }}", "{{ a.and }}", "{{ }}", "{{ a.0 }}",
	} {
		if _, done, _ := expr.RenderPlain(t.Context(), expr.Render{Tree: text, Dialect: expr.Jinja, Scope: value.Pairs("a", int64(1))}); done {
			t.Errorf("%s was looked up", text)
		}
	}
	if _, done, _ := expr.RenderPlain(t.Context(), expr.Render{Tree: "{{ a }} ${a}", Dialect: expr.JavaScript}); done {
		t.Error("a condition was looked up")
	}
	got, done, err := expr.RenderPlain(t.Context(), expr.Render{Tree: []any{"plain", int64(1), nil, "{{ a }}"}, Dialect: expr.JavaScript})
	if want := []any{"plain", int64(1), nil, "{{ a }}"}; !done || err != nil || !reflect.DeepEqual(got.Tree, want) {
		t.Errorf("got %v, %t, %v, want %v", got.Tree, done, err, want)
	}
}

// TestSeeds shows that random numbers and the clock depend on the seed and the
// time alone, and count.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for dialect, text := range map[expr.Dialect]string{expr.Jinja: "{{ random() }} {{ now() }}", expr.JavaScript: "${Math.random()} ${Date.now()}"} {
		tree := []any{text, text}
		at := func(now, seed int64) (any, expr.Uses) {
			r, err := expr.Direct{}.Render(t.Context(), expr.Render{Tree: tree, Dialect: dialect, Now: now, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			return r.Tree, r.Uses
		}
		first, uses := at(now, 1)
		again, _ := at(now, 1)
		other, _ := at(now, 2)
		later, _ := at(now+5_000_000, 1)
		list := first.([]any)
		if !reflect.DeepEqual(first, again) || reflect.DeepEqual(first, other) || reflect.DeepEqual(first, later) || list[0] == list[1] {
			t.Errorf("%s: got %v, again %v, with another seed %v, later %v", dialect, first, again, other, later)
		}
		if uses != (expr.Uses{Clock: true, Random: 2}) {
			t.Errorf("%s: got %+v", dialect, uses)
		}
	}
}

// TestFreshness changes what it can reach, and looks for it in the next evaluation.
func TestFreshness(t *testing.T) {
	t.Parallel()
	d := expr.Remembering()
	scope := value.Pairs("list", []any{int64(1)}, "map", value.Pairs("k", "v"))
	for _, code := range []string{
		"Object.prototype.x = 1", "Array.prototype.push = null", "globalThis.leak = 1", "Math.random = () => 4", "list.push(2)", "map.k = 'w'",
		"delete globalThis.JSON", "Date.now = null", "String.prototype.trim = () => 'x'", "map.__proto__.y = 1", "hash = null", "map = 1",
	} {
		if _, err := d.Run(t.Context(), expr.Script{Code: code, Scope: scope}); err != nil {
			t.Errorf("%s: %v", code, err)
		}
		r, err := d.Run(t.Context(), expr.Script{Code: "return JSON.stringify([({}).x, typeof [].push, typeof leak, Math.random() < 1, list, map, typeof Date.now, ' '.trim(), ({}).y, typeof hash])", Scope: scope})
		if want := `[null,"function","undefined",true,[1],{"k":"v"},"function","",null,"function"]`; err != nil || r.Value != want {
			t.Errorf("after %s: got %v, %v, want %s", code, r.Value, err, want)
		}
	}
	if !value.Equal(scope, value.Pairs("list", []any{int64(1)}, "map", value.Pairs("k", "v"))) {
		t.Errorf("the scope became %v", scope)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	small := expr.Limits{Output: 100}
	for _, r := range []expr.Render{
		{Tree: strings.Repeat("x", 200), Dialect: expr.Jinja},
		{Tree: []any{strings.Repeat("x", 60), strings.Repeat("x", 60)}, Dialect: expr.Jinja},
		{Tree: "{{ a }}", Dialect: expr.Jinja, Scope: value.Pairs("a", strings.Repeat("x", 200))},
		{Tree: "{% for i in range(200) %}x{% endfor %}", Dialect: expr.Jinja},
		{Tree: "{{ range(200) }}", Dialect: expr.Jinja},
		{Tree: "${'x'.repeat(200)}", Dialect: expr.JavaScript},
		{Tree: "${Array(200).fill(1)} ", Dialect: expr.JavaScript},
		{Tree: "a ${'x'.repeat(200)}", Dialect: expr.JavaScript},
	} {
		r.Limits = small
		if _, err := (expr.Direct{}).Render(t.Context(), r); problem(err).Kind != expr.Output {
			t.Errorf("%v: got %v, want an output problem", r.Tree, err)
		}
	}
	r, err := expr.Direct{}.Run(t.Context(), expr.Script{Code: "for (let i = 0; i < 300; i++) console.log('é'.repeat(2000)); return 1"})
	if err != nil || len(r.Logs) != expr.MaxLogs || len(r.Logs[0]) > expr.MaxLogLine || !strings.HasSuffix(r.Logs[0], "…") {
		t.Errorf("got %d lines of %d bytes, %v", len(r.Logs), len(r.Logs[0]), err)
	}
	long := strings.Repeat("long", 1000)
	for _, text := range []string{"${" + long + "}", "${(() => { throw new Error('" + long + "') })()}", "${" + long + " " + long + "}"} {
		if _, err := render(t, expr.JavaScript, text, map[string]any{long + "1": 1, long + "2": 1}); err == nil || len(err.Error()) > 600 {
			t.Errorf("got no message, or a long one: %v", err)
		}
	}
	for _, text := range []string{"{{ " + long + " }}", "{{ a." + long + " }}", "{{ a|" + long + " }}", "{% " + long + " %}", "{{ '" + long + "'|fromjson }}"} {
		if _, err := render(t, expr.Jinja, text, map[string]any{"a": map[string]any{long + "1": 1, long + "2": 1}}); err == nil || len(err.Error()) > 600 {
			t.Errorf("got no message, or a long one: %v", err)
		}
	}
}

// TestSourceMapsAreNotLoaded names a file that is no source map. Reading it would
// be an error, and would tell what is in it.
func TestSourceMapsAreNotLoaded(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "map")
	if err := os.WriteFile(file, []byte("no source map"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{
		"return eval(inside)", "return new Function('return ' + inside)()", "return 1\n//# sourceMappingURL=" + file,
		"return 1 }\n//# sourceMappingURL=" + file,
	} {
		r, err := expr.Direct{}.Run(t.Context(), expr.Script{Code: code, Scope: value.Pairs("inside", "1\n//# sourceMappingURL="+file)})
		if (err != nil || r.Value != int64(1)) && problem(err).Kind != expr.Syntax || err != nil && strings.Contains(err.Error(), "map") {
			t.Errorf("%s: got %v, %v", code, r.Value, err)
		}
	}
}

func TestContextEndsAProgram(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (expr.Direct{}).Run(ctx, expr.Script{Code: "for(;;){}"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestUnknownDialect(t *testing.T) {
	t.Parallel()
	if _, err := (expr.Direct{}).Render(t.Context(), expr.Render{Tree: "x", Dialect: "perl"}); problem(err).Kind != expr.Internal {
		t.Errorf("render: got %v", err)
	}
	checked, err := expr.Direct{}.Check(t.Context(), []expr.Text{{Text: "x", Dialect: "perl"}})
	if err != nil || checked[0].Problem == nil {
		t.Errorf("check: got %+v, %v", checked, err)
	}
}
