package sluice_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestCheckAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind    string
		options string
		answer  string
		want    string // as JSON, or with ! what the refusal says
	}{
		{"text", "", `"red"`, `"red"`},
		{"", "", `"red"`, `"red"`},
		{"text", "", `{"value": "red"}`, `"red"`},
		{"text", "", `""`, `""`},
		{"text", "", `red`, `!not JSON`},
		{"text", "", `"red" "blue"`, `!not JSON`},
		{"text", "", ``, `!not JSON`},
		{"text", "", `7`, `!not a text`},
		{"text", "", `null`, `!not a text`},
		{"text", "", `{"value": 7}`, `!not a text`},
		{"text", "", `{"value": "red", "note": "x"}`, `!not a text`},
		{"choice", "red green", `"green"`, `"green"`},
		{"choice", "red green", `{"value": "green"}`, `"green"`},
		{"choice", "red green", `"Green"`, `!choose one of red, green`},
		{"choice", "red green", `"` + strings.Repeat("é", 100) + `"`, `!…`},
		{"text", "red green", `"blue"`, `!choose one of red, green`},
		{"number", "", `7`, `7`},
		{"number", "", `-1.5e3`, `-1.5e3`},
		{"number", "", `1e999`, `1e999`},
		{"number", "", ` 1.0 `, `1.0`},
		{"number", "", `9007199254740993`, `9007199254740993`},
		{"number", "", `{"value": 7}`, `7`},
		{"number", "", `"7"`, `!not a number`},
		{"number", "", `true`, `!not a number`},
		{"boolean", "", `true`, `true`},
		{"boolean", "", `{"value": false}`, `false`},
		{"boolean", "", `{"approved": true}`, `true`},
		{"boolean", "", `{"approved": true, "by": "bob"}`, `!neither true nor false`},
		{"boolean", "", `"yes"`, `!neither true nor false`},
		{"boolean", "", `1`, `!neither true nor false`},
		{"json", "", `{"value": [1, 9007199254740993]}`, `{"value": [1, 9007199254740993]}`},
		{"json", "", `null`, `null`},
		{"json", "", `{`, `!not JSON`},
	} {
		got, err := sluice.CheckAnswer(sluice.Waiting{Type: tt.kind, Options: strings.Fields(tt.options)}, []byte(tt.answer))
		if says, isRefused := strings.CutPrefix(tt.want, "!"); isRefused {
			e := sluice.AsError(err)
			said := e.Message + " " + strings.Join(sluice.Texts(e.Fixes), " ")
			if e.Code != sluice.Invalid || len(e.Fixes) == 0 || !strings.Contains(said, says) || len(said) > 300 {
				t.Errorf("%s of %q, answered with %s: got %v %v, want that it says %q and how to answer", tt.kind, tt.options, tt.answer, got, err, says)
			}
			continue
		}
		if err != nil || string(got) != tt.want {
			t.Errorf("%s of %q, answered with %s: got %s (%v), want %s", tt.kind, tt.options, tt.answer, got, err, tt.want)
		}
	}
}

// FuzzCheckAnswer answers each type with anything: what is taken is of that type.
func FuzzCheckAnswer(f *testing.F) {
	for _, answer := range []string{`"red"`, `7`, `true`, `{"value": "green"}`, `{"approved": true}`, `[1]`, `{`, `9e999`} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		for _, kind := range []string{"text", "number", "boolean", "choice", "json"} {
			w := sluice.Waiting{Type: kind}
			if kind == "choice" {
				w.Options = []string{"red", "green"}
			}
			body, err := sluice.CheckAnswer(w, answer)
			if err != nil {
				refused(t, err)
				continue
			}
			if !json.Valid(body) {
				t.Fatalf("%s was taken for %s as %s, which is no JSON", answer, kind, body)
			}
			if again, err := sluice.CheckAnswer(w, body); err != nil || string(again) != string(body) {
				t.Fatalf("%s was taken for %s as %s, which is taken as %s (%v)", answer, kind, body, again, err)
			}
		}
	})
}
