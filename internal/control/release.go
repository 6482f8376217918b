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
	return err.Do(sluice.SeeHistory("", e.Name), "see {}, then try again")
}

// outcome appends a plan's releases and makes the answer.
func (c *Control) outcome(tx *store.Tx, e sluice.Environment, plan *sluice.Plan, h head) (sluice.Outcome, error) {
	out := sluice.Outcome{Environment: e.Name, NeverLive: plan.NeverLive, Kept: plan.Kept, DryRun: h.change.DryRun}
	releases, err := c.append(tx, plan, h)
	if err != nil {
		return out, err
	}
	out.Stubbed, out.Warnings = plan.Stubbed, plan.Warnings
	for i, r := range releases {
		if r.Environment == e.Name {
			undo := sluice.Do(sluice.Undo(r), "")
			out.Release, out.Undo = &releases[i], &undo
		} else {
			out.Inherited = append(out.Inherited, r)
		}
	}
	return out, nil
}

// selection checks names of components and returns which slots they select: all
// when none is named, without the excepted ones and their overlays.
func selection(tx *store.Tx, names, except []string) (func(sluice.Slot) bool, error) {
	if len(names)+len(except) > sluice.MaxChanges {
		return nil, sluice.Errorf(sluice.LimitExceeded, "%d components are named; the limit is %d", len(names)+len(except), sluice.MaxChanges)
	}
	in, out := map[string]bool{}, map[string]bool{}
	for i, list := range [][]string{names, except} {
		for _, name := range list {
			component, err := findComponent(tx, name)
			if err != nil {
				return nil, err
			}
			[]map[string]bool{in, out}[i][component.Name] = true
		}
	}
	return func(s sluice.Slot) bool {
		_, component, isVariable := s.Variable()
		if !isVariable {
			component = s.Component()
		}
		return (len(in) == 0 || !isVariable && in[component]) && !out[component]
	}, nil
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
	out, err := update(ctx, c, "promote "+req.Environment, req, req.Change, func(tx *store.Tx) (sluice.Outcome, error) {
		e, err := c.target(tx, actor, req.Environment, req.ExpectedRelease)
		if err != nil {
			return sluice.Outcome{}, err
		}
		source, settings, err := c.sourceOf(tx, req.From)
		if err != nil {
			return sluice.Outcome{}, err
		}
		if source.name == e.Name && source.now {
			return sluice.Outcome{}, sluice.Errorf(sluice.Invalid, "%s cannot be promoted to itself", e.Name).
				Ask("name another environment as {from}, or a release of this one: {from=%s#%d}", e.Name, max(0, e.Release-1))
		}
		if err := sluice.AllowSource(e, source.name); err != nil {
			return sluice.Outcome{}, err
		}
		variables, err := chosenVariables(tx, source, settings, req.WithConfig)
		if err != nil {
			return sluice.Outcome{}, err
		}
		settings, err = chosen(tx, source, settings, req.Components, req.Except)
		if err != nil {
			return sluice.Outcome{}, err
		}
		plan := sluice.NewPlan(tx, actor.Name, tx.WallClock())
		if err := plan.Promote(e, source.name, slices.Concat(settings, variables), req.Expect); err != nil {
			return sluice.Outcome{}, err
		}
		if err := mayCopy(actor, plan); err != nil {
			return sluice.Outcome{}, err
		}
		return c.outcome(tx, e, plan, head{actor: actor.Name, action: sluice.ActionPromote, change: req.Change, source: source.ref})
	})
	return c.confirmed(ctx, out, err, true)
}

// source is a resolved place to take values from.
type source struct {
	name string
	ref  string // with the release number
	now  bool
	at   sluice.Time // the time that was named, when there was no release yet
}

// begun refuses a plan that would empty an environment because nothing had been
// released yet at the time that it goes back to.
func (s source) begun(tx *store.Tx, plan *sluice.Plan, e sluice.Environment, allowEmpty bool) error {
	if s.at.IsZero() || allowEmpty {
		return nil
	}
	from, err := findEnvironment(tx, s.name)
	if sluice.CodeOf(err) == sluice.NotFound { // deleted since
		from, err = sluice.Environment{Name: s.name}, nil
	}
	var first sluice.Release
	if err == nil && from.Release > 0 {
		first, err = tx.Release(s.name, 1)
	}
	if err != nil {
		return err
	}
	return plan.Unbegun(e, s.name, s.at, first)
}

func (c *Control) sourceOf(tx *store.Tx, text string) (source, []sluice.Setting, error) {
	s, release, err := pointOf(tx, text)
	if err != nil {
		return source{}, nil, err
	}
	settings, err := tx.Settings(s.name, release)
	return s, settings, err
}

// pointOf reads a reference to a state, with the number of its release.
func pointOf(tx *store.Tx, text string) (source, int64, error) {
	ref, err := parsePoint(text)
	if err != nil {
		return source{}, 0, err
	}
	e, release, err := point(tx, ref)
	if err != nil {
		return source{}, 0, err
	}
	s := source{name: e.Name, now: release == sluice.Latest}
	if s.now {
		release = e.Release
	} else if release == 0 {
		s.at = ref.At
	}
	s.ref = e.Name + "#" + strconv.FormatInt(release, 10)
	return s, release, nil
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
				Do(sluice.DeployVersion(name, "", from.name), "deploy it there first")
		}
	}
	return live, nil
}

// chosenVariables are the settings of the variables that a promotion names, as
// KEY or KEY@COMPONENT.
func chosenVariables(tx *store.Tx, from source, settings []sluice.Setting, names []string) ([]sluice.Setting, error) {
	var out []sluice.Setting
	for _, name := range names {
		key, component, overlay := strings.Cut(name, "@")
		if err := sluice.CheckKey(key); err != nil {
			return nil, err
		}
		if strings.Contains(component, "=") {
			return nil, sluice.Errorf(sluice.Invalid, "a variable that is copied brings its own value").Fix("write KEY or KEY@COMPONENT")
		}
		if overlay {
			found, err := findComponent(tx, component)
			if err != nil {
				return nil, err
			}
			component = found.Name
		}
		slot := sluice.VariableSlot(key, component)
		i := slices.IndexFunc(settings, func(s sluice.Setting) bool { return s.Slot == slot && s.Value.Live() })
		if i < 0 {
			return nil, sluice.Errorf(sluice.NotFound, "%s is not set in %s", slot.Name(), from.ref).
				Do(sluice.ListVariables(from.name), "see what there is")
		}
		if !slices.ContainsFunc(out, func(s sluice.Setting) bool { return s.Slot == slot }) {
			out = append(out, settings[i])
		}
	}
	return out, nil
}

// mayCopy checks that the caller may see the secrets that a plan copies from
// other environments, since whoever holds a copy can see it.
func mayCopy(actor sluice.Actor, plan *sluice.Plan) error {
	for _, environment := range plan.Copied {
		if err := actor.May(sluice.MayReveal, environment); err != nil {
			return sluice.AsError(err).Fix("or leave the secrets of %s out of it", environment)
		}
	}
	return nil
}

// Restore makes an environment hold what another held.
func (c *Control) Restore(ctx context.Context, req sluice.RestoreRequest) (sluice.Outcome, error) {
	actor, err := c.may(ctx, sluice.MayRead, "")
	if err != nil {
		return sluice.Outcome{}, err
	}
	if req.Secrets, err = sluice.ParseSecretPolicy(req.Secrets); err != nil {
		return sluice.Outcome{}, err
	}
	out, err := update(ctx, c, "restore "+req.Environment, req, req.Change, func(tx *store.Tx) (sluice.Outcome, error) {
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
				Ask("name a release or a time: {from=%s@TIME}", e.Name)
		}
		only, err := selection(tx, req.Components, req.Except)
		if err != nil {
			return sluice.Outcome{}, err
		}
		if err := plan.Restore(e, from.name, settings, req.Secrets, only); err != nil {
			return sluice.Outcome{}, err
		}
		if err := from.begun(tx, plan, e, req.AllowEmpty); err != nil {
			return sluice.Outcome{}, err
		}
		if err := mayCopy(actor, plan); err != nil {
			return sluice.Outcome{}, err
		}
		out, err := c.outcome(tx, e, plan, head{actor: actor.Name, action: sluice.ActionRestore, change: req.Change, source: from.ref})
		out.Created = created
		return out, err
	})
	return c.confirmed(ctx, out, err, true)
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
		items, err := tx.ReleasesBefore(before, q, limit)
		out = pageOf(items, func(r sluice.Release) string { return strconv.FormatInt(r.Epoch, 10) })
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
