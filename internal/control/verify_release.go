package control

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// environmentReplay is an environment as the ledger has it so far.
type environmentReplay struct {
	env   sluice.Environment // as its last entry holds it
	head  sluice.Release     // the last release, without its changes
	lived bool               // a release happened at its own time, which closes the past to imports
	slots []sluice.Setting   // what is effective, sorted
	rows  map[sluice.Slot]*slotReplay
}

// slotReplay is the history of one slot: its open row, and one hash over those
// that are closed.
type slotReplay struct {
	open   store.SlotRow
	closed [sha256.Size]byte
}

// link adds a row to a hash over the rows before it.
func link(before [sha256.Size]byte, r store.SlotRow) [sha256.Size]byte {
	b := append(make([]byte, 0, 256), before[:]...)
	for _, n := range []int64{r.Since, r.Seq, r.Until, r.Version, r.Under, r.PinnedBy, int64(len(r.Origin))} {
		b = append(strconv.AppendInt(b, n, 10), ' ')
	}
	return sha256.Sum256(append(append(b, r.Origin...), r.Value...))
}

func (v *verifier) takeEnvironment(e sluice.Entry) error {
	var env sluice.Environment
	if err := payload(e, &env); err != nil {
		return err
	}
	known := v.environments[env.Name]
	if known == nil {
		known = &environmentReplay{rows: map[sluice.Slot]*slotReplay{}, head: sluice.Release{Root: sluice.RootHash(nil)}}
		v.environments[env.Name] = known
	}
	known.env = env
	return nil
}

// takeRelease checks a release against those before it, its row and its root.
func (v *verifier) takeRelease(e sluice.Entry) error {
	var r sluice.Release
	if err := payload(e, &r); err != nil {
		return err
	}
	env := v.environments[r.Environment]
	switch {
	case env == nil:
		return brokenf("release %s: environment %s was never created", r.Ref(), r.Environment)
	case r.Epoch != e.Seq || r.RecordedAt != e.RecordedAt || r.Ref() != e.Subject:
		return brokenf("release %s of epoch %d, recorded at %s, is not the one of ledger entry %d (%s, %s)", r.Ref(), r.Epoch, r.RecordedAt, e.Seq, e.Subject, e.RecordedAt)
	case r.Number != env.head.Number+1:
		return brokenf("release %s follows %s#%d: a number is missing or doubled", r.Ref(), r.Environment, env.head.Number)
	case r.At < env.head.At:
		return brokenf("release %s is of %s, before %s#%d of %s", r.Ref(), r.At, r.Environment, env.head.Number, env.head.At)
	}
	if err := v.checkReleaseRow(r); err != nil {
		return err
	}
	for i, ch := range r.Changes {
		if i > 0 && ch.Slot <= r.Changes[i-1].Slot {
			return brokenf("release %s: its changes are not sorted: %s after %s", r.Ref(), ch.Slot, r.Changes[i-1].Slot)
		}
		if err := env.change(r, ch); err != nil {
			return err
		}
		v.takeVariable(r, ch)
	}
	if root := sluice.RootHash(env.slots); root != r.Root {
		return brokenf("release %s: the stored root is %s, its slots give %s", r.Ref(), r.Root, root)
	}
	r.Changes = nil
	env.head, env.lived = r, env.lived || r.At == r.RecordedAt
	v.report.Releases++
	return nil
}

// change applies one change to the effective slots and to the slot's history.
func (env *environmentReplay) change(r sluice.Release, ch sluice.SlotChange) error {
	i := sort.Search(len(env.slots), func(i int) bool { return env.slots[i].Slot >= ch.Slot })
	present := i < len(env.slots) && env.slots[i].Slot == ch.Slot
	was := sluice.Setting{Slot: ch.Slot}
	if present {
		was = env.slots[i]
	}
	if !was.Value.Equal(ch.From) {
		return brokenf("release %s: it changes %s from %q, where %q was", r.Ref(), ch.Slot, ch.From.Encode(), was.Value.Encode())
	}
	next := sluice.Setting{Slot: ch.Slot, Value: ch.To, Origin: ch.Origin, Since: r.Number, Under: ch.Under, PinnedBy: ch.PinnedBy}
	switch {
	case ch.To.IsZero() && present:
		env.slots = slices.Delete(env.slots, i, i+1)
	case ch.To.IsZero():
	case present:
		env.slots[i] = next
	default:
		env.slots = slices.Insert(env.slots, i, next)
	}
	row := env.rows[ch.Slot]
	if row == nil {
		row = &slotReplay{}
		env.rows[ch.Slot] = row
	} else {
		row.open.Until = r.Number
		row.closed = link(row.closed, row.open)
	}
	row.open = slotRow(r, ch)
	return nil
}

// slotRow is the row that a change writes, open until another follows.
func slotRow(r sluice.Release, ch sluice.SlotChange) store.SlotRow {
	row := store.SlotRow{
		Environment: r.Environment, Slot: ch.Slot, Since: r.Number, Seq: r.Epoch, Until: sluice.Latest,
		Value: ch.To.Encode(), Under: ch.Under, Origin: ch.Origin, PinnedBy: ch.PinnedBy,
	}
	if ch.To.Settled() {
		row.Version = int64(ch.To.Version)
	}
	return row
}

// checkReleaseRow compares a release of the ledger with its row.
func (v *verifier) checkReleaseRow(r sluice.Release) error {
	row, found, err := v.releases.peek()
	switch {
	case err != nil:
		return err
	case found && row.Seq < r.Epoch:
		return strayRelease(row)
	case !found || row.Seq > r.Epoch:
		return brokenf("release %s: its row is missing; it is ledger entry %d", r.Ref(), r.Epoch)
	}
	if _, _, err := v.releases.next(); err != nil {
		return err
	}
	return differs("release "+r.Ref(),
		column{"environment", row.Environment, r.Environment}, column{"number", row.Number, r.Number},
		column{"time", row.At, r.At}, column{"source time", row.SourceAt, r.SourceAt}, column{"recorded time", row.RecordedAt, r.RecordedAt},
		column{"actor", row.Actor, r.Actor}, column{"action", row.Action, string(r.Action)}, column{"cause", row.Cause, r.Cause},
		column{"source", row.Source, r.Source}, column{"reason", row.Reason, r.Reason}, column{"ticket", row.Ticket, r.Ticket}, column{"root", row.Root, r.Root}, column{"commit", row.Commit, r.Commit})
}

func strayRelease(row store.ReleaseRow) error {
	return brokenf("release %s#%d: its row names ledger entry %d, which is not a release", row.Environment, row.Number, row.Seq)
}

// column is one stored value and what the ledger implies.
type column struct {
	name       string
	have, want any
}

// differs names the first column that is not as it should be.
func differs(what string, columns ...column) error {
	for _, c := range columns {
		if c.have != c.want {
			return brokenf("%s: the stored %s is %s, the ledger says %s", what, c.name, shown(c.have), shown(c.want))
		}
	}
	return nil
}

func shown(v any) string {
	switch v := v.(type) {
	case sluice.Time:
		return strings.TrimSpace(v.String() + " (" + strconv.FormatInt(int64(v), 10) + ")")
	case int64, int, bool:
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%.200q", v)
}
