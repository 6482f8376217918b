package expr_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// now is the time of all evaluations in these tests: 2026-07-04 18:30:05.25 UTC.
const now = 1_783_189_805_250_000

// scope reads the values that the golden files work on.
func scope(t testing.TB) *value.Object {
	t.Helper()
	data, err := os.ReadFile("testdata/scope.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := value.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*value.Object)
}

// TestGolden evaluates what is in the golden files. A case is a line that starts
// with ### and says what it shows, the text, a line ---, and what comes of it: its
// references, where it has any, and its value or its problem.
func TestGolden(t *testing.T) {
	t.Parallel()
	for file, dialect := range map[string]expr.Dialect{
		"jinja.txt": expr.Jinja, "filters.txt": expr.Jinja, "jinja_problems.txt": expr.Jinja,
		"javascript.txt": expr.JavaScript, "script.txt": expr.ScriptBody,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			golden(t, filepath.Join("testdata", file), dialect)
		})
	}
}

func golden(t *testing.T, file string, dialect expr.Dialect) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	values := scope(t)
	var b strings.Builder
	for _, c := range strings.Split(strings.TrimPrefix("\n"+string(data), "\n### "), "\n### ") {
		name, rest, _ := strings.Cut(c, "\n")
		text, want, _ := strings.Cut(rest, "\n---\n")
		got := outcome(t, dialect, text, values)
		if want = strings.TrimSpace(want); got != want && !*update {
			t.Errorf("%s: %s\ngot  %s\nwant %s", name, text, got, want)
		}
		fmt.Fprintf(&b, "### %s\n%s\n---\n%s\n\n", name, text, got)
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.TrimSuffix(b.String(), "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// outcome is what a golden file says of a text.
func outcome(t *testing.T, dialect expr.Dialect, text string, values *value.Object) string {
	t.Helper()
	checked, err := expr.Direct{}.Check(t.Context(), []expr.Text{{Text: text, Dialect: dialect}})
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, r := range checked[0].References {
		lines = append(lines, "uses "+strings.Join(append([]string{r.Root}, r.Path...), "."))
	}
	result, err := evaluated(t, dialect, text, values)
	if p := checked[0].Problem; p != nil && (err == nil || p.Error() != err.Error()) {
		t.Errorf("%s: checked %v, evaluated %v", text, p, err)
	}
	var p *expr.Problem
	if errors.As(err, &p) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s: %s\n%s", p.Kind, p.Error(), p.Fix)))
	} else if err != nil {
		t.Fatal(err)
	} else {
		lines = append(lines, result)
	}
	return strings.Join(lines, "\n")
}

func evaluated(t *testing.T, dialect expr.Dialect, text string, values *value.Object) (string, error) {
	t.Helper()
	if dialect == expr.ScriptBody {
		r, err := expr.Direct{}.Run(t.Context(), expr.Script{Code: text, Scope: values, Now: now, Seed: 7})
		said := ""
		for _, line := range r.Logs {
			said += "log " + line + "\n"
		}
		return said + show(t, r.Value, r.Uses), err
	}
	r, err := expr.Direct{}.Render(t.Context(), expr.Render{Tree: text, Dialect: dialect, Scope: values, Now: now, Seed: 7})
	return show(t, r.Tree, r.Uses), err
}

func show(t *testing.T, v any, uses expr.Uses) string {
	t.Helper()
	data, err := value.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	s := string(data)
	if uses != (expr.Uses{}) {
		s += fmt.Sprintf(" clock=%t random=%d", uses.Clock, uses.Random)
	}
	return s
}
