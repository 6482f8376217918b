package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/sluice-dev/sluice"
	runvalue "github.com/sluice-dev/sluice/internal/value"
	"github.com/spf13/cobra"
)

// comparison is two sides run on the same cases.
type comparison struct {
	Component string         `json:"component"`
	Sides     [2]side        `json:"sides"`
	Cases     []comparedCase `json:"cases"`
	Equal     int            `json:"equal"`     // cases with the same output
	Different int            `json:"different"` // with another
	Failed    int            `json:"failed"`    // of which a run did not complete

	configured bool
	cases      []inputCase // what Cases are made of, in the same order
}

// side is what one side of a comparison runs.
type side struct {
	Ref         string `json:"ref"` // as it was typed
	Environment string `json:"environment"`
	version     string
}

// inputCase is one input by the name of its file.
type inputCase struct {
	name  string
	input json.RawMessage
}

// comparedCase is what came of one case.
type comparedCase struct {
	Case    string          `json:"case"`
	Result  string          `json:"result"` // equal, different or failed
	Sides   [2]comparedSide `json:"sides"`
	Unified string          `json:"unified,omitempty"` // the difference of the outputs, as diff -u
}

// comparedSide is the run of one case on one side.
type comparedSide struct {
	Run      string           `json:"run"`
	What     string           `json:"what"`
	Release  int64            `json:"release"`
	Status   sluice.RunStatus `json:"status"`
	Duration int64            `json:"duration_us"`
	Usage    sluice.Usage     `json:"usage,omitzero"`
	Output   json.RawMessage  `json:"output,omitempty"`
	Error    string           `json:"error,omitempty"`
}

func sideOf(r sluice.Run) comparedSide {
	out := comparedSide{
		Run: r.ID, What: r.Ref(), Release: r.Release, Status: r.Status, Duration: r.Duration(r.StartedAt), Usage: r.Usage, Output: r.Output,
	}
	switch {
	case r.Status == sluice.RunPaused:
		out.Error = waitsFor(r).Message
	case r.Status != sluice.RunCompleted && r.Error != nil:
		out.Error = r.Error.Message
	}
	return out
}

// judge compares the outputs of every case.
func (c *comparison) judge() {
	for i := range c.Cases {
		v := &c.Cases[i]
		a, b := v.Sides[0], v.Sides[1]
		left, leftText := compared(a.Output)
		right, rightText := compared(b.Output)
		switch {
		case a.Status != sluice.RunCompleted || b.Status != sluice.RunCompleted:
			v.Result, c.Failed = "failed", c.Failed+1
		case runvalue.Equal(left, right):
			v.Result, c.Equal = "equal", c.Equal+1
		default:
			v.Result, c.Different = "different", c.Different+1
			v.Unified = udiff.Unified(v.Case+" "+c.Sides[0].Ref, v.Case+" "+c.Sides[1].Ref, leftText, rightText)
		}
	}
}

// verdict is the exit status.
func (c *comparison) verdict(exitCode bool) error {
	switch {
	case c.Failed > 0:
		return failed{runFailed}
	case exitCode && c.Different > 0:
		return failed{1}
	}
	return nil
}

// compared is an output as a value, and as the text in which differences are shown:
// JSON with sorted keys, numbers as they were written, and a line for each value.
// Where there is no output it is nil, and what cannot be read is its own text.
func compared(raw json.RawMessage) (v any, text string) {
	if len(raw) == 0 {
		raw = json.RawMessage("null")
	}
	v, err := runvalue.Decode(raw)
	var b bytes.Buffer
	if err != nil || writeJSON(&b, runvalue.Plain(v)) != nil {
		return string(raw), string(raw)
	}
	return v, b.String()
}

// mostCases bounds a comparison.
const mostCases = 1000

// readCases reads what --input names. A directory has a case for each file.
func (e *env) readCases(cmd *cobra.Command, text string) ([]inputCase, error) {
	if text == "" {
		return []inputCase{{name: "no input", input: json.RawMessage("{}")}}, nil
	}
	dir := strings.TrimPrefix(text, "@")
	if info, err := os.Stat(e.path(dir)); dir == text || dir == "-" || err != nil || !info.IsDir() {
		input, err := e.readInput(cmd, text)
		name := "input"
		if dir != text && dir != "-" {
			name = filepath.Base(dir)
		}
		return []inputCase{{name, input}}, err
	}
	entries, err := os.ReadDir(e.path(dir)) // sorted by name
	if err != nil {
		return nil, sluice.Errorf(sluice.NotFound, "%s cannot be read: %w", dir, withoutPath(err)).Fix("correct --input @DIR/")
	}
	var cases []inputCase
	for _, entry := range entries {
		if entry.IsDir() || filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		if len(cases) == mostCases {
			return nil, sluice.Errorf(sluice.LimitExceeded, "%s holds more than %d cases", dir, mostCases).Fix("compare some of them at a time")
		}
		input, err := e.readInput(cmd, "@"+filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		cases = append(cases, inputCase{entry.Name(), input})
	}
	if len(cases) == 0 {
		return nil, sluice.Errorf(sluice.NotFound, "%s holds no .json file", dir).Fix("name a directory of inputs, one .json file for each case")
	}
	return cases, nil
}
