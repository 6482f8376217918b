// Package control holds the use cases: it authorises, loads, asks the rules of
// the root package, appends and commits. It holds no rule of its own and no SQL,
// and it knows no transport.
package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/budget"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// DefaultOrganization is the one organization of an installation.
const DefaultOrganization = "default"

// keepAnswers is how long an idempotency key is remembered, by the wall clock.
const keepAnswers = 24 * time.Hour

// Control implements [sluice.Services] for one organization.
type Control struct {
	db      *store.DB
	live    *live.State
	org     string
	version string
	keys    keyring
	eval    expr.Evaluator
	bounds  sluice.RunBounds
	runs    runHub
	flows   workflow.Cache
	memory  *budget.Budget
	checks  checks

	// heads are manifests at environments' last releases. Only functions that run
	// inside store.Update touch it, which is one goroutine.
	heads map[string]*sluice.Manifest

	known known // tokens that were found good
}

var _ sluice.Services = (*Control)(nil)

// Config says what the use cases need besides the store and the live state.
type Config struct {
	// Version is this program's, for [Control.Info].
	Version string
	// Master says where the master key is, which is read when a variable is first
	// touched.
	Master seal.Config
	// Eval reads the templates of workflows. Without it nothing runs, and no workflow
	// can be published.
	Eval expr.Evaluator
	// Runs bounds the runs.
	Runs sluice.RunBounds
	// Memory bounds what large reads hold together. Without one nothing does.
	Memory *budget.Budget
}

// New returns the use cases over a store and its live state.
func New(db *store.DB, state *live.State, cfg Config) *Control {
	c := &Control{
		db: db, live: state, org: DefaultOrganization, version: cfg.Version, keys: keyring{master: cfg.Master},
		eval: cfg.Eval, bounds: cfg.Runs.WithDefaults(), heads: map[string]*sluice.Manifest{},
		memory: cfg.Memory, runs: runHub{ended: make(chan struct{})},
	}
	db.OnCommit(func(_ string, entries []sluice.Entry) { state.Committed(entries) })
	return c
}

// Bootstrap makes the organization with its first environments, if it is new. It
// reports whether it was.
func (c *Control) Bootstrap(ctx context.Context) (bool, error) {
	known := false
	err := c.db.View(ctx, c.org, func(tx *store.Tx) (err error) {
		_, known, err = tx.Organization()
		return err
	})
	if known || err != nil {
		return false, err
	}
	made := false
	err = c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		if _, known, err := tx.Organization(); known || err != nil {
			return err
		}
		var err error
		if made, err = tx.AddOrganization("production"); !made || err != nil {
			return err
		}
		for _, e := range sluice.DefaultEnvironments() {
			if err := addEnvironment(tx, systemActor, &e); err != nil {
				return err
			}
		}
		return nil
	})
	return made, err
}

// systemActor is who the ledger names for what no person asked.
const systemActor = "sluice"

// may authorises the caller and returns who it is.
func (c *Control) may(ctx context.Context, p sluice.Permission, environment string) (sluice.Actor, error) {
	a := sluice.ActorOf(ctx)
	if a.Name != "" && a.Org != "" && a.Org != c.org {
		return a, sluice.Errorf(sluice.Denied, "%s belongs to the organization %s, not to %s", a.Name, a.Org, c.org)
	}
	return a, a.May(p, environment)
}

// mayAnywhere is may for what only turns out later to be of some environment.
func (c *Control) mayAnywhere(ctx context.Context, p sluice.Permission) (sluice.Actor, error) {
	a, err := c.may(ctx, sluice.MayRead, "")
	if err != nil {
		return a, err
	}
	return a, a.MayAnywhere(p)
}

// view reads for a caller who may read.
func (c *Control) view(ctx context.Context, fn func(*store.Tx) error) error {
	if _, err := c.may(ctx, sluice.MayRead, ""); err != nil {
		return err
	}
	return c.db.View(ctx, c.org, fn)
}

// errDryRun undoes a transaction whose answer is all that was wanted.
var errDryRun = errors.New("dry run")

// update runs a change: it answers a known idempotency key with the first
// answer, undoes a dry run, and stores the answer for later tries. Operation
// tells requests of different use cases apart.
func update[T any](ctx context.Context, c *Control, operation string, request any, ch sluice.Change, fn func(*store.Tx) (T, error)) (T, error) {
	var out T
	if err := ch.Check(); err != nil {
		return out, err
	}
	hash, err := hashRequest(operation, request)
	if err != nil {
		return out, err
	}
	actor := sluice.ActorOf(ctx).Name
	err = c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		out = *new(T)
		if found, err := replay(tx, actor, ch.IdempotencyKey, hash, &out); found || err != nil {
			return err
		}
		var err error
		if out, err = fn(tx); err != nil {
			return err
		}
		if ch.DryRun {
			return errDryRun
		}
		return remember(tx, actor, ch.IdempotencyKey, hash, out)
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	if err != nil {
		out = *new(T)
	}
	return out, err
}

func hashRequest(operation string, request any) (string, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(operation+"\n"), body...))
	return hex.EncodeToString(sum[:]), nil
}

func replay(tx *store.Tx, actor, key, hash string, out any) (bool, error) {
	if key == "" {
		return false, nil
	}
	a, found, err := tx.Answer(actor, key)
	if err != nil || !found || a.At < tx.WallClock()-sluice.Time(keepAnswers.Microseconds()) {
		return false, err
	}
	if a.Request != hash {
		return false, sluice.Errorf(sluice.Conflict, "idempotency key %q was used for another request", key).
			Fix("use a new key for a new request")
	}
	if err := json.Unmarshal([]byte(a.Answer), out); err != nil {
		return false, err
	}
	switch o := out.(type) {
	case *sluice.Outcome:
		o.Replayed = true
	case *sluice.ImportReport:
		o.Replayed = true
	case *sluice.Run:
		o.Replayed = true
	}
	return true, nil
}

func remember(tx *store.Tx, actor, key, hash string, out any) error {
	if key == "" {
		return nil
	}
	body, err := json.Marshal(discreet(out))
	if err != nil {
		return err
	}
	now := tx.WallClock()
	return tx.PutAnswer(actor, key, store.Answer{Request: hash, Answer: string(body), At: now}, now-sluice.Time(keepAnswers.Microseconds()))
}

// discreet is an answer as it is stored: without secrets, and without the values
// of variables.
func discreet(out any) any {
	switch o := out.(type) {
	case sluice.Token:
		o.Secret = ""
		return o
	case sluice.ImportReport:
		o.Variables = slices.Clone(o.Variables)
		for i := range o.Variables {
			for _, side := range []**sluice.Variable{&o.Variables[i].From, &o.Variables[i].To} {
				if *side != nil {
					v := **side
					v.Value = nil
					*side = &v
				}
			}
		}
		return o
	}
	return out
}

// page bounds a page and reads its cursor.
func page(p sluice.Paging) (limit int, cursor string, err error) {
	switch {
	case p.Limit < 0:
		return 0, "", sluice.Errorf(sluice.Invalid, "a page has 1 to %d items, not %d", sluice.MaxPage, p.Limit)
	case p.Limit > sluice.MaxPage:
		return 0, "", sluice.Errorf(sluice.LimitExceeded, "a page has 1 to %d items, not %d", sluice.MaxPage, p.Limit)
	case p.Limit == 0:
		p.Limit = sluice.DefaultPage
	}
	if len(p.Cursor) > 256 {
		return 0, "", badCursor(p.Cursor[:20] + "…")
	}
	return p.Limit, p.Cursor, nil
}

func badCursor(s string) error {
	return sluice.Errorf(sluice.Invalid, "cursor %q is not one of this list", s).Ask("begin without {cursor}")
}

// pageOf makes a page of rows.
func pageOf[T any](rows store.Rows[T], cursor func(T) string) sluice.Page[T] {
	out := sluice.Page[T]{Items: rows.Items}
	if n := len(rows.Items); rows.More && n > 0 {
		out.Next = cursor(rows.Items[n-1])
	}
	return out
}
