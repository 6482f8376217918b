package cli

import (
	"fmt"
	"io"

	"github.com/sluice-dev/sluice"
)

// outcome prints what a change of what is live did, and the command that takes
// it back.
func (e *env) outcome(o sluice.Outcome) error {
	if o.Created {
		verb := "created"
		if o.DryRun {
			verb = "would create"
		}
		e.note("%s environment %s", verb, o.Environment)
	}
	if o.Replayed {
		e.note("this request was carried out before; its answer is repeated")
	}
	return e.show(o, func(w io.Writer) { e.outcomeText(w, o) })
}

func (e *env) outcomeText(w io.Writer, o sluice.Outcome) {
	if o.Release == nil {
		fmt.Fprintf(w, "%s: no change\n", o.Environment)
	} else {
		e.releasesText(w, append([]sluice.Release{*o.Release}, o.Inherited...), o.DryRun)
	}
	e.outcomeNotes(w, o)
}

// outcomeNotes are the lines below what a change changed.
func (e *env) outcomeNotes(w io.Writer, o sluice.Outcome) {
	for _, name := range o.NeverLive {
		fmt.Fprintf(w, "deployed: %s was never at this version in %s before\n", name, o.Environment)
	}
	for _, k := range o.Kept {
		fmt.Fprintf(w, "kept: %s, %s\n", slotName(k.Slot), saying(k.Reason))
	}
	for _, k := range o.Stubbed {
		fmt.Fprintf(w, "stubbed: %s, %s\n", slotName(k.Slot), saying(k.Reason))
	}
	for _, warning := range o.Warnings {
		fmt.Fprintf(w, "warning: %s\n", saying(warning))
	}
	uncheckedText(w, o.Unchecked)
	for _, ref := range o.Quarantined {
		fmt.Fprintf(w, "quarantined: %s\n", ref)
	}
	if undo := undoing(o.Undo); undo != "" && !o.DryRun {
		fmt.Fprintf(w, "undo: %s\n", undo)
	}
}

// uncheckedText is one line for each version that is marked.
func uncheckedText(w io.Writer, marked []sluice.Marked) {
	for _, m := range marked {
		fmt.Fprintf(w, "unchecked: %s\n", m)
	}
}

// releasesText is one row for each slot that a release changed.
func (e *env) releasesText(w io.Writer, releases []sluice.Release, dryRun bool) {
	var t table
	mark := ""
	if dryRun {
		mark = ", dry run"
	}
	for _, r := range releases {
		for _, c := range r.Changes {
			t.add(r.Ref(), slotName(c.Slot), movement(c, r.Action), "("+deed(r)+mark+")")
		}
	}
	t.write(w)
}

// movement is a value before and after, and what is special about the latter.
func movement(c sluice.SlotChange, by sluice.Action) string {
	line := fmt.Sprintf("%s → %s", valueName(c.From), valueName(c.To))
	switch {
	case c.PinnedBy > 0:
		return line + ", pinned"
	case c.Origin != "" && by != sluice.ActionInherited:
		return line + ", inherited from " + c.Origin
	}
	return line
}

// deed says what made a release: who, or what it followed.
func deed(r sluice.Release) string {
	switch {
	case r.Action == sluice.ActionInherited && r.Cause != "":
		return "inherited from " + r.Cause
	case r.Action == sluice.ActionTrack && r.Cause != "":
		return "tracks " + r.Cause
	case r.Action == sluice.ActionUnset && r.Cause != "":
		return fmt.Sprintf("%s by %s", r.Cause, r.Actor)
	}
	return fmt.Sprintf("%s by %s", r.Action, r.Actor)
}

// slotName is a slot as people name it: a component by its name alone.
func slotName(s sluice.Slot) string {
	if name := s.Component(); name != "" {
		return name
	}
	return string(s)
}

// valueName is a value in a sentence: nothing there is "none", and "hidden" what
// the parent holds but this environment shall not run.
func valueName(v sluice.Value) string {
	switch {
	case v.IsZero():
		return "none"
	case v.None:
		return "hidden"
	}
	return v.String()
}
