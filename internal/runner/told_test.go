package runner_test

import (
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
)

// told is how a run stands, in words: its status with the output, what failed,
// and what it waits for.
func told(r sluice.Run) string {
	line := string(r.Status)
	if len(r.Output) > 0 {
		line += " " + string(r.Output)
	}
	if e := r.Error; e != nil {
		line += fmt.Sprintf("\n  %s%s: %s", e.Code, at(e.Step, e.Block), e.Message)
		for _, fix := range e.Fixes {
			line += "\n  fix: " + fix.Text
		}
	}
	if w := r.Waiting; w != nil {
		line += fmt.Sprintf("\n  waits%s for %s", at(w.Step, w.Block), w.Reason)
		if w.Prompt != "" {
			line += fmt.Sprintf(": %s (%s)", w.Prompt, strings.TrimSpace(w.Type+" "+strings.Join(w.Options, " ")))
		}
		if len(w.Default) > 0 {
			line += " default " + string(w.Default)
		}
		if w.Until > 0 {
			line += " until " + w.Until.String()
		}
	}
	return line
}

func at(step, block string) string {
	if step == "" {
		return ""
	}
	return " at " + step + " (" + block + ")"
}

// stepLine is one step, in words: path, block and kind, status, attempts, why,
// and the output.
func stepLine(s sluice.RunStep) string {
	line := fmt.Sprintf("%s %s %s %s", s.Path, s.Block, s.Kind, s.Status)
	if s.Component != "" {
		line += " " + s.Component
	}
	if s.Attempts != 1 {
		line += fmt.Sprintf(" x%d", s.Attempts)
	}
	if len(s.Output) > 0 {
		line += " " + string(s.Output)
	}
	if s.WakeAt > 0 {
		line += " until " + s.WakeAt.String()
	}
	if s.Reason != "" {
		line += ", " + s.Reason
	}
	if s.Error != nil {
		line += ", error " + s.Error.Message
	}
	return line
}
