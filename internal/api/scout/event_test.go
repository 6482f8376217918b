package scout

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// told are the events that changes of a run become, one a line.
func told(t *testing.T, changes ...sluice.RunEvent) (lines []string, stopped bool) {
	t.Helper()
	run := running{Run: sluice.Run{ID: "r1", Actor: "alice", Pin: sluice.Pin{Version: 3}, Environment: "staging", Release: 7}, workflow: "triage"}
	const ask = `{"block_archetype_id":"com.scoutos.llm","block_id":"ask","block_display_name":"Ask it"}`
	say := &teller{
		wrote: authorOf(json.RawMessage(`{"workflow_display_name":"Triage","blocks":[` + ask + `]}`)), run: run, org: "default", now: func() sluice.Time { return 1 }, started: map[string]bool{}, ended: map[string]bool{},
		emit: func(e envelope) error {
			if e.Name != e.EventType || e.Environment != "staging" || e.Correlation != "r1" || e.ID != fmt.Sprintf("r1-%d", len(lines)+1) ||
				e.Data["workflow_id"] != "triage" || e.Data["workflow_run_id"] != "r1" || e.Data["session_id"] != "r1" {
				t.Errorf("the envelope is %+v", e)
			}
			if block, config := e.Data["block_id"] == "ask", e.Data["config"]; block && (e.Data["block_archetype_id"] != "com.scoutos.llm" ||
				e.Data["block_display_name"] != "Ask it" || e.Name != eventBlockUpdated && fmt.Sprintf("%s", config) != ask) {
				t.Errorf("the author's block is not told: %+v", e)
			}
			line := e.Name
			for _, key := range []string{"block_id", "update_type", "update_data", "state", "message", "output"} {
				if v, there := e.Data[key]; there {
					b, err := json.Marshal(v)
					if err != nil {
						t.Fatal(err)
					}
					line += " " + key + "=" + string(b)
				}
			}
			lines = append(lines, line)
			return nil
		},
	}
	if err := say.begin(); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		stop, err := say.event(c)
		if err != nil {
			t.Fatal(err)
		}
		stopped = stopped || stop
	}
	return lines, stopped
}

func stepped(path, block string, status sluice.StepStatus, output string) sluice.RunEvent {
	s := sluice.RunStep{Path: path, Block: block, Kind: "llm", Status: status}
	if output != "" {
		s.Output = json.RawMessage(output)
	}
	return sluice.RunEvent{Type: sluice.RunEventStep, Step: &s}
}

func piece(path, block, text string) sluice.RunEvent {
	return sluice.RunEvent{Type: sluice.RunEventPartial, Partial: &sluice.Partial{Path: path, Block: block, Text: text}}
}

func ran(r sluice.Run) sluice.RunEvent {
	r.ID = "r1"
	r.Environment = "staging"
	return sluice.RunEvent{Type: sluice.RunEventRun, Run: &r}
}

// TestEvents turns the changes of runs into Scout's events.
func TestEvents(t *testing.T) {
	t.Parallel()
	failed := stepped("0", "ask", sluice.StepFailed, "")
	failed.Step.Error = &sluice.RunError{Message: "no answer", Fixes: []sluice.Advice{sluice.Advise("try again")}}
	for _, c := range []struct {
		name    string
		changes []sluice.RunEvent
		want    []string // after workflow_run_started
		stopped bool
	}{
		{
			"a block that writes while it runs",
			[]sluice.RunEvent{
				ran(sluice.Run{Status: sluice.RunRunning}), stepped("0", "ask", sluice.StepRunning, ""), piece("0", "ask", "Hel"), piece("0", "ask", "lo"),
				stepped("0", "ask", sluice.StepCompleted, `"Hello"`), ran(sluice.Run{Status: sluice.RunCompleted, Output: json.RawMessage(`"Hello"`)}),
			},
			[]string{
				`block_run_started block_id="ask" state={}`,
				`block_state_updated block_id="ask" update_type="partial" update_data={"output":"Hel"}`,
				`block_state_updated block_id="ask" update_type="partial" update_data={"output":"lo"}`,
				`block_state_updated block_id="ask" update_type="complete" update_data={"output":"Hello"}`,
				`block_run_completed block_id="ask" state={"output":"Hello"}`,
				`workflow_run_completed output="Hello"`,
			},
			true,
		},
		{
			"a piece before its block, and one after it",
			[]sluice.RunEvent{piece("0", "ask", "x"), stepped("0", "ask", sluice.StepCompleted, `"x"`), piece("0", "ask", "late")},
			[]string{
				`block_run_started block_id="ask" state={}`, `block_state_updated block_id="ask" update_type="partial" update_data={"output":"x"}`,
				`block_state_updated block_id="ask" update_type="complete" update_data={"output":"x"}`, `block_run_completed block_id="ask" state={"output":"x"}`,
			},
			false,
		},
		{
			"a block that is tried again",
			[]sluice.RunEvent{stepped("0", "ask", sluice.StepRunning, ""), stepped("0", "ask", sluice.StepWaiting, ""), stepped("0", "ask", sluice.StepRunning, "")},
			[]string{`block_run_started block_id="ask" state={}`},
			false,
		},
		{
			"a block that was over when it was first seen, and one that is left out",
			[]sluice.RunEvent{stepped("1", "b", sluice.StepSkipped, ""), stepped("0", "ask", sluice.StepCompleted, "1"), stepped("0", "ask", sluice.StepCompleted, "1")},
			[]string{
				`block_run_started block_id="ask" state={}`, `block_state_updated block_id="ask" update_type="complete" update_data={"output":1}`,
				`block_run_completed block_id="ask" state={"output":1}`,
			},
			false,
		},
		{
			"a failure",
			[]sluice.RunEvent{failed, ran(sluice.Run{Status: sluice.RunFailed, Error: &sluice.RunError{Message: "block ask failed"}})},
			[]string{
				`block_run_started block_id="ask" state={}`, `block_run_failed block_id="ask" state={} message="no answer (fix: try again)"`,
				`workflow_run_failed message="block ask failed" output=null`,
			},
			true,
		},
		{
			"a cancellation",
			[]sluice.RunEvent{stepped("0", "ask", sluice.StepCancelled, ""), ran(sluice.Run{Status: sluice.RunCancelled})},
			[]string{
				`block_run_started block_id="ask" state={}`, `block_run_failed block_id="ask" state={} message="cancelled"`,
				`workflow_run_failed message="cancelled" output=null`,
			},
			true,
		},
		{
			"a pause",
			[]sluice.RunEvent{
				stepped("0", "ask", sluice.StepWaiting, ""),
				ran(sluice.Run{Status: sluice.RunPaused, Waiting: &sluice.Waiting{Block: "ask", Prompt: "Send it?"}}),
			},
			[]string{
				`block_run_started block_id="ask" state={}`,
				"workflow_run_paused message=\"the run is paused at block ask: Send it? (fix: resume the run r1 with POST /v1/runs/r1/resume {})\" output=null",
			},
			true,
		},
		{"a run that another server takes up", []sluice.RunEvent{ran(sluice.Run{Status: sluice.RunInterrupted})}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, stopped := told(t, c.changes...)
			want := append([]string{"workflow_run_started state={}"}, c.want...)
			if strings.Join(got, "\n") != strings.Join(want, "\n") || stopped != c.stopped {
				t.Errorf("got, stopped %t:\n%s\nwant, stopped %t:\n%s", stopped, strings.Join(got, "\n"), c.stopped, strings.Join(want, "\n"))
			}
		})
	}
}

// TestOneLine keeps text of a value from ending a line or the stream, in the eyes
// of clients that look for that anywhere.
func TestOneLine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"[DONE]", "a\nb\r\nc", "\u2028\u2029\u0085\v\f\x1c", "data: [DONE]\n\ndata: x", `\[DONE]`, `\\[DONE]`} {
		for _, v := range []any{text, json.RawMessage(quoted(t, text)), map[string]string{text: text}} {
			line, err := encode(v)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(line, "[DONE]") || strings.ContainsAny(line, "\n\r\v\f\x1c\u0085\u2028\u2029") {
				t.Errorf("%q became %q", text, line)
			}
			var back any
			if err := json.Unmarshal([]byte(line), &back); err != nil || back != any(text) && fmt.Sprint(back) != fmt.Sprint(map[string]any{text: text}) {
				t.Errorf("%q came back as %q, %v", text, back, err)
			}
		}
	}
}

// quoted is a text as JSON, with as few escapes as there may be.
func quoted(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(string(b))
}
