package cli

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

// logLines prints runs, newest first, with a line for each release that came
// between two runs of its environment or after the last.
func (e *env) logLines(w io.Writer, runs []sluice.Run, releases []sluice.Release) {
	t := table{header: []string{"STARTED", "RUN", "WHAT", "WHERE", "STATUS", "DURATION", "COST", "NOTE"}}
	for _, r := range runs {
		t.add(e.logCells(r)...)
	}
	var b bytes.Buffer
	t.write(&b)
	lines := strings.SplitAfter(b.String(), "\n")
	if len(runs) == 0 {
		return
	}
	io.WriteString(w, lines[0])
	above := map[string]int64{}
	for _, r := range releases {
		above[r.Environment] = max(above[r.Environment], r.Number)
	}
	for i, r := range runs {
		if at, seen := above[r.Environment]; seen && at != r.Release {
			e.boundary(w, r.Environment, r.Release, at, releases)
		}
		above[r.Environment] = r.Release
		io.WriteString(w, lines[i+1])
	}
}

func (e *env) logCells(r sluice.Run) []string {
	return []string{
		e.moment(r.CreatedAt), shortID(r.ID), r.Ref(), r.Environment + "#" + strconv.FormatInt(r.Release, 10), e.runStatus(r.Status),
		took(r.Duration(sluice.TimeOf(e.Now()))), dollars(r.Usage.Cost), logNote(r),
	}
}

// errorWidth is how much of an error a line of a log shows, in characters.
const errorWidth = 80

func logNote(r sluice.Run) string {
	text := ""
	switch {
	case r.Error != nil:
		text = r.Error.Message
		if r.Error.Block != "" {
			text = r.Error.Block + ": " + text
		}
	case r.Waiting != nil && r.Status == sluice.RunPaused:
		text = r.Waiting.Block + " waits: " + valueOr(r.Waiting.Prompt, string(r.Waiting.Reason))
	}
	if runes := []rune(plain(text)); len(runes) > errorWidth {
		return string(runes[:errorWidth]) + "…"
	}
	return plain(text)
}

// shownReleases bounds the lines between two runs.
const shownReleases = 5

// boundary prints the releases that came after the one below, up to the one
// above.
func (e *env) boundary(w io.Writer, environment string, below, above int64, releases []sluice.Release) {
	if above < below {
		fmt.Fprintln(w, e.style(faint, fmt.Sprintf("── above: %s#%d, an earlier release ──", environment, above)))
		return
	}
	between := slices.DeleteFunc(slices.Clone(releases), func(r sluice.Release) bool {
		return r.Environment != environment || r.Number <= below || r.Number > above
	})
	for i, r := range between {
		if i == shownReleases {
			fmt.Fprintln(w, e.style(faint, fmt.Sprintf("── and %s more ──", counted(len(between)-i, "release"))))
			return
		}
		fmt.Fprintln(w, e.style(bold, "── "+e.releaseWords(r)+" ──"))
	}
}

// releaseWords is a release in one line: production#42 deploy my-prompt v1.1.0 by
// alice, 14:47.
func (e *env) releaseWords(r sluice.Release) string {
	var changes []string
	for _, c := range r.Changes {
		changes = append(changes, strings.TrimSpace(slotName(c.Slot)+" "+changeWord(c)))
	}
	line := fmt.Sprintf("%s %s %s by %s, %s", r.Ref(), r.Action, sluice.Listing(changes, 3), r.Actor, e.hour(r.At))
	if r.Ticket != "" {
		line += ", " + plain(r.Ticket)
	}
	return line
}

// changeWord is the version that a slot got; of a variable nothing, whose value
// has no name.
func changeWord(c sluice.SlotChange) string {
	if c.Slot.Component() == "" {
		return ""
	}
	return valueName(c.To)
}

// hour is the time of day, with the day when it is not today's.
func (e *env) hour(t sluice.Time) string {
	at, now := t.Std().In(e.zone()), e.Now()
	if at.Format("2006-01-02") == now.Format("2006-01-02") {
		return at.Format("15:04")
	}
	return at.Format("2006-01-02 15:04")
}

// statsTable is one line for each version in each release, latest first.
func (e *env) statsTable(w io.Writer, s sluice.RunStats) {
	t := table{header: []string{"VERSION", "WHERE", "RUNS", "FAILED", "RATE", "P50", "P95", "TOKENS", "COST"}}
	for _, g := range s.Groups {
		t.add(append([]string{groupName(g), fmt.Sprintf("%s#%d", g.Environment, g.Release)}, groupCells(g)...)...)
	}
	if len(s.Groups) != 1 {
		t.add(append([]string{"all", ""}, groupCells(s.Total)...)...)
	}
	t.write(w)
}

func groupName(g sluice.RunGroup) string {
	if g.Component == "" {
		return "not stored"
	}
	return g.Component + "@" + sluice.Pin{Version: g.Version, Label: g.Label}.String()
}

func groupCells(g sluice.RunGroup) []string {
	rate := ""
	if g.Completed+g.Failed > 0 {
		rate = percent(g.ErrorRate)
	}
	return []string{
		strconv.FormatInt(g.Runs, 10), strconv.FormatInt(g.Failed, 10), rate,
		took(g.P50), took(g.P95), tokens(g.Usage), dollars(g.Usage.Cost),
	}
}

func percent(rate float64) string {
	if rate > 0 && rate < 0.01 {
		return "<1 %"
	}
	return fmt.Sprintf("%.0f %%", rate*100)
}
