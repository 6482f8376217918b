package cli

import (
	"encoding/json"
	"testing"

	"github.com/sluice-dev/sluice"
	runvalue "github.com/sluice-dev/sluice/internal/value"
)

func TestTypedAnswerIsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ asked, typed, want string }{
		{"text", "approve", `"approve"`},
		{"text", "42", `"42"`},
		{"text", "true", `"true"`},
		{"text", `"in quotes"`, `"in quotes"`},
		{"text", `"only one`, `"\"only one"`},
		{"text", "", `""`},
		{"", "7", `"7"`},
		{"choice", "no", `"no"`},
		{"number", "42", "42"},
		{"number", "many", `"many"`},
		{"boolean", "yes", "true"},
		{"boolean", "N", "false"},
		{"boolean", "false", "false"},
		{"json", `{"a": 1}`, `{"a": 1}`},
		{"json", "not json", `"not json"`},
	} {
		if got := typedAnswer(tt.asked, tt.typed); string(got) != tt.want {
			t.Errorf("a %s typed as %q: got %s, want %s", tt.asked, tt.typed, got, tt.want)
		}
	}
}

func TestBadJSONIsNamedByItsPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{`{"a": }`, "f is not JSON: line 1, column 7: invalid character '}' looking for beginning of value"},
		{"{\n  \"ä\": 1,\n}", "f is not JSON: line 3, column 1: invalid character '}' looking for beginning of object key string"},
		{"{\"a\": 1}\n}", "f is not JSON: line 2, column 1: invalid character '}' after top-level value"},
		{"hello", "f is not JSON: line 1, column 1: invalid character 'h' looking for beginning of value"},
		{`{"a"`, "f is not JSON: line 1, column 4: unexpected end of JSON input"},
		{" \n", "f is empty, and should be JSON"},
		{"\ufeff{}", ""},
		{`{"a": [1, 2]}`, ""},
	} {
		got := ""
		if err := checkJSON([]byte(tt.text), "f"); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

func TestDurationsAndCostsForPeople(t *testing.T) {
	t.Parallel()
	for us, want := range map[int64]string{
		0: "", -5: "", 400: "<1 ms", 12_345: "12 ms", 999_999: "999 ms", 1_250_000: "1.2 s", 125_000_000: "2 min 5 s", 3_720_000_000: "1 h 2 min",
	} {
		if got := took(us); got != want {
			t.Errorf("%d µs: got %q, want %q", us, got, want)
		}
	}
	for cost, want := range map[float64]string{0: "", 0.00001: "<$0.0001", 0.0123: "$0.0123", 3.456: "$3.46"} {
		if got := dollars(cost); got != want {
			t.Errorf("%v: got %q, want %q", cost, got, want)
		}
	}
}

func TestStepFileHoldsNoPath(t *testing.T) {
	t.Parallel()
	got := stepFile(sluice.RunStep{Path: "1.0.2", Block: "../../etc/ä b"})
	if want := "1.0.2-.._.._etc___b.json"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestFollowingOnATerminal holds the line that changes in place to leaving
// nothing behind.
func TestFollowingOnATerminal(t *testing.T) {
	t.Parallel()
	e, _, stderr := printing("")
	f := &following{e: e, told: map[string]int64{}, grown: map[string]string{}, inline: true}
	at := sluice.Time(1_000_000)
	step := func(change int64, path, block string, status sluice.StepStatus) sluice.RunEvent {
		s := sluice.RunStep{Path: path, Block: block, Kind: "llm", Status: status, Change: change, StartedAt: at}
		if status.Ended() {
			s.EndedAt = at + 1_500_000
		}
		return sluice.RunEvent{Step: &s}
	}
	for _, event := range []sluice.RunEvent{
		step(1, "0", "parse", sluice.StepRunning),
		{Partial: &sluice.Partial{Path: "0", Block: "parse", Text: "to\x1b[2Jtal"}},
		{Partial: &sluice.Partial{Path: "0", Block: "parse", Text: ": 7"}},
		step(2, "1", "check", sluice.StepRunning),
		step(3, "0", "parse", sluice.StepCompleted),
		step(3, "0", "parse", sluice.StepCompleted), // told once
		step(4, "1", "check", sluice.StepCompleted),
	} {
		f.event(event)
	}
	const erase = "\r\x1b[K"
	same(t, stderr.String(), "\n0        parse …"+erase+"0        parse …  to\ufffd[2Jtal"+erase+"0        parse …  to\ufffd[2Jtal: 7"+
		erase+"1        check … and 1 more"+
		erase+"0        parse (llm)                   completed  1.5 s\n1        check …"+
		erase+"1        check (llm)                   completed  1.5 s\n")
}

func TestOutputsAreComparedAsValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{`{"a":1,"b":[1,2]}`, `{ "b": [1, 2], "a": 1 }`, true},
		{`[1,2]`, `[2,1]`, false},
		{`1.0`, `1`, true},
		{`not JSON`, `not  JSON`, false},
		{`12345678901234567890`, `12345678901234567891`, false},
		{``, `null`, true},
		{`"<b>"`, `"\u003cb\u003e"`, true},
	} {
		a, _ := compared(json.RawMessage(tt.a))
		b, _ := compared(json.RawMessage(tt.b))
		if got := runvalue.Equal(a, b); got != tt.same {
			t.Errorf("%s and %s: got the same %v, want %v", tt.a, tt.b, got, tt.same)
		}
	}
}
