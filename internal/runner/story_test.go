package runner_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

var update = flag.Bool("update", false, "rewrite what the stories want")

// TestStories runs each file of testdata/stories. A story says what it shows, and
// then, below lines such as -- workflow main --, gives the components, what is
// done and what comes of it. What runs is main.
func TestStories(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(names) < 60 {
		t.Fatalf("got %d stories, want 60 at least (%v)", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			before, want, found := bytes.Cut(text, []byte("-- want --\n"))
			if !found {
				t.Fatalf("%s says nothing of what it wants", name)
			}
			got := tell(t, string(before))
			if *update {
				if err := os.WriteFile(name, append(append(before, "-- want --\n"...), got...), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(want) {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
			}
		})
	}
}

// chapter begins a part of a story.
var chapter = regexp.MustCompile(`(?m)^-- ([a-z]+) ?(.*) --$`)

// tell carries a story out and says what came of it.
func tell(t *testing.T, story string) string {
	t.Helper()
	h, o := open(t), newOutside(t)
	req := sluice.StartRunRequest{Component: "main", Environment: "production"}
	then := ""
	starts := chapter.FindAllStringSubmatchIndex(story, -1)
	for i, at := range starts {
		end := len(story)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		kind, name := story[at[2]:at[3]], story[at[4]:at[5]]
		text := strings.ReplaceAll(strings.TrimPrefix(story[at[1]:end], "\n"), "$SERVER", o.URL)
		switch kind {
		case "workflow", "prompt", "script":
			h.publish(name, kind, text)
			h.deploy("production", setVersion(name, "latest"))
		case "variables":
			h.configure(text)
			req.Configured = true
		case "input":
			req.Input = json.RawMessage(text)
		case "then":
			then = text
		default:
			t.Fatalf("a story has no %s", kind)
		}
	}
	run := h.rest(h.start(req))
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(then), "\n") {
		if line != "" {
			fmt.Fprintf(&b, "%s\n%s> %s\n", told(run), h.open(run), line)
			run = h.act(&b, run, line)
		}
	}
	fmt.Fprintf(&b, "%s\n%s", told(run), h.steps(run.ID))
	if u := run.Usage; u != (sluice.Usage{}) {
		fmt.Fprintf(&b, "used %d in, %d out, $%.6f\n", u.InputTokens, u.OutputTokens, u.Cost)
	}
	return strings.NewReplacer(o.URL, "$SERVER", run.ID, "$RUN").Replace(b.String())
}

// open are the steps that a run at rest waits for, a line for each.
func (h *house) open(run sluice.Run) string {
	h.Helper()
	var out strings.Builder
	for line := range strings.Lines(h.steps(run.ID)) {
		if strings.Contains(line, " waiting") || strings.Contains(line, " running") || strings.Contains(line, " unknown") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// configure sets variables: KEY=value, secret KEY=value, and for one component
// component/KEY=value.
func (h *house) configure(lines string) {
	h.Helper()
	for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		line, secret := strings.CutPrefix(line, "secret ")
		key, value, _ := strings.Cut(line, "=")
		change := setVariable(key, value, secret)
		if component, own, found := strings.Cut(key, "/"); found {
			change.Component, change.Variable = component, own
		}
		h.deploy("production", change)
	}
}

// act does what a line of a story says, to a run at rest: resume {…}, cancel
// REASON, or wait DURATION.
func (h *house) act(b *strings.Builder, run sluice.Run, line string) sluice.Run {
	h.Helper()
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			h.Fatalf("%s: %v", line, err)
		}
		h.clock.advance(d)
		return h.rest(run)
	case "cancel":
		out, err := h.CancelRun(h.ctx, sluice.CancelRunRequest{Run: run.ID, Reason: rest})
		return h.after(b, run, out, err)
	case "resume":
		req := sluice.ResumeRunRequest{Run: run.ID}
		if err := json.Unmarshal([]byte(rest), &req); err != nil {
			h.Fatalf("%s: %v", line, err)
		}
		out, err := h.ResumeRun(h.ctx, req)
		return h.after(b, run, out, err)
	}
	h.Fatalf("a story cannot %s", line)
	return run
}

// after is the run once it is at rest again, or as it was when it was refused.
func (h *house) after(b *strings.Builder, was, now sluice.Run, err error) sluice.Run {
	h.Helper()
	if err == nil {
		return h.rest(now)
	}
	e := sluice.AsError(err)
	fmt.Fprintf(b, "refused, %s: %s\n", e.Code, e.Message)
	for _, fix := range e.Fixes {
		fmt.Fprintf(b, "  fix: %s\n", fix)
	}
	return was
}
