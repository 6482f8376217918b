package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sluice-dev/sluice"
)

// wherePinned names the environment and the release whose versions a run took.
func wherePinned(r sluice.Run) string {
	return fmt.Sprintf("%s (%s#%d)", r.Environment, r.Environment, r.Release)
}

// runSummary is what came of a run, with its output.
func (e *env) runSummary(w io.Writer, r sluice.Run) {
	fmt.Fprintf(w, "%s in %s\n", r.Ref(), wherePinned(r))
	var t table
	t.add("status", e.runStatus(r.Status))
	t.add("duration", took(r.Duration(sluice.TimeOf(e.Now()))))
	t.add("steps", strconv.Itoa(r.Steps))
	t.add("tokens", tokens(r.Usage))
	t.add("cost", dollars(r.Usage.Cost))
	t.add("run", r.ID)
	t.writeFilled(w)
	if r.Status == sluice.RunCompleted {
		fmt.Fprintln(w, pretty(r.Output))
	}
}

// warningsOf are what the reader should know, but for what is said in another way.
func warningsOf(r sluice.Run) []string {
	var out []string
	for _, warning := range r.Warnings {
		if warning.Code != sluice.WarnNotConfigured {
			out = append(out, plain(warning.In(speech)))
		}
	}
	return out
}

// noteWarnings tells on standard error what came up while a run went on.
func (e *env) noteWarnings(r sluice.Run) {
	for _, warning := range r.Warnings {
		if warning.Step != "" || warning.Code == sluice.WarnMore {
			e.note("warning: %s", plain(warning.In(speech)))
		}
	}
}

// showOutput prints the output alone, as JSON unless YAML was asked for.
func (e *env) showOutput(r sluice.Run) error {
	output := r.Output
	if len(output) == 0 {
		output = json.RawMessage("null")
	}
	var err error
	shown := e.show(output, func(w io.Writer) { err = writeJSON(w, output) })
	if shown != nil {
		return shown
	}
	return err
}

// runDetails is all about a run but its steps. Of one that is not completed, why
// says how that is.
func (e *env) runDetails(w io.Writer, r sluice.Run, why *sluice.Error) {
	fmt.Fprintf(w, "%s in %s\n", r.Ref(), wherePinned(r))
	var t table
	t.add("run", r.ID)
	t.add("status", e.runStatus(r.Status))
	if r.Status != sluice.RunCompleted {
		t.add("why", why.Message)
		for _, fix := range advice(why.Fixes) {
			t.add("fix", fix)
		}
	}
	t.add("started", e.clock(r.CreatedAt)+" by "+r.Actor)
	t.add("duration", took(r.Duration(sluice.TimeOf(e.Now()))))
	t.add("ends by", e.clock(r.Deadline))
	t.add("configuration", map[bool]string{true: "loaded", false: "not loaded"}[r.Configured])
	t.add("components", sluice.Listing(componentsOf(r), 12))
	t.add("steps", strconv.Itoa(r.Steps))
	t.add("tokens", tokens(r.Usage))
	t.add("cost", dollars(r.Usage.Cost))
	t.add("session", plain(r.Session))
	for _, key := range slices.Sorted(maps.Keys(r.Metadata)) {
		t.add("meta", plain(key+"="+r.Metadata[key]))
	}
	for _, again := range r.Resumed {
		line := fmt.Sprintf("%s by %s: %s %s", e.clock(again.At), again.Actor, again.How, again.Step)
		if len(again.Secrets) > 0 {
			line += ", with another value of " + sluice.Listing(again.Secrets, 12)
		}
		t.add("resumed", line)
	}
	t.writeFilled(w)
	for _, warning := range warningsOf(r) {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	fmt.Fprintf(w, "input\n%s\n", pretty(r.Input))
	if r.Status == sluice.RunCompleted {
		fmt.Fprintf(w, "output\n%s\n", pretty(r.Output))
	}
}

func componentsOf(r sluice.Run) []string {
	var names []string
	for _, c := range r.Components {
		names = append(names, c.Component+"@"+c.Pin.String())
	}
	return names
}

func (e *env) runStatus(s sluice.RunStatus) string {
	switch s {
	case sluice.RunCompleted:
		return e.style(green, string(s))
	case sluice.RunFailed:
		return e.style(red, string(s))
	case sluice.RunPaused, sluice.RunInterrupted:
		return e.style(yellow, string(s))
	}
	return string(s)
}

// writeFilled prints the rows that have a value.
func (t *table) writeFilled(w io.Writer) {
	t.rows = slices.DeleteFunc(t.rows, func(row []string) bool { return row[len(row)-1] == "" })
	t.write(w)
}

// took is a duration in microseconds as people say it.
func took(us int64) string {
	d := time.Duration(us) * time.Microsecond
	switch {
	case d <= 0:
		return ""
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

func stepTook(s sluice.RunStep) string {
	if s.StartedAt == 0 || s.EndedAt == 0 {
		return ""
	}
	return took(int64(s.EndedAt - s.StartedAt))
}

func tokens(u sluice.Usage) string {
	if u.InputTokens == 0 && u.OutputTokens == 0 {
		return ""
	}
	return fmt.Sprintf("%d in, %d out", u.InputTokens, u.OutputTokens)
}

func dollars(cost float64) string {
	switch {
	case cost <= 0:
		return ""
	case cost < 0.0001:
		return "<$0.0001"
	case cost < 1:
		return fmt.Sprintf("$%.4f", cost)
	}
	return fmt.Sprintf("$%.2f", cost)
}

// pretty is JSON as people read it; what is not JSON stays as it is.
func pretty(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) == 0 {
		return "null"
	}
	if json.Indent(&b, raw, "", "  ") != nil {
		return plain(string(raw))
	}
	return b.String()
}

// plain is a text of unknown origin on one line, without what would move a
// terminal's cursor.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\ufffd'
		}
		return r
	}, oneLine(s))
}
