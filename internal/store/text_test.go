package store

import (
	"encoding/json"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestText holds both engines to one answer: what is not text is refused by the
// name of its column and leaves nothing behind, and data with NUL as an escape of
// JSON comes back as it was.
func TestText(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		db := open(t, cfg)
		run := sluice.Run{ID: "r1", Status: sluice.RunRunning, Input: json.RawMessage(`{"a":"\u0000"}`)}
		update(t, db, func(tx *Tx) error { return tx.AddRun(run, nil) })
		for name, c := range map[string]struct {
			do   func(*Tx) error
			want string
		}{
			"a message with NUL": {func(tx *Tx) error {
				failed := run
				failed.Error = &sluice.RunError{Message: "a\x00b"}
				return tx.PutRun(RunRow{Run: failed})
			}, "the value of runs.error is not text: line 1, column 2: this is a NUL byte"},
			"a session that is not UTF-8": {func(tx *Tx) error {
				return tx.AddRun(sluice.Run{ID: "r2", Session: "\xff"}, nil)
			}, "session is not text: line 1, column 1: this byte is not UTF-8"},
			"a session with NUL": {func(tx *Tx) error {
				return tx.AddRun(sluice.Run{ID: "r2", Session: "\x00"}, nil)
			}, "the value of runs.session is not text: line 1, column 1: this is a NUL byte"},
			"an output that is not UTF-8": {func(tx *Tx) error {
				return tx.PutStep("r1", sluice.RunStep{Path: "0", Output: json.RawMessage("\"\xff\"")})
			}, "the value of run_steps.output is not text: line 1, column 2: this byte is not UTF-8"},
			"a payload that is not UTF-8": {func(tx *Tx) error {
				_, err := tx.Append("alice", "note", "", map[string]string{"of": "\xff"})
				return err
			}, "ledger payload: of is not text: line 1, column 1: this byte is not UTF-8"},
			"an id in a question": {func(tx *Tx) error {
				_, _, err := tx.Run("a\x00")
				return err
			}, "the value of runs.id is not text: line 1, column 2: this is a NUL byte"},
		} {
			err := db.Update(t.Context(), org, func(tx *Tx) error {
				if err := tx.PutCallback(Callback{Run: name}); err != nil { // which is undone
					return err
				}
				return c.do(tx)
			})
			if sluice.CodeOf(err) != sluice.Invalid || err.Error() != c.want {
				t.Errorf("%s: got %v, want %s", name, err, c.want)
			}
		}
		output := json.RawMessage(`{"a":"\u0000","b":"` + "\uFFFD" + `"}`)
		update(t, db, func(tx *Tx) error { return tx.PutStep("r1", sluice.RunStep{Path: "0", Output: output}) })
		err := db.View(t.Context(), org, func(tx *Tx) error {
			step, _, err := tx.RunStep("r1", "0")
			if err != nil {
				return err
			}
			if err := tx.Bodies(&run); err != nil {
				return err
			}
			left, err := tx.Callbacks(1, 1, 100)
			if string(step.Output) != string(output) || string(run.Input) != `{"a":"\u0000"}` || len(left) > 0 {
				t.Errorf("got output %s, input %s and %d callbacks", step.Output, run.Input, len(left))
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
