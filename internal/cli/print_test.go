package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// printing is an env whose answers and notes can be read.
func printing(format formatFlag) (e *env, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	e = newEnv(Process{
		Stdout: stdout, Stderr: stderr, Getenv: func(string) string { return "" },
		Now: func() time.Time { return time.Date(2024, 11, 12, 15, 0, 0, 0, time.UTC) },
	})
	e.format = format
	return e, stdout, stderr
}

func pin(n int, label sluice.Label) sluice.Pin { return sluice.Pin{Version: n, Label: label} }

func exampleOutcome() sluice.Outcome {
	at := sluice.TimeOf(time.Date(2024, 11, 12, 14, 47, 0, 0, time.UTC))
	undo := sluice.Do(sluice.RevertRelease("production", 42, ""), "")
	return sluice.Outcome{
		Environment: "production",
		Release: &sluice.Release{
			Environment: "production", Number: 42, Epoch: 1234, At: at, RecordedAt: at, Action: sluice.ActionRollback, Actor: "alice", Ticket: "INC-123",
			Changes: []sluice.SlotChange{
				{Slot: "component/my-prompt", From: sluice.Settle(pin(4, "v1.1.0")), To: sluice.Settle(pin(3, "v1.0.0"))},
				{Slot: "component/other", From: sluice.Settle(pin(2, "")), To: sluice.Value{None: true}, PinnedBy: 42},
			},
		},
		Inherited: []sluice.Release{{
			Environment: "prod-us-west", Number: 7, Action: sluice.ActionInherited, Actor: "alice", Cause: "production#42",
			Changes: []sluice.SlotChange{{Slot: "component/my-prompt", From: sluice.Settle(pin(4, "v1.1.0")), To: sluice.Settle(pin(3, "v1.0.0")), Origin: "production"}},
		}},
		Kept:        []sluice.Kept{{Slot: "component/third", Reason: sluice.Advise("it has moved on to v3.0.0")}},
		Quarantined: []string{"my-prompt@v1.1.0"},
		NeverLive:   []string{"other"},
		Undo:        &undo,
	}
}

func TestOutcomeText(t *testing.T) {
	e, stdout, stderr := printing("table")
	if err := e.outcome(exampleOutcome()); err != nil {
		t.Fatal(err)
	}
	same(t, stdout.String(), `
production#42   my-prompt  v1.1.0 → v1.0.0     (rollback by alice)
production#42   other      2 → hidden, pinned  (rollback by alice)
prod-us-west#7  my-prompt  v1.1.0 → v1.0.0     (inherited from production#42)
deployed: other was never at this version in production before
kept: third, it has moved on to v3.0.0
quarantined: my-prompt@v1.1.0
undo: sluice rollback --release production#42
`)
	same(t, stderr.String(), "\n")
}

func TestOutcomeWithoutEffect(t *testing.T) {
	e, stdout, _ := printing("")
	if err := e.outcome(sluice.Outcome{Environment: "production"}); err != nil {
		t.Fatal(err)
	}
	same(t, stdout.String(), "\nproduction: no change\n")
}

func TestOutcomeJSONAndYAML(t *testing.T) {
	o := exampleOutcome()
	o.Release.Changes, o.Inherited = o.Release.Changes[:1], nil
	e, stdout, _ := printing("json")
	if err := e.outcome(o); err != nil {
		t.Fatal(err)
	}
	same(t, stdout.String(), `
{
  "environment": "production",
  "release": {
    "environment": "production",
    "release": 42,
    "epoch": 1234,
    "at": "2024-11-12T14:47:00.000000Z",
    "recorded_at": "2024-11-12T14:47:00.000000Z",
    "action": "rollback",
    "actor": "alice",
    "ticket": "INC-123",
    "root": "",
    "changes": [
      {
        "slot": "component/my-prompt",
        "from": {
          "version": 4,
          "label": "v1.1.0"
        },
        "to": {
          "version": 3,
          "label": "v1.0.0"
        }
      }
    ]
  },
  "never_live": [
    "other"
  ],
  "kept": [
    {
      "slot": "component/third",
      "reason": "it has moved on to v3.0.0"
    }
  ],
  "quarantined": [
    "my-prompt@v1.1.0"
  ],
  "undo": "sluice rollback --release production#42"
}
`)
	e, stdout, _ = printing("yaml")
	if err := e.show([]liveComponent{{"my-prompt", "prompt", map[string]string{"prod": "1"}}, {"yes", "config", map[string]string{}}}, nil); err != nil {
		t.Fatal(err)
	}
	same(t, stdout.String(), `
- name: my-prompt
  kind: prompt
  environments:
    prod: "1"
- name: "yes"
  kind: config
  environments: {}
`)
}

func TestTable(t *testing.T) {
	for _, tt := range []struct {
		name  string
		table table
		want  string
	}{
		{"nothing", table{header: []string{"A"}}, ""},
		{"aligned", table{rows: [][]string{{"a", "bb", "c"}, {"aaa", "b", "c"}}}, "a    bb  c\naaa  b   c\n"},
		{"no blanks at the end", table{rows: [][]string{{"a", "b"}, {"aa", ""}}}, "a   b\naa\n"},
		{"empty columns are left out", table{header: []string{"X", "Y", "Z"}, rows: [][]string{{"1", "", "3"}}}, "X  Z\n1  3\n"},
		{"wide characters", table{rows: [][]string{{"日本", "x"}, {"é", "x"}}}, "日本  x\né     x\n"},
		{"one line each", table{rows: [][]string{{"two\nlines\tof", "x"}}}, "two lines of  x\n"},
		{"rows of different length", table{rows: [][]string{{"a"}, {"b", "c"}}}, "a\nb  c\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			tt.table.write(&b)
			same(t, b.String(), tt.want)
		})
	}
}

func TestExitStatus(t *testing.T) {
	for code, want := range map[sluice.Code]int{
		"": 0, sluice.Invalid: 2, sluice.Unauthenticated: 3, sluice.Denied: 4, sluice.NotFound: 5, sluice.Conflict: 6,
		sluice.LimitExceeded: 7, sluice.TimedOut: 8, sluice.Unavailable: 9, sluice.Refused: 11, sluice.Internal: 1, "of tomorrow": 1,
	} {
		e, _, stderr := printing("")
		var err error
		if code != "" {
			err = sluice.Errorf(code, "it is so").Fix("do this").Fix("or that")
		}
		if got := e.exit(context.Background(), err); got != want {
			t.Errorf("code %q: exit status %d, want %d", code, got, want)
		}
		if code != "" {
			same(t, stderr.String(), "\nsluice: it is so\n  fix: do this\n  fix: or that\n")
		}
	}
}

// TestUnknownErrorsShowTheirCause in the process that they happened in, which has
// no log where it could be looked for.
func TestUnknownErrorsShowTheirCause(t *testing.T) {
	e, _, stderr := printing("")
	if got := e.exit(context.Background(), errors.New("some\ndetail")); got != 1 {
		t.Errorf("exit status %d, want 1", got)
	}
	same(t, stderr.String(), "\nsluice: something went wrong inside Sluice\n  cause: some detail\n  fix: report it with this cause\n")
}

// broken fails every write.
type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestFailedOutput(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
		says string
	}{
		{syscall.EPIPE, 0, ""},
		{syscall.ENOSPC, 9, "sluice: could not write the answer: no space left on device\n"},
	} {
		var stderr bytes.Buffer
		e := newEnv(Process{Stdout: broken{tt.err}, Stderr: &stderr, Getenv: func(string) string { return "" }})
		if err := writeJSON(e.Stdout, "x"); err != nil {
			t.Fatal(err)
		}
		if got := e.exit(context.Background(), nil); got != tt.want {
			t.Errorf("%v: exit status %d, want %d", tt.err, got, tt.want)
		}
		same(t, stderr.String(), tt.says)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e, _, stderr := printing("")
	if got := e.exit(ctx, ctx.Err()); got != interrupted || stderr.Len() > 0 {
		t.Errorf("exit status %d, %q; want %d and silence", got, stderr, interrupted)
	}
}

// same compares texts; a newline at the start of what is wanted is for reading.
func same(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
