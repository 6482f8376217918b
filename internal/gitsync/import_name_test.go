package gitsync

import (
	"io/fs"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/sluice-dev/sluice"
)

func TestDatesOf(t *testing.T) {
	t.Parallel()
	const now = sluice.Time(1000 * 1e6)
	for _, test := range []struct {
		name    string
		seconds []int64
		want    []sluice.Time
	}{
		{"none", nil, nil},
		{"each in its second", []int64{100, 200, 300}, []sluice.Time{100_000000, 200_000000, 300_000000}},
		{"several in one", []int64{100, 200, 200, 200, 300}, []sluice.Time{100_000000, 199_999998, 199_999999, 200_000000, 300_000000}},
		{"one goes back", []int64{100, 50, 200}, []sluice.Time{100_000000, 100_000001, 200_000000}},
		{"and another has the second", []int64{100, 50, 100, 60, 200}, []sluice.Time{99_999998, 99_999999, 100_000000, 100_000001, 200_000000}},
		{"one is of tomorrow", []int64{100, 5000, 200}, []sluice.Time{100_000000, 100_000001, 200_000000}},
		{"the first is of tomorrow", []int64{5000, 100}, []sluice.Time{99_999999, 100_000000}},
		{"all are of tomorrow", []int64{5000, 6000}, []sluice.Time{999_999998, 999_999999}},
		{"of this second", []int64{1000, 1000}, []sluice.Time{999_999999, 1000_000000}},
	} {
		if got := datesOf(test.seconds, now); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v become %v, want %v", test.name, test.seconds, got, test.want)
		}
	}
}

// TestDatesGrow: whatever the dates are, times grow, and a second that is not gone
// back to from later holds what the last commit of it made.
func TestDatesGrow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		seconds := make([]int64, 1+r.IntN(30))
		for i := range seconds {
			seconds[i] = 1 + r.Int64N(20)
		}
		times := datesOf(seconds, 15_000000)
		last := int64(0)
		for i, at := range times {
			if i > 0 && at <= times[i-1] {
				t.Fatalf("%v become %v, which do not grow", seconds, times)
			}
			if s := seconds[i]; s >= last && s <= 15 {
				last = s
				if !slices.Contains(seconds[i+1:], s) && at != sluice.Time(s*1e6) {
					t.Fatalf("%v become %v: number %d is not at its second", seconds, times, i)
				}
			}
		}
	}
}

func TestNamer(t *testing.T) {
	t.Parallel()
	n := newNamer(map[string]string{})
	at := func(path string) Found { return Found{Path: path, Kind: "prompt"} }
	for _, test := range []struct {
		leave, path, want string
	}{
		{"", "prompts/bot.md", "bot"},
		{"", "prompts/bot.md", "bot"},
		{"", "other/Bot.md", "Bot-prompt"},
		{"", "more/bot.prompt.md", "more-bot-prompt-md"},
		{"prompts/bot.md", "components/prompts/bot.md", "bot"}, // it moved
		{"", "prompts/bot.md", "prompts-bot-md"},               // and came back while the name is taken
		{"components/prompts/bot.md", "new/bot.txt", "bot"},
		{"prompts/bot.md", "prompts/bot.md", "prompts-bot-md"}, // as it was called last
		{"", "prompts/.md", ""},
		{"", "prompts/ü.md", ""},
	} {
		if test.leave != "" {
			n.leave(test.leave)
		}
		if got := n.name(at(test.path)); got != test.want {
			t.Errorf("%s is called %q, want %q", test.path, got, test.want)
		}
	}
	if got := n.name(Found{Name: "refund", Path: "a/b.md"}); got != "refund" {
		t.Errorf("a path with a name is called %q", got)
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"components/prompts/a.md": "prompt", "logic/scripts/a.js": "script", "workflows/x/a.yaml": "workflow", "a.workflow.yaml": "workflow",
		"x/a.prompt.md": "prompt", "agents/help/prompt.md": "agent", "agents/help/prompts/a.md": "prompt", "notes/a.md": "", "prompts.md": "", "a": "",
		"queries/a.sql": "query",
	} {
		if got := kindOf(path); got != want {
			t.Errorf("%s is of kind %q, want %q", path, got, want)
		}
	}
}

func TestTreeFS(t *testing.T) {
	t.Parallel()
	paths := []string{"sluice.yaml", "prompts/a.md", "prompts/deep/er/b.md", "x", "x/was-a-file.md", "../up", "/root", "a//b"}
	tree := newTreeFS(paths)
	if err := fstest.TestFS(tree, "sluice.yaml", "prompts/a.md", "prompts/deep/er/b.md", "x/was-a-file.md"); err != nil {
		t.Error(err)
	}
	if _, err := fs.Stat(tree, "up"); err == nil {
		t.Error("a path that leads upwards is there")
	}
	if err := fstest.TestFS(newTreeFS(nil)); err != nil {
		t.Error(err)
	}
}
