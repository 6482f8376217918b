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
	if o.DryRun {
		e.note("dry run: nothing was changed")
	}
	if o.Replayed {
		e.note("this request was carried out before; its answer is repeated")
	}
	return e.show(o, func(w io.Writer) { e.outcomeText(w, o) })
}

func (e *env) outcomeText(w io.Writer, o sluice.Outcome) {
	if o.Release == nil {
		fmt.Fprintf(w, "%s: no change, that is what it holds\n", o.Environment)
	} else {
		var t table
		e.releaseRows(&t, *o.Release)
		for _, r := range o.Inherited {
			e.releaseRows(&t, r)
		}
		t.write(w)
	}
	for _, name := range o.NeverLive {
		fmt.Fprintf(w, "deployed: %s was never at this version in %s before\n", name, o.Environment)
	}
	for _, k := range o.Kept {
		fmt.Fprintf(w, "kept: %s, %s\n", slotName(k.Slot), k.Reason)
	}
	for _, ref := range o.Quarantined {
		fmt.Fprintf(w, "quarantined: %s\n", ref)
	}
	if o.Undo != "" && !o.DryRun {
		fmt.Fprintf(w, "undo: %s\n", o.Undo)
	}
}

// releaseRows is one row for each slot that a release changed.
func (e *env) releaseRows(t *table, r sluice.Release) {
	for _, c := range r.Changes {
		t.add(r.Ref(), slotName(c.Slot), fmt.Sprintf("%s → %s", valueName(c.From), valueName(c.To)), "("+deed(r)+")")
	}
}

// deed says what made a release: who, or what it followed.
func deed(r sluice.Release) string {
	switch {
	case r.Action == sluice.ActionInherited && r.Cause != "":
		return "inherited from " + r.Cause
	case r.Action == sluice.ActionTrack && r.Cause != "":
		return "tracks " + r.Cause
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

// valueName is a value in a sentence: nothing there is "none".
func valueName(v sluice.Value) string {
	if v.IsZero() {
		return "none"
	}
	return v.String()
}
