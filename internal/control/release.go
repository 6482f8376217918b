package control

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// target finds the environment that a change is asked of, checks that the caller
// may change it and that it is where the caller expects.
func (c *Control) target(tx *store.Tx, actor sluice.Actor, name string, expected *int64) (sluice.Environment, error) {
	if name == "" {
		return sluice.Environment{}, sluice.Errorf(sluice.Invalid, "no environment was named").Fix("name one, such as production")
	}
	e, err := findEnvironment(tx, name)
	if err != nil {
		return e, err
	}
	if err := actor.May(sluice.MayDeploy, e.Name); err != nil {
		return e, err
	}
	return e, expectRelease(tx, e, expected)
}

func expectRelease(tx *store.Tx, e sluice.Environment, expected *int64) error {
	if expected == nil || *expected == e.Release {
		return nil
	}
	err := sluice.Errorf(sluice.Conflict, "%s is at release #%d, not #%d", e.Name, e.Release, *expected)
	if e.Release > 0 {
		r, readErr := tx.Release(e.Name, e.Release)
		if readErr != nil {
			return readErr
		}
		err = sluice.Errorf(sluice.Conflict, "%s is at release #%d, not #%d: %s by %s at %s", e.Name, e.Release, *expected, r.Action, r.Actor, r.At)
	}
	return err.Fix("look with `sluice history --from %s`, then try again", e.Name)
}

// outcome appends a plan's releases and makes the answer.
func (c *Control) outcome(tx *store.Tx, e sluice.Environment, plan *sluice.Plan, h head) (sluice.Outcome, error) {
	out := sluice.Outcome{Environment: e.Name, NeverLive: plan.NeverLive, Kept: plan.Kept, DryRun: h.change.DryRun}
	releases, err := c.append(tx, plan, h)
	if err != nil {
		return out, err
	}
	for i, r := range releases {
		if r.Environment == e.Name {
			out.Release, out.Undo = &releases[i], sluice.Undo(r)
		} else {
			out.Inherited = append(out.Inherited, r)
		}
	}
	return out, nil
}

// Deploy applies one atomic change set.
func (c *Control) Deploy(ctx context.Context, req sluice.DeployRequest) (sluice.Outcome, error) {
	actor, err := c.may(ctx, sluice.MayRead, "")
	if err != nil {
		return sluice.Outcome{}, err
	}
	if err := checkDeploy(req); err != nil {
		return sluice.Outcome{}, err
	}
	if req.Author != "" || req.At != 0 {
		if err := actor.May(sluice.MayImport, ""); err != nil {
			return sluice.Outcome{}, err
		}
	}
	return update(ctx, c, "deploy "+req.Environment, req, req.Change, func(tx *store.Tx) (sluice.Outcome, error) {
		e, plan, created, err := c.openTarget(tx, actor, req.Environment, req.Create, req.ExpectedRelease)
		if err != nil {
			return sluice.Outcome{}, err
		}
		moves, err := resolveMoves(tx, req.Changes)
		if err != nil {
			return sluice.Outcome{}, err
		}
		if err := plan.Deploy(e, moves); err != nil {
			return sluice.Outcome{}, err
		}
		out, err := c.outcome(tx, e, plan, head{actor: actor.Name, action: plan.Action(), change: req.Change, author: req.Author, at: req.At})
		out.Created = created
		return out, err
	})
}

func checkDeploy(req sluice.DeployRequest) error {
	switch {
	case len(req.Changes) == 0:
		return sluice.Errorf(sluice.Invalid, "the change set is empty").Fix("name at least one component and version")
	case len(req.Changes) > sluice.MaxChanges:
		return sluice.Errorf(sluice.LimitExceeded, "%d changes in one change set; the limit is %d", len(req.Changes), sluice.MaxChanges)
	case !slices.Contains([]string{"", sluice.CreateMissing, sluice.CreateAlways}, req.Create):
		return sluice.Errorf(sluice.Invalid, "create %q is not known", req.Create).Fix(`use "missing" or "always", or leave it out`)
	}
	for _, ch := range req.Changes {
		asked := 0
		for _, is := range []bool{ch.Version != "", len(ch.Split) > 0, ch.Unset, ch.Hide} {
			if is {
				asked++
			}
		}
		if asked != 1 {
			return sluice.Errorf(sluice.Invalid, "the change of %q asks for %d things; it must be one", ch.Component, asked).
				Fix("give one of version, split, unset and hide")
		}
	}
	return sluice.CheckText("author", req.Author, sluice.MaxTicketBytes)
}

// openTarget is target for a change that may make its environment.
func (c *Control) openTarget(tx *store.Tx, actor sluice.Actor, name, create string, expected *int64) (sluice.Environment, *sluice.Plan, bool, error) {
	known, found, err := tx.FindEnvironment(name)
	if err != nil {
		return known, nil, false, err
	}
	if create == "" || found && !known.Deleted {
		e, err := c.target(tx, actor, name, expected)
		return e, sluice.NewPlan(tx, actor.Name, tx.Now()), false, err
	}
	if err := actor.May(sluice.MayDeploy, name); err != nil {
		return known, nil, false, err
	}
	if err := notASlip(tx, name, create); err != nil {
		return known, nil, false, err
	}
	e := sluice.Environment{Name: name, Parent: sluice.Base}
	plan, err := c.createEnvironment(tx, actor.Name, &e)
	if err != nil {
		return e, nil, false, err
	}
	return e, plan, true, expectRelease(tx, e, expected)
}

// notASlip refuses to make an environment whose name is nearly another's.
func notASlip(tx *store.Tx, name, create string) error {
	if create == sluice.CreateAlways {
		return nil
	}
	if err := sluice.CheckWord("environment", name); err != nil {
		return err
	}
	names, err := environmentNames(tx)
	if err != nil {
		return err
	}
	if near := sluice.Slip(name, names); near != "" {
		return sluice.Errorf(sluice.NotFound, "environment %s does not exist", name).
			Fix("did you mean %s?", near).Fix("to make %s, add --create", name)
	}
	return nil
}

func resolveMoves(tx *store.Tx, changes []sluice.ChangeRequest) ([]sluice.Move, error) {
	moves := make([]sluice.Move, 0, len(changes))
	for _, ch := range changes {
		component, err := findComponent(tx, ch.Component)
		if err != nil {
			return nil, err
		}
		m := sluice.Move{Component: component.Name, Unset: ch.Unset, Hide: ch.Hide, Expect: ch.Expect}
		if ch.Version != "" {
			v, err := findVersion(tx, component, ch.Version)
			if err != nil {
				return nil, err
			}
			m.Pin = v.Pin()
		}
		for _, share := range ch.Split {
			v, err := findVersion(tx, component, share.Version)
			if err != nil {
				return nil, err
			}
			m.Shares = append(m.Shares, sluice.Share{Pin: v.Pin(), Weight: share.Weight})
		}
		moves = append(moves, m)
	}
	return moves, nil
}

// selection checks names of components and returns which slots they select: all
// when none is named, without the excepted ones.
func selection(tx *store.Tx, names, except []string) (func(sluice.Slot) bool, error) {
	if len(names)+len(except) > sluice.MaxChanges {
		return nil, sluice.Errorf(sluice.LimitExceeded, "%d components are named; the limit is %d", len(names)+len(except), sluice.MaxChanges)
	}
	in, out := map[sluice.Slot]bool{}, map[sluice.Slot]bool{}
	for i, list := range [][]string{names, except} {
		for _, name := range list {
			component, err := findComponent(tx, name)
			if err != nil {
				return nil, err
			}
			[]map[sluice.Slot]bool{in, out}[i][sluice.ComponentSlot(component.Name)] = true
		}
	}
	return func(s sluice.Slot) bool { return (len(in) == 0 || in[s]) && !out[s] }, nil
}

// Promote copies what is live in one environment to another.
func (c *Control) Promote(ctx context.Context, req sluice.PromoteRequest) (sluice.Outcome, error) {
	actor, err := c.may(ctx, sluice.MayRead, "")
	if err != nil {
		return sluice.Outcome{}, err
	}
	if req.Expect != "" && len(req.Components) != 1 {
		return sluice.Outcome{}, sluice.Errorf(sluice.Invalid, "an expected version needs exactly one component")
	}
	return update(ctx, c, "promote "+req.Environment, req, req.Change, func(tx *store.Tx) (sluice.Outcome, error) {
		e, err := c.target(tx, actor, req.Environment, req.ExpectedRelease)
		if err != nil {
			return sluice.Outcome{}, err
		}
		source, settings, err := c.sourceOf(tx, req.From)
		if err != nil {
			return sluice.Outcome{}, err
		}
		if source.name == e.Name && source.now {
			return sluice.Outcome{}, sluice.Errorf(sluice.Invalid, "%s cannot be promoted to itself", e.Name)
		}
		if err := sluice.AllowSource(e, source.name); err != nil {
			return sluice.Outcome{}, err
		}
		settings, err = chosen(tx, source, settings, req.Components, req.Except)
		if err != nil {
			return sluice.Outcome{}, err
		}
		plan := sluice.NewPlan(tx, actor.Name, tx.Now())
		if err := plan.Promote(e, settings, req.Expect); err != nil {
			return sluice.Outcome{}, err
		}
		return c.outcome(tx, e, plan, head{actor: actor.Name, action: sluice.ActionPromote, change: req.Change, source: source.ref})
	})
}

// source is a resolved place to take values from.
type source struct {
	name string
	ref  string // with the release number
	now  bool
}

func (c *Control) sourceOf(tx *store.Tx, text string) (source, []sluice.Setting, error) {
	ref, err := parsePoint(tx, text)
	if err != nil {
		return source{}, nil, err
	}
	e, release, err := point(tx, ref)
	if err != nil {
		return source{}, nil, err
	}
	s := source{name: e.Name, now: release == sluice.Latest}
	if s.now {
		release = e.Release
	}
	s.ref = e.Name + "#" + strconv.FormatInt(release, 10)
	settings, err := tx.Settings(e.Name, release)
	return s, settings, err
}

// chosen are the live settings that a request selects; a component that is named
// must be among them.
func chosen(tx *store.Tx, from source, settings []sluice.Setting, names, except []string) ([]sluice.Setting, error) {
	only, err := selection(tx, names, except)
	if err != nil {
		return nil, err
	}
	live := slices.DeleteFunc(settings, func(s sluice.Setting) bool {
		return s.Slot.Component() == "" || !s.Value.Live() || !only(s.Slot)
	})
	for _, name := range names {
		is := func(s sluice.Setting) bool { return strings.EqualFold(s.Slot.Component(), name) }
		if !slices.ContainsFunc(live, is) && !slices.ContainsFunc(except, func(x string) bool { return strings.EqualFold(x, name) }) {
			return nil, sluice.Errorf(sluice.NotFound, "%s is not live in %s", name, from.ref).
				Fix("deploy it there first: `sluice deploy set %s VERSION --to %s`", name, from.name)
		}
	}
	return live, nil
}

// Restore makes an environment hold what another held.
func (c *Control) Restore(ctx context.Context, req sluice.RestoreRequest) (sluice.Outcome, error) {
	actor, err := c.may(ctx, sluice.MayRead, "")
	if err != nil {
		return sluice.Outcome{}, err
	}
	return update(ctx, c, "restore "+req.Environment, req, req.Change, func(tx *store.Tx) (sluice.Outcome, error) {
		from, settings, err := c.sourceOf(tx, req.From)
		if err != nil {
			return sluice.Outcome{}, err
		}
		e, plan, created, err := c.openTarget(tx, actor, req.Environment, req.Create, req.ExpectedRelease)
		if err != nil {
			return sluice.Outcome{}, err
		}
		if from.name == e.Name && from.now {
			return sluice.Outcome{}, sluice.Errorf(sluice.Invalid, "%s cannot be restored from itself as it is", e.Name).
				Fix("name a release or a time: --from %s --at TIME", e.Name)
		}
		only, err := selection(tx, req.Components, req.Except)
		if err != nil {
			return sluice.Outcome{}, err
		}
		if err := plan.Restore(e, settings, only); err != nil {
			return sluice.Outcome{}, err
		}
		out, err := c.outcome(tx, e, plan, head{actor: actor.Name, action: sluice.ActionRestore, change: req.Change, source: from.ref})
		out.Created = created
		return out, err
	})
}

// Releases lists releases, newest first.
func (c *Control) Releases(ctx context.Context, q sluice.ReleaseQuery) (sluice.Page[sluice.Release], error) {
	var out sluice.Page[sluice.Release]
	limit, cursor, err := page(q.Paging)
	if err != nil {
		return out, err
	}
	before := sluice.Latest
	if cursor != "" {
		if before, err = strconv.ParseInt(cursor, 10, 64); err != nil {
			return out, badCursor(cursor)
		}
	}
	err = c.view(ctx, func(tx *store.Tx) error {
		if err := namesOf(tx, &q); err != nil {
			return err
		}
		items, err := tx.ReleasesBefore(before, q, limit+1)
		out = cut(items, limit, func(r sluice.Release) string { return strconv.FormatInt(r.Epoch, 10) })
		return err
	})
	return out, err
}

// namesOf replaces what a query names by canonical names. History outlives the
// environment, so a deleted one is found too.
func namesOf(tx *store.Tx, q *sluice.ReleaseQuery) error {
	if q.Environment != "" {
		e, found, err := tx.FindEnvironment(q.Environment)
		if err != nil {
			return err
		}
		if !found {
			return errorOf(findEnvironment(tx, q.Environment))
		}
		q.Environment = e.Name
	}
	if q.Component != "" {
		component, err := findComponent(tx, q.Component)
		if err != nil {
			return err
		}
		q.Component = component.Name
	}
	return nil
}
