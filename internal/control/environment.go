package control

import (
	"context"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Environments lists all, deleted ones too when asked.
func (c *Control) Environments(ctx context.Context, deleted bool) ([]sluice.Environment, error) {
	var out []sluice.Environment
	err := c.view(ctx, func(tx *store.Tx) (err error) {
		out, err = tx.Environments(deleted)
		return err
	})
	return out, err
}

// Environment returns one by name or alias.
func (c *Control) Environment(ctx context.Context, name string) (sluice.Environment, error) {
	var out sluice.Environment
	err := c.view(ctx, func(tx *store.Tx) (err error) {
		out, err = findEnvironment(tx, name)
		return err
	})
	return out, err
}

// CreateEnvironment makes an environment. What its parent holds is its first release.
func (c *Control) CreateEnvironment(ctx context.Context, req sluice.CreateEnvironmentRequest) (sluice.EnvironmentChange, error) {
	actor, err := c.may(ctx, sluice.MayAdminister, "")
	if err != nil {
		return sluice.EnvironmentChange{}, err
	}
	out, err := update(ctx, c, "environment.create", req, req.Change, func(tx *store.Tx) (sluice.EnvironmentChange, error) {
		e := sluice.Environment{Name: req.Name, Alias: req.Alias, Parent: req.Parent, Tracks: tracks(req.Tracks), PromotesFrom: req.PromotesFrom, KeepRuns: req.KeepRuns}
		if e.Parent == "" {
			e.Parent = sluice.Base
		}
		plan, err := c.createEnvironment(tx, actor.Name, &e)
		if err != nil {
			return sluice.EnvironmentChange{}, err
		}
		return c.environmentChange(tx, plan, e.Name, head{actor: actor.Name, action: sluice.ActionCreate, change: req.Change})
	})
	out.DryRun = req.DryRun && err == nil
	return out, err
}

func tracks(s string) string {
	if s == "none" {
		return ""
	}
	return s
}

// createEnvironment writes a new environment, or brings a deleted one back, and
// plans what it inherits.
func (c *Control) createEnvironment(tx *store.Tx, actor string, e *sluice.Environment) (*sluice.Plan, error) {
	known, found, err := tx.FindEnvironment(e.Name)
	if err != nil {
		return nil, err
	}
	if found && !known.Deleted {
		return nil, sluice.Errorf(sluice.Conflict, "environment %s exists", known.Name).Do(sluice.EditEnvironment(known.Name, "", ""), "change it")
	}
	if found {
		e.Name, e.CreatedAt, e.Position = known.Name, known.CreatedAt, known.Position
		e.Release, e.Epoch, e.At, e.Root, e.Lived = known.Release, known.Epoch, known.At, known.Root, known.Lived
	}
	if err := checkEnvironment(tx, e); err != nil {
		return nil, err
	}
	if !found {
		if e.Position, err = lastPosition(tx); err != nil {
			return nil, err
		}
	}
	if err := addEnvironment(tx, actor, e); err != nil {
		return nil, err
	}
	plan := sluice.NewPlan(tx, actor, tx.WallClock())
	return plan, plan.Reparent(*e)
}

// lastPosition is the position after all environments that ever were.
func lastPosition(tx *store.Tx) (position int, err error) {
	all, err := tx.Environments(true)
	for _, other := range all {
		position = max(position, other.Position+1)
	}
	return position, err
}

// addEnvironment writes an environment that was not there.
func addEnvironment(tx *store.Tx, actor string, e *sluice.Environment) error {
	if e.CreatedAt == 0 {
		e.CreatedAt = tx.LedgerTime()
	}
	if e.Root == "" {
		e.Root = sluice.RootHash(nil)
	}
	if _, err := tx.Append(actor, sluice.EntryEnvironmentCreate, e.Name, e); err != nil {
		return err
	}
	return tx.PutEnvironment(*e)
}

// checkEnvironment checks an environment against the others, and replaces
// aliases in it by names.
func checkEnvironment(tx *store.Tx, e *sluice.Environment) error {
	if err := sluice.CheckEnvironment(*e); err != nil {
		return err
	}
	if e.Parent != "" {
		parent, err := findEnvironment(tx, e.Parent)
		if err != nil {
			return err
		}
		if e.Parent = parent.Name; e.Parent == e.Name {
			return sluice.Errorf(sluice.Invalid, "%s cannot inherit from itself", e.Name)
		}
		if err := sluice.CheckParent(tx, e.Name, e.Parent); err != nil {
			return err
		}
	}
	for i, name := range e.PromotesFrom {
		source, err := findEnvironment(tx, name)
		if err != nil {
			return err
		}
		e.PromotesFrom[i] = source.Name
	}
	for _, word := range []string{e.Name, e.Alias} {
		if err := wordFree(tx, e.Name, word); err != nil {
			return err
		}
	}
	return nil
}

// wordFree checks that no other environment has the word as name or alias.
func wordFree(tx *store.Tx, self, word string) error {
	if word == "" {
		return nil
	}
	other, found, err := tx.FindEnvironment(word)
	if err == nil && found && !strings.EqualFold(other.Name, self) {
		err = sluice.Errorf(sluice.Conflict, "%s is already the name or alias of %s", word, other.Name).Fix("choose another")
	}
	return err
}

// EditEnvironment changes an environment's alias, parent, tracking or policy.
func (c *Control) EditEnvironment(ctx context.Context, req sluice.EditEnvironmentRequest) (sluice.EnvironmentChange, error) {
	actor, err := c.may(ctx, sluice.MayAdminister, "")
	if err != nil {
		return sluice.EnvironmentChange{}, err
	}
	out, err := update(ctx, c, "environment.edit "+req.Name, req, req.Change, func(tx *store.Tx) (sluice.EnvironmentChange, error) {
		was, err := findEnvironment(tx, req.Name)
		if err != nil {
			return sluice.EnvironmentChange{}, err
		}
		next := was
		set(&next.Alias, req.Alias)
		set(&next.Parent, req.Parent)
		if req.Tracks != nil {
			next.Tracks = tracks(*req.Tracks)
		}
		if req.PromotesFrom != nil {
			next.PromotesFrom = slices.Clone(*req.PromotesFrom)
		}
		if req.KeepRuns != nil {
			next.KeepRuns = *req.KeepRuns
		}
		if err := checkEnvironment(tx, &next); err != nil {
			return sluice.EnvironmentChange{}, err
		}
		return c.editEnvironment(tx, actor.Name, was, next, req.Change)
	})
	out.DryRun = req.DryRun && err == nil
	return out, err
}

func (c *Control) editEnvironment(tx *store.Tx, actor string, was, next sluice.Environment, ch sluice.Change) (sluice.EnvironmentChange, error) {
	plan := sluice.NewPlan(tx, actor, tx.WallClock())
	if sameSettings(was, next) {
		return sluice.EnvironmentChange{Environment: was, Releases: []sluice.Release{}}, nil
	}
	if _, err := tx.Append(actor, sluice.EntryEnvironmentEdit, next.Name, next); err != nil {
		return sluice.EnvironmentChange{}, err
	}
	if err := tx.PutEnvironment(next); err != nil {
		return sluice.EnvironmentChange{}, err
	}
	if was.Parent != next.Parent {
		if err := plan.Reparent(next); err != nil {
			return sluice.EnvironmentChange{}, err
		}
	}
	return c.environmentChange(tx, plan, next.Name, head{actor: actor, action: sluice.ActionReparent, change: ch})
}

// DeleteEnvironment ends an environment with a release that empties it.
func (c *Control) DeleteEnvironment(ctx context.Context, req sluice.DeleteEnvironmentRequest) (sluice.EnvironmentChange, error) {
	actor, err := c.may(ctx, sluice.MayAdminister, "")
	if err != nil {
		return sluice.EnvironmentChange{}, err
	}
	out, err := update(ctx, c, "environment.delete "+req.Name, req, req.Change, func(tx *store.Tx) (sluice.EnvironmentChange, error) {
		e, err := findEnvironment(tx, req.Name)
		if err != nil {
			return sluice.EnvironmentChange{}, err
		}
		if err := deletable(tx, e); err != nil {
			return sluice.EnvironmentChange{}, err
		}
		plan := sluice.NewPlan(tx, actor.Name, tx.WallClock())
		if err := plan.Clear(e); err != nil {
			return sluice.EnvironmentChange{}, err
		}
		out, err := c.environmentChange(tx, plan, e.Name, head{actor: actor.Name, action: sluice.ActionDelete, change: req.Change})
		if err != nil {
			return out, err
		}
		out.Environment.Deleted, out.Environment.Alias = true, ""
		if _, err := tx.Append(actor.Name, sluice.EntryEnvironmentDelete, e.Name, out.Environment); err != nil {
			return out, err
		}
		return out, tx.PutEnvironment(out.Environment)
	})
	out.DryRun = req.DryRun && err == nil
	return out, err
}

func deletable(tx *store.Tx, e sluice.Environment) error {
	org, _, err := tx.Organization()
	if err != nil {
		return err
	}
	if e.Name == sluice.Base || e.Name == org.DefaultEnvironment {
		return sluice.Errorf(sluice.Conflict, "%s cannot be deleted: the organization needs it", e.Name)
	}
	all, err := tx.Environments(false)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.Parent == e.Name {
			return sluice.Errorf(sluice.Conflict, "%s inherits from %s", other.Name, e.Name).
				Do(sluice.EditEnvironment(other.Name, "parent", sluice.Base), "give it another parent")
		}
		if slices.Contains(other.PromotesFrom, e.Name) {
			return sluice.Errorf(sluice.Conflict, "%s promotes from %s", other.Name, e.Name).
				Do(sluice.EditEnvironment(other.Name, "promotes_from", ""), "change that first")
		}
	}
	return nil
}

// environmentChange appends a plan's releases and answers with the environment
// as it is afterwards.
func (c *Control) environmentChange(tx *store.Tx, plan *sluice.Plan, name string, h head) (sluice.EnvironmentChange, error) {
	out := sluice.EnvironmentChange{Changed: true}
	var err error
	if out.Releases, err = c.append(tx, plan, h); err != nil {
		return out, err
	}
	out.Environment, err = tx.Environment(name)
	return out, err
}
