package control

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Verify recomputes everything that the ledger implies and compares it with what
// is stored: leaves and tree, releases and slots, versions and their content, and
// the sealed values, which it opens where the master key is at hand. It
// reads one snapshot, so that work may go on beside it, and holds in memory what
// is live and what was published, but no history of releases. The report names
// the first thing that does not hold.
func (c *Control) Verify(ctx context.Context, req sluice.VerifyRequest) (sluice.VerifyReport, error) {
	var report sluice.VerifyReport
	err := c.view(ctx, func(tx *store.Tx) error {
		v := newVerifier(tx, c)
		err := v.run(c.db.Ledger(), req)
		var b *broken
		switch {
		case err == nil:
			v.report.Holds = true
		case errors.As(err, &b), errors.Is(err, store.ErrDamaged):
			v.report.Problem, err = err.Error(), nil
		}
		report = v.report
		return err
	})
	if err != nil || !report.Holds {
		return report, err
	}
	return report, c.db.Update(ctx, c.org, func(tx *store.Tx) error { return tx.SetVerified(tx.WallClock()) })
}

// broken says what does not hold. It is an answer, not a failure.
type broken struct{ problem string }

func (b *broken) Error() string { return b.problem }

func brokenf(format string, args ...any) error {
	return &broken{fmt.Sprintf(format, args...)}
}

// verifier replays the ledger of one organization beside what is stored.
type verifier struct {
	tx     *store.Tx
	org    string
	report sluice.VerifyReport

	ledger   *pages[store.StoredEntry]
	tree     *pages[store.StoredHash]
	releases *pages[store.ReleaseRow]
	frontier frontier
	last     sluice.Entry
	formers  map[string]bool // the ids that this ledger had before backups of it were restored
	against  *treeHead       // what the caller holds of this ledger, nil when nothing

	environments map[string]*environmentReplay
	contents     *contentReplay
	tokens       map[string]sluice.Token
	sealed       map[string]*sealedReplay // by fingerprint
	control      *Control
}

func newVerifier(tx *store.Tx, c *Control) *verifier {
	return &verifier{
		tx: tx, org: c.org, control: c, sealed: map[string]*sealedReplay{}, formers: map[string]bool{},
		ledger:       &pages[store.StoredEntry]{read: tx.StoredEntries, key: func(e store.StoredEntry) int64 { return e.Seq }, limit: 128},
		tree:         &pages[store.StoredHash]{read: tx.StoredHashes, key: func(h store.StoredHash) int64 { return h.Position }, limit: 1024},
		releases:     &pages[store.ReleaseRow]{read: tx.ReleaseRows, key: func(r store.ReleaseRow) int64 { return r.Seq }, limit: 512},
		environments: map[string]*environmentReplay{},
		contents:     newContentReplay(),
		tokens:       map[string]sluice.Token{},
	}
}

func (v *verifier) run(ledger string, req sluice.VerifyRequest) error {
	if err := v.openCheckpoint(req); err != nil {
		return err
	}
	if err := v.replay(); err != nil {
		return err
	}
	if err := v.checkAgainst(ledger); err != nil {
		return err
	}
	for _, check := range []func() error{v.checkEnvironments, v.checkSlots, v.checkContents, v.checkTokens, v.checkSealed} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// replay goes through the ledger once, from its first entry to its last.
func (v *verifier) replay() error {
	for {
		e, found, err := v.ledger.next()
		if err != nil {
			return err
		}
		if !found {
			break
		}
		if err := v.checkEntry(e); err != nil {
			return err
		}
		if err := v.take(e.Entry); err != nil {
			return err
		}
		v.last = e.Entry
		v.report.Entries++
	}
	return v.checkEnd()
}

// take applies one entry, whose bytes are known to be those that were appended.
func (v *verifier) take(e sluice.Entry) error {
	switch e.Kind {
	case sluice.EntryRelease:
		return v.takeRelease(e)
	case sluice.EntryEnvironmentCreate, sluice.EntryEnvironmentEdit, sluice.EntryEnvironmentDelete:
		return v.takeEnvironment(e)
	case sluice.EntryTokenCreate, sluice.EntryTokenRotate, sluice.EntryTokenRevoke:
		var t sluice.Token
		if err := payload(e, &t); err != nil {
			return err
		}
		v.tokens[t.ID] = t
	case sluice.EntryVariableShred:
		return v.takeShred(e)
	case sluice.EntryLedgerRestored:
		var r store.Restored
		if err := payload(e, &r); err != nil {
			return err
		}
		if r.Entries != e.Seq-1 {
			return brokenf("ledger entry %d: it says that %d entries were restored; %d stand before it", e.Seq, r.Entries, e.Seq-1)
		}
		v.formers[r.From] = true
	default:
		return v.contents.take(e)
	}
	return nil
}

// pages reads a table in its order, some rows at a time: one transaction reads
// several tables side by side, and a PostgreSQL connection has one answer open.
type pages[T any] struct {
	read  func(after int64, limit int) ([]T, error)
	key   func(T) int64
	limit int
	last  int64 // the key of the last row that was read
	rows  []T
	begun bool
	ended bool
}

func (p *pages[T]) next() (T, bool, error) {
	row, found, err := p.peek()
	if found {
		p.rows = p.rows[1:]
	}
	return row, found, err
}

func (p *pages[T]) peek() (row T, found bool, err error) {
	if !p.begun {
		p.begun, p.last = true, math.MinInt64 // a row below the first is one too many
	}
	if len(p.rows) == 0 && !p.ended {
		if p.rows, err = p.read(p.last, p.limit); err != nil {
			return row, false, err
		}
		p.ended = len(p.rows) < p.limit
		if len(p.rows) > 0 {
			p.last = p.key(p.rows[len(p.rows)-1])
		}
	}
	if len(p.rows) == 0 {
		return row, false, nil
	}
	return p.rows[0], true, nil
}
