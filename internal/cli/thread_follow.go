package cli

import (
	"context"
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/sluice-dev/sluice"
)

// following tells on standard error of a run as it goes: a line for each step
// that ended and, on a terminal, one that changes for what is going on.
type following struct {
	e      *env
	told   map[string]int64  // the change of each step that was told of
	going  []sluice.RunStep  // that have begun and not ended, in their order
	grown  map[string]string // the end of each output that is being written
	inline bool              // on a terminal
	drawn  bool              // a line stands that will be replaced
	away   bool              // the server does not answer, and that was told
}

// follow tells of a run until it has ended, waits for a person or lies still, and
// returns it as it is then. What happened up to the change after is not told. The
// events of steps come before that of the run which they end.
func (e *env) follow(ctx context.Context, run sluice.Run, after int64) (sluice.Run, error) {
	runs, err := e.runs(ctx)
	if err != nil {
		return run, err
	}
	f := &following{e: e, told: map[string]int64{}, grown: map[string]string{}, inline: isTerminal(e.Stderr)}
	e.lost = f.lost
	for event, err := range runs.WatchRun(ctx, sluice.WatchRunRequest{Run: run.ID, After: after}) {
		if err != nil {
			break
		}
		if event.Run != nil && e.settled(*event.Run) {
			break
		}
		f.event(event)
	}
	f.erase()
	if ctx.Err() != nil {
		e.detached(run)
		return run, ctx.Err()
	}
	if run, err = runs.Run(ctx, run.ID); err != nil {
		return run, err
	}
	if !e.settled(run) {
		return run, sluice.Errorf(sluice.Unavailable, "the run could not be followed to its end").Fix("try `sluice thread watch %s`", run.ID)
	}
	return run, nil
}

// settled reports whether nothing more will happen unless someone acts.
func (e *env) settled(r sluice.Run) bool {
	return r.Status.Ended() || r.Status == sluice.RunPaused || r.Status == sluice.RunInterrupted && e.embedded
}

// detached says what becomes of a run that is no longer followed.
func (e *env) detached(run sluice.Run) {
	if e.embedded {
		e.note("interrupted; go on with it: `sluice thread resume %s`", run.ID)
		return
	}
	e.note("the run goes on; follow it: `sluice thread watch %s`, or end it: `sluice thread cancel %s`", run.ID, run.ID)
}

// lost says, once for each time, that there is nobody to hear from.
func (f *following) lost(err error) {
	if f.away {
		return
	}
	f.away = true
	f.erase()
	f.e.note("%s; trying again until it answers", sluice.AsError(err).Message)
}

func (f *following) event(event sluice.RunEvent) {
	f.away = false
	switch {
	case event.Step != nil:
		f.step(*event.Step)
	case event.Partial != nil && f.inline:
		p := *event.Partial
		f.grown[p.Path] = lastCells(f.grown[p.Path]+plain(p.Text), tailWidth)
		f.draw(p.Path, p.Block)
	}
}

// step tells of a step once for each time that it ends.
func (f *following) step(s sluice.RunStep) {
	rest := f.going[:0]
	for _, g := range f.going {
		if g.Path != s.Path {
			rest = append(rest, g)
		}
	}
	f.going = rest
	if f.goesOn(s) {
		f.going = append(f.going, s)
		f.draw(s.Path, s.Block)
		return
	}
	if at, told := f.told[s.Path]; told && at >= s.Change {
		return
	}
	f.told[s.Path] = s.Change
	delete(f.grown, s.Path)
	f.erase()
	f.e.note("%s", f.e.stepLine(s))
	if n := len(f.going); n > 0 {
		f.draw(f.going[n-1].Path, f.going[n-1].Block)
	}
}

// goesOn reports whether a step is at work: also one that has just been told to
// try again.
func (f *following) goesOn(s sluice.RunStep) bool {
	return s.Status == sluice.StepRunning || s.Status == sluice.StepWaiting && s.WakeAt != 0 && s.WakeAt <= sluice.TimeOf(f.e.Now())
}

// tailWidth is how much of a growing output one line shows, in cells.
const tailWidth = 60

// draw shows what is going on, in the place of what was.
func (f *following) draw(path, block string) {
	if !f.inline {
		return
	}
	line := fmt.Sprintf("%-7s  %s …", path, block)
	if n := len(f.going); n > 1 {
		line += fmt.Sprintf(" and %d more", n-1)
	}
	if text := f.grown[path]; text != "" {
		line += "  " + text
	}
	f.erase()
	fmt.Fprint(f.e.Stderr, f.e.style(faint, line))
	f.drawn = true
}

// lastCells is the end of a text that fits into so many cells of a terminal.
func lastCells(s string, width int) string {
	text := []rune(s)
	text = text[max(0, len(text)-width):]
	for lipgloss.Width(string(text)) > width {
		text = text[1:]
	}
	return string(text)
}

// erase takes the line away that draw left.
func (f *following) erase() {
	if f.drawn {
		fmt.Fprint(f.e.Stderr, "\r\x1b[K")
		f.drawn = false
	}
}

// headline says what runs, where.
func headline(run sluice.Run) string {
	return fmt.Sprintf("%s in %s, run %s", run.Ref(), wherePinned(run), run.ID)
}

// stepLine is one step that ended, on one line.
func (e *env) stepLine(s sluice.RunStep) string {
	cells := []string{
		pad(s.Path, 7), pad(fmt.Sprintf("%s (%s)", s.Block, s.Kind), 28), pad(string(s.Status), 9), stepTook(s),
	}
	if s.Attempts > 1 {
		cells = append(cells, counted(s.Attempts, "attempt"))
	}
	line := strings.TrimRight(strings.Join(cells, "  "), " ")
	if s.WakeAt != 0 && !s.Status.Ended() {
		line += "  until " + e.moment(s.WakeAt)
	}
	switch {
	case s.Error != nil && s.Status != sluice.StepCompleted:
		line += "  " + plain(s.Error.Message)
	case len(s.Warnings) > 0:
		line += "  warning: " + plain(s.Warnings[0].Message)
	case s.Reason != "":
		line += "  " + plain(s.Reason)
	}
	return e.stepColour(s.Status, line)
}

func (e *env) stepColour(s sluice.StepStatus, line string) string {
	if !isTerminal(e.Stderr) {
		return line
	}
	switch s {
	case sluice.StepFailed, sluice.StepUnknown:
		return e.style(red, line)
	case sluice.StepIgnored, sluice.StepWaiting:
		return e.style(yellow, line)
	case sluice.StepSkipped, sluice.StepCancelled:
		return e.style(faint, line)
	}
	return line
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-lipgloss.Width(s)))
}
