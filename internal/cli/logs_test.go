package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// sums are the runs of one component in one release of production.
func sums(release, failed, completed int64) sluice.RunGroup {
	return sluice.RunGroup{
		Component: "bot", Version: int(release), Environment: "production", Release: release, ReleasedAt: sluice.Time(release),
		Runs: failed + completed, Failed: failed, Completed: completed,
	}
}

func TestSuspect(t *testing.T) {
	t.Parallel()
	staging := sums(8, 9, 1)
	staging.Environment = "staging"
	halfOfASplit := sums(42, 1, 9)
	halfOfASplit.Version = 41
	for _, tt := range []struct {
		name   string
		groups []sluice.RunGroup
		want   string
	}{
		{"nothing ran", nil, ""},
		{"there is nothing to compare with", []sluice.RunGroup{sums(42, 9, 1)}, ""},
		{
			"far above",
			[]sluice.RunGroup{sums(42, 7, 13), sums(41, 1, 49)},
			"since production#42 7 of 20 runs of bot fail, in production#41 1 of 50 did; take it back: `sluice rollback --release production#42`",
		},
		{
			"none failed before",
			[]sluice.RunGroup{sums(42, 5, 0), sums(41, 0, 3)},
			"since production#42 5 of 5 runs of bot fail, in production#41 0 of 3 did; take it back: `sluice rollback --release production#42`",
		},
		{"too few to say", []sluice.RunGroup{sums(42, 4, 0), sums(41, 0, 50)}, ""},
		{"less than twice", []sluice.RunGroup{sums(42, 19, 81), sums(41, 10, 90)}, ""},
		{
			"exactly twice",
			[]sluice.RunGroup{sums(42, 20, 80), sums(41, 10, 90)},
			"since production#42 20 of 100 runs of bot fail, in production#41 10 of 100 did; take it back: `sluice rollback --release production#42`",
		},
		{
			"a later release changed something else",
			[]sluice.RunGroup{sums(43, 8, 12), sums(42, 7, 13), sums(41, 1, 49)},
			"since production#42 7 of 20 runs of bot fail, in production#41 1 of 50 did; take it back: `sluice rollback --release production#42`",
		},
		{
			"it was rolled back already",
			[]sluice.RunGroup{sums(43, 0, 10), sums(42, 7, 13), sums(41, 1, 49)},
			"since production#42 7 of 20 runs of bot fail, in production#41 1 of 50 did; it is over since production#43",
		},
		{
			"it was rolled back after another release",
			[]sluice.RunGroup{sums(44, 0, 10), sums(43, 7, 13), sums(42, 7, 13), sums(41, 1, 49)},
			"since production#42 7 of 20 runs of bot fail, in production#41 1 of 50 did; it is over since production#44",
		},
		{"another environment is another series", []sluice.RunGroup{sums(42, 0, 9), staging}, ""},
		{
			"a split counts as one release",
			[]sluice.RunGroup{halfOfASplit, sums(42, 6, 4), sums(41, 3, 17)},
			"since production#42 7 of 20 runs of bot fail, in production#41 3 of 20 did; take it back: `sluice rollback --release production#42`",
		},
	} {
		got := ""
		if s := suspectOf(tt.groups); s != nil {
			got = s.String()
		}
		if got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestLogMarksTheReleasesBetweenRuns(t *testing.T) {
	t.Parallel()
	e, _, _ := printing("")
	at := sluice.TimeOf(time.Date(2024, 11, 12, 14, 47, 0, 0, time.UTC))
	run := func(id, environment string, release int64) sluice.Run {
		return sluice.Run{
			ID: "0192-" + id, Component: "my-prompt", Pin: pin(int(release), ""), Environment: environment, Release: release,
			Status: sluice.RunCompleted, CreatedAt: at, StartedAt: at, EndedAt: at + 20_000,
		}
	}
	release := func(environment string, number int64) sluice.Release {
		return sluice.Release{
			Environment: environment, Number: number, Action: sluice.ActionDeploy, Actor: "alice", At: at,
			Changes: []sluice.SlotChange{{Slot: "component/my-prompt", To: sluice.Settle(pin(int(number), "v1.1.0"))}},
		}
	}
	runs := []sluice.Run{
		run("ee", "production", 42), run("dd", "staging", 7), run("cc", "production", 42), run("bb", "production", 40), run("aa", "production", 41),
	}
	runs[4].Status, runs[4].Error = sluice.RunFailed, &sluice.RunError{Block: "ask", Message: "it\nbroke"}
	var b bytes.Buffer
	e.logLines(&b, runs, []sluice.Release{release("production", 42), release("staging", 7), release("production", 41)})
	same(t, b.String(), `
STARTED              RUN  WHAT          WHERE          STATUS     DURATION  NOTE
2024-11-12 14:47:00  ee   my-prompt@42  production#42  completed  20 ms
2024-11-12 14:47:00  dd   my-prompt@7   staging#7      completed  20 ms
2024-11-12 14:47:00  cc   my-prompt@42  production#42  completed  20 ms
── production#42 deploy my-prompt v1.1.0 by alice, 14:47 ──
── production#41 deploy my-prompt v1.1.0 by alice, 14:47 ──
2024-11-12 14:47:00  bb   my-prompt@40  production#40  completed  20 ms
── above: production#40, an earlier release ──
2024-11-12 14:47:00  aa   my-prompt@41  production#41  failed     20 ms     ask: it broke
`)
}
