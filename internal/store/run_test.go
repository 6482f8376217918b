package store

import (
	"encoding/json"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestRunBytesAreBytes: of text in which a character takes several, on both engines.
func TestRunBytesAreBytes(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		db := open(t, cfg)
		step := sluice.RunStep{Path: "0", Block: "a", Kind: "echo", Reason: "été", Settings: json.RawMessage(`"日本"`), Output: json.RawMessage(`"🙂"`)}
		bare := step
		bare.Settings, bare.Output = nil, nil
		record, err := sluice.EncodeJSON(bare)
		if err != nil {
			t.Fatal(err)
		}
		effect := sluice.Effect{Kind: sluice.EffectHTTP, Response: json.RawMessage(`"né"`)}
		body, err := sluice.EncodeJSON(effect)
		if err != nil {
			t.Fatal(err)
		}
		step.Effects = []sluice.Effect{effect}
		got := int64(0)
		update(t, db, func(tx *Tx) error {
			run := sluice.Run{ID: "0192f0c5-0000-7000-8000-000000000001", Status: sluice.RunPending, Environment: "production", Kind: "workflow"}
			if err := tx.AddRun(run, &sluice.RunContent{}); err != nil {
				return err
			}
			if err := tx.PutStep(run.ID, step); err != nil {
				return err
			}
			var err error
			got, err = tx.RunBytes(run.ID)
			return err
		})
		if want := int64(len(record) + len(body) + 8 + 6); got != want {
			t.Errorf("got %d bytes, want %d", got, want)
		}
	})
}
