package cli

import (
	"context"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// meaning is which instant of what a written time names is meant.
type meaning string

const (
	then  meaning = "then"  // what was live at its end
	since meaning = "since" // from its beginning on
	until meaning = "until" // up to its end
)

// typedTime is the instant of an as-of question: the end of what was written. That
// it is still to come is said, since then the answer is what is live now.
func (e *env) typedTime(text string) (sluice.Time, error) {
	span, err := sluice.ParseSpan(text, e.Now())
	if err != nil {
		return 0, err
	}
	if span.First > sluice.TimeOf(e.Now()) {
		e.note("%s is still to come: this is as it stands now", text)
	}
	return span.Last, nil
}

// noteUnbegun says that an environment had no release yet at a time, which is why
// nothing is told of it.
func (e *env) noteUnbegun(ctx context.Context, ref sluice.EnvironmentRef) error {
	c, err := e.connect(ctx)
	if err != nil || ref.At.IsZero() {
		return err
	}
	m, err := c.State(ctx, ref)
	if err != nil || m.Release > 0 {
		return err
	}
	first, err := c.State(ctx, sluice.EnvironmentRef{Name: ref.Name, Release: 1, Exact: true})
	switch {
	case sluice.CodeOf(err) == sluice.NotFound:
		e.note("%s has no release, then or since", m.Environment)
		return nil
	case err != nil:
		return err
	}
	e.note("%s had no release yet at %s: its first was at %s", m.Environment, e.clock(ref.At), e.clock(first.At))
	return nil
}

// noteUnbegunAt is noteUnbegun for a reference as it is sent.
func (e *env) noteUnbegunAt(ctx context.Context, text string) error {
	ref, err := sluice.ParseEnvironmentRef(text)
	if err != nil {
		return err
	}
	return e.noteUnbegun(ctx, ref)
}

// timeFlag reads a time as people write it, in their own zone.
func (e *env) timeFlag(cmd *cobra.Command, into *sluice.Time, means meaning, name, usage string) {
	cmd.Flags().Var(&timeValue{e, into, means, ""}, name, usage)
}

type timeValue struct {
	e     *env
	into  *sluice.Time
	means meaning
	text  string
}

func (t *timeValue) Type() string   { return "time" }
func (t *timeValue) String() string { return t.text }

func (t *timeValue) Set(s string) (err error) {
	t.text = s
	if t.means == then {
		*t.into, err = t.e.typedTime(s)
		return err
	}
	span, err := sluice.ParseSpan(s, t.e.Now())
	*t.into = span.First
	if t.means == until {
		*t.into = span.Last
	}
	return err
}
