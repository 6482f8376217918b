package expr_test

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/expr"
)

// fuzz reads texts of a dialect. Long ones are left to the sandbox, which is there
// for what a text can do to the process that reads it.
func fuzz(f *testing.F, dialect expr.Dialect, file string) {
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range strings.Split("\n"+string(data), "\n### ")[1:] {
		_, rest, _ := strings.Cut(c, "\n")
		text, _, _ := strings.Cut(rest, "\n---\n")
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		checked, err := expr.Direct{}.Check(t.Context(), []expr.Text{{Text: text, Dialect: dialect}})
		if err != nil || len(checked) != 1 {
			t.Fatalf("got %v, %v", checked, err)
		}
		p := checked[0].Problem
		if p == nil {
			return
		}
		if p.Kind != expr.Syntax || p.Message == "" || len(p.Message) > 400 || !utf8.ValidString(p.Message) {
			t.Errorf("%q: got %+v, want a syntax problem with a message", text, p)
		}
		if lines := strings.Count(text, "\n") + 1; p.Line < 0 || p.Line > lines || p.Column < 0 {
			t.Errorf("%q: line %d, column %d of %d lines", text, p.Line, p.Column, lines)
		}
	})
}

func FuzzCheckJinja(f *testing.F)      { fuzz(f, expr.Jinja, "jinja.txt") }
func FuzzCheckJavaScript(f *testing.F) { fuzz(f, expr.JavaScript, "javascript.txt") }
func FuzzCheckScript(f *testing.F)     { fuzz(f, expr.ScriptBody, "script.txt") }

// FuzzSplit takes texts apart that have nothing to evaluate but their own pieces:
// what is put between ${ and } comes back.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"a", "'}'", "`${1}`", "/}/", "{a: 1}", "1 /* } */", "\\", "$", "$${", "a\n}"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, before, inside string) {
		if len(before)+len(inside) > 2000 {
			return
		}
		checked, err := expr.Direct{}.Check(t.Context(), []expr.Text{
			{Text: before, Dialect: expr.JavaScript},
			{Text: before + "${" + inside + "}", Dialect: expr.JavaScript},
		})
		if err != nil {
			t.Fatal(err)
		}
		if checked[0].Static && checked[1].Static {
			t.Errorf("%q with ${%s} is still static", before, inside)
		}
	})
}

// FuzzRenderJinja evaluates short templates without loops, which end by themselves.
func FuzzRenderJinja(f *testing.F) {
	data, err := os.ReadFile("testdata/filters.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range strings.Split("\n"+string(data), "\n### ")[1:] {
		_, rest, _ := strings.Cut(c, "\n")
		text, _, _ := strings.Cut(rest, "\n---\n")
		f.Add(text)
	}
	values := scope(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 300 || strings.Contains(text, "for") || strings.Contains(text, "macro") || strings.Contains(text, "range") {
			return
		}
		_, err := expr.Direct{}.Render(t.Context(), expr.Render{Tree: text, Dialect: expr.Jinja, Scope: values, Now: now, Seed: 7})
		if p := problem(err); p.Kind == expr.Internal {
			t.Errorf("%q: %v", text, err)
		}
	})
}
