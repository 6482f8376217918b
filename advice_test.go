package sluice_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestAdviceStandsAlone checks that the plain words of every operation and field
// say something, and nothing that belongs to one surface.
func TestAdviceStandsAlone(t *testing.T) {
	t.Parallel()
	ofCommandLine := regexp.MustCompile("`|--[a-z]|[{}]")
	for _, name := range sluice.Operations() {
		for _, arguments := range []sluice.Arguments{nil, {
			sluice.ArgComponent: "bot", sluice.ArgEnvironment: "eu", sluice.ArgTo: "{version}", sluice.ArgKeys: "A B", sluice.ArgRun: "r1",
		}} {
			text := sluice.Do(sluice.Operation{Name: name, Arguments: arguments}, "").Text
			if text == "" || ofCommandLine.MatchString(text) || strings.TrimSpace(text) != text || strings.Contains(text, "  ") {
				t.Errorf("%s: %q", name, text)
			}
		}
	}
	for _, f := range sluice.Fields() {
		if text := sluice.Ask("{%s}", f).Text; text == "" || ofCommandLine.MatchString(text) {
			t.Errorf("%s: %q", f, text)
		}
	}
}

// TestAdviceInJSON checks that advice comes back as it was, and that records from
// before it had parts are read.
func TestAdviceInJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(sluice.RunError{Fixes: []sluice.Advice{
		sluice.Advise("try <again>"), sluice.Do(sluice.GetRun("r1"), "see {}"), sluice.Advise("x").Said("said"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"code":"","message":"","fixes":[{"text":"try \u003cagain\u003e"},` +
		`{"text":"see the run r1","form":"see {}","operation":"get-run","arguments":{"run":"r1"}},"said"]}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	var e sluice.RunError
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(sluice.Texts(e.Fixes), "; "); got != "try <again>; see the run r1; said" || e.Fixes[1].Operation.Name != sluice.OpGetRun || e.Fixes[2].Operation != nil {
		t.Errorf("read %+v", e.Fixes)
	}
}

// TestReplaceAdvice checks that all advice is found, and that what is shared with
// others stays as it was.
func TestReplaceAdvice(t *testing.T) {
	t.Parallel()
	shared := &sluice.RunError{Fixes: []sluice.Advice{sluice.Advise("a")}}
	type page struct {
		Items []any
		Named map[string]sluice.Kept
		Run   *sluice.RunError
	}
	var v any = &page{[]any{"x", sluice.Outcome{Undo: &shared.Fixes[0]}}, map[string]sluice.Kept{"k": {Reason: sluice.Advise("a")}}, shared}
	sluice.ReplaceAdvice(&v, func(a sluice.Advice) sluice.Advice { return sluice.Advise("b") })
	got := v.(*page)
	if got.Run.Fixes[0].Text+got.Named["k"].Reason.Text+got.Items[1].(sluice.Outcome).Undo.Text != "bbb" || got.Items[0] != "x" {
		t.Errorf("got %+v", got)
	}
	if shared.Fixes[0].Text != "a" {
		t.Error("what was shared has changed")
	}
}
