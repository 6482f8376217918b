package api

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The parts of the document that the tests look at.
type (
	schema struct {
		Description string
		Properties  map[string]schema
	}
	call struct {
		OperationID, Summary string
		Tags                 []string
		Parameters           []struct{ Name, Description string }
		Responses            map[string]any
	}
	openAPI struct {
		Paths      map[string]map[string]call
		Components struct{ Schemas map[string]schema }
		Tags       []struct{ Name string }
	}
)

func document(t *testing.T) ([]byte, openAPI) {
	t.Helper()
	b, err := New(Config{Trusted: true}).(*handler).document()
	if err != nil {
		t.Fatal(err)
	}
	var d openAPI
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return b, d
}

// TestDocumentIsTheGoldenFile shows a change of the interface in review. Run with
// -update to accept one.
func TestDocumentIsTheGoldenFile(t *testing.T) {
	t.Parallel()
	got, _ := document(t)
	const name = "openapi.json"
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) == string(want) {
		return
	}
	was, is := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			t.Fatalf("%s:%d: got %s, want %s; run go test ./internal/api -update to accept it", name, i+1, is[i], was[i])
		}
	}
	t.Fatalf("%s: got %d lines, want %d; run go test ./internal/api -update to accept them", name, len(is), len(was))
}

func TestDocumentExplainsEverything(t *testing.T) {
	t.Parallel()
	_, d := document(t)
	used, known := map[string]bool{}, map[string]bool{}
	for _, tag := range d.Tags {
		known[tag.Name] = true
	}
	for path, methods := range d.Paths {
		for method, op := range methods {
			if op.Summary == "" || op.OperationID == "" || len(op.Tags) != 1 || !known[op.Tags[0]] || op.Responses["default"] == nil {
				t.Errorf("%s %s lacks a summary, an id, a known tag or what an error looks like: %+v", method, path, op)
			}
			for _, p := range op.Parameters {
				if used[p.Name] = true; p.Description == "" {
					t.Errorf("%s %s: parameter %s is not described", method, path, p.Name)
				}
			}
		}
	}
	for noun, s := range d.Components.Schemas {
		if used[noun] = true; s.Description == "" {
			t.Errorf("schema %s is not described", noun)
		}
		for name, p := range s.Properties {
			used[name], used[noun+"."+name] = true, true
			if p.Description == "" {
				t.Errorf("%s.%s is not described", noun, name)
			}
		}
	}
	for _, table := range []map[string]string{nouns, words} {
		for name := range table {
			if !used[name] {
				t.Errorf("%q is described and occurs nowhere", name)
			}
		}
	}
}
