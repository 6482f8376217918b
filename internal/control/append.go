package control

import (
	"strconv"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// head is what all releases of one change have in common.
type head struct {
	actor  string
	action sluice.Action
	change sluice.Change
	source string      // the release whose values were taken
	cause  string      // what made it follow, for the environment asked
	author string      // of an import
	at     sluice.Time // of an import
	// commit is what a release was read from.
	commit sluice.Commit
	// shared says that the environment's history is one that others have too: its time
	// then holds also where something was live before.
	shared bool
}

// append checks a plan as a whole and turns it into releases: the environment asked for first, then those
// that inherit from it, each caused by the first.
func (c *Control) append(tx *store.Tx, plan *sluice.Plan, h head) ([]sluice.Release, error) {
	out := []sluice.Release{}
	if err := plan.Check(); err != nil {
		return nil, err
	}
	for _, step := range plan.Steps() {
		r := sluice.Release{
			Environment: step.Environment.Name, Number: step.Environment.Next(), Action: h.action, Actor: h.actor,
			Cause: h.cause, Source: h.source, Reason: h.change.Reason, Ticket: h.change.Ticket, Changes: step.Changes(),
		}
		if h.author != "" {
			r.Actor = h.author
		}
		r.Commit = h.commit
		if step.Inherited {
			r.Action, r.Source, r.Commit = sluice.ActionInherited, "", ""
			if len(out) > 0 {
				r.Cause = out[0].Ref()
			}
		}
		lived, err := dated(tx, step, h, &r)
		if err != nil {
			return nil, err
		}
		if err := c.commit(tx, step.Environment, &r, h.actor, lived); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// dated gives a release the time of elsewhere that an import named. In an
// environment that was never live here it is the release's own time; elsewhere,
// and where time would go back in what merely inherits, it is only noted.
func dated(tx *store.Tx, step *sluice.Step, h head, r *sluice.Release) (lived bool, err error) {
	e := step.Environment
	if h.at == 0 {
		return true, nil
	}
	if h.shared { // clocks of others may be ahead, and histories meet that were apart
		if h.at > tx.LedgerTime() || h.at < e.At || step.Inherited && e.Lived {
			r.SourceAt = h.at
			return true, nil
		}
		r.At = h.at
		return e.Lived, nil
	}
	if h.at > tx.LedgerTime() {
		return false, sluice.Errorf(sluice.Invalid, "a release cannot be from the future: %s", h.at)
	}
	if e.Lived || step.Inherited && h.at < e.At {
		r.SourceAt = h.at
		return true, nil
	}
	if h.at < e.At {
		return false, sluice.Errorf(sluice.Conflict, "%s is already at %s (%s#%d); time cannot go back to %s", e.Name, e.At, e.Name, e.Release, h.at).
			Fix("import releases oldest first")
	}
	r.At = h.at
	return false, nil
}

// commit appends one release to the ledger and writes what it changes.
func (c *Control) commit(tx *store.Tx, e sluice.Environment, r *sluice.Release, actor string, lived bool) error {
	m, err := c.headOf(tx, e)
	if err != nil {
		return err
	}
	next := m.Apply(*r)
	r.Root = sluice.RootHash(next.Slots)
	subject := r.Environment + "#" + strconv.FormatInt(r.Number, 10)
	_, err = tx.AppendWith(actor, sluice.EntryRelease, subject, func(seq int64, at sluice.Time) any {
		r.Epoch, r.RecordedAt = seq, at
		if r.At == 0 {
			r.At = at
		}
		return r
	})
	if err != nil {
		return err
	}
	lived = lived || r.At == r.RecordedAt // an import of this very moment
	next.Epoch, next.At, next.Root = r.Epoch, r.At, r.Root
	c.heads[e.Name] = next
	if err := tx.AddRelease(*r, lived); err != nil {
		return err
	}
	for i := range r.Changes {
		r.Changes[i].Ends = 0 // as who reads the release has it
	}
	return nil
}

// headOf is the manifest of an environment at its last release. It is kept
// between changes; number and root tell whether what is kept is still the head,
// also after another node's commit or a change that was undone.
func (c *Control) headOf(tx *store.Tx, e sluice.Environment) (*sluice.Manifest, error) {
	if m := c.heads[e.Name]; m != nil && m.Release == e.Release && m.Root == e.Root {
		return m, nil
	}
	m, err := tx.Manifest(e, sluice.Latest)
	return &m, err
}
