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
	out.Stubbed, out.Warnings = plan.Stubbed, plan.Warnings
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
	deploy := func(s *sealer, hashed sluice.DeployRequest) (sluice.Outcome, error) {
		return update(ctx, c, "deploy "+req.Environment, hashed, req.Change, func(tx *store.Tx) (sluice.Outcome, error) {
			return c.deploy(tx, s, actor, req)
		})
	}
	if !slices.ContainsFunc(req.Changes, func(ch sluice.ChangeRequest) bool { return ch.Value != nil }) {
		return deploy(nil, req)
	}
	return sealing(ctx, c, req.DryRun, func(s *sealer) (sluice.Outcome, error) { return deploy(s, s.masked(req)) })
}

// masked is a request with fingerprints in the place of values, to be hashed.
func (s *sealer) masked(req sluice.DeployRequest) sluice.DeployRequest {
	req.Changes = slices.Clone(req.Changes)
	for i, ch := range req.Changes {
		if ch.Value != nil {
			fingerprint := s.fingerprint(ch.Variable, *ch.Value)
			req.Changes[i].Value = &fingerprint
		}
	}
	return req
}

func (c *Control) deploy(tx *store.Tx, s *sealer, actor sluice.Actor, req sluice.DeployRequest) (sluice.Outcome, error) {
	e, plan, created, err := c.openTarget(tx, actor, req.Environment, req.Create, req.ExpectedRelease)
	if err != nil {
		return sluice.Outcome{}, err
	}
	moves, err := resolveMoves(tx, s, req.Changes)
	if err != nil {
		return sluice.Outcome{}, err
	}
	if err := plan.Deploy(e, moves); err != nil {
		return sluice.Outcome{}, err
	}
	out, err := c.outcome(tx, e, plan, head{actor: actor.Name, action: plan.Action(), change: req.Change, author: req.Author, at: req.At})
	out.Created = created
	return out, err
}

func checkDeploy(req sluice.DeployRequest) error {
	switch {
	case len(req.Changes) == 0:
		return sluice.Errorf(sluice.Invalid, "the change set is empty").Fix("name at least one component and version, or a variable and its value")
	case len(req.Changes) > sluice.MaxChanges:
		return sluice.Errorf(sluice.LimitExceeded, "%d changes in one change set; the limit is %d", len(req.Changes), sluice.MaxChanges)
	}
	if err := checkCreate(req.Create); err != nil {
		return err
	}
	for _, ch := range req.Changes {
		if err := checkChange(ch); err != nil {
			return err
		}
	}
	return sluice.CheckText("author", req.Author, sluice.MaxTicketBytes)
}

func checkCreate(create string) error {
	if slices.Contains([]string{"", sluice.CreateMissing, sluice.CreateAlways}, create) {
		return nil
	}
	return sluice.Errorf(sluice.Invalid, "create %q is not known", create).Fix(`use "missing" or "always", or leave it out`)
}

// checkChange checks that a change asks for one thing.
func checkChange(ch sluice.ChangeRequest) error {
	what, can := ch.Component, "version, split, unset and hide"
	if ch.Variable != "" {
		what, can = ch.Variable, "value, unset and hide"
		if err := sluice.CheckKey(ch.Variable); err != nil {
			return err
		}
		if ch.Version != "" || len(ch.Split) > 0 {
			return sluice.Errorf(sluice.Invalid, "the change of %s has a version, and it is a variable", what).Fix("make two changes of it")
		}
	} else if ch.Value != nil || ch.Secret != nil {
		return sluice.Errorf(sluice.Invalid, "the change of %q has a value, and it is a component", what).Fix("name the variable")
	}
	asked := 0
	for _, is := range []bool{ch.Version != "", len(ch.Split) > 0, ch.Value != nil, ch.Unset, ch.Hide} {
		if is {
			asked++
		}
	}
	if asked != 1 {
		return sluice.Errorf(sluice.Invalid, "the change of %q asks for %d things; it must be one", what, asked).Fix("give one of %s", can)
	}
	if ch.Value != nil {
		return sluice.CheckValue(ch.Variable, *ch.Value)
	}
	return nil
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

// resolveMoves finds what changes name, and seals the values that they bring.
func resolveMoves(tx *store.Tx, s *sealer, changes []sluice.ChangeRequest) ([]sluice.Move, error) {
	if s != nil {
		if err := s.confirm(tx); err != nil {
			return nil, err
		}
	}
	moves := make([]sluice.Move, 0, len(changes))
	for _, ch := range changes {
		resolve := resolveComponent
		if ch.Variable != "" {
			resolve = s.resolve
		}
		m, err := resolve(tx, ch)
		if err != nil {
			return nil, err
		}
		m.Unset, m.Hide, m.Expect = ch.Unset, ch.Hide, ch.Expect
		moves = append(moves, m)
	}
	return moves, nil
}

func resolveComponent(tx *store.Tx, ch sluice.ChangeRequest) (sluice.Move, error) {
	component, err := findComponent(tx, ch.Component)
	if err != nil {
		return sluice.Move{}, err
	}
	m := sluice.Move{Slot: sluice.ComponentSlot(component.Name)}
	if ch.Version != "" {
		v, err := findVersion(tx, component, ch.Version)
		if err != nil {
			return m, err
		}
		m.Pin = v.Pin()
	}
	for _, share := range ch.Split {
		v, err := findVersion(tx, component, share.Version)
		if err != nil {
			return m, err
		}
		m.Shares = append(m.Shares, sluice.Share{Pin: v.Pin(), Weight: share.Weight})
	}
	return m, nil
}

// resolve finds the variable that a change names, and seals its value.
func (s *sealer) resolve(tx *store.Tx, ch sluice.ChangeRequest) (sluice.Move, error) {
	slot := sluice.VariableSlot(ch.Variable, "")
	if ch.Component != "" {
		component, err := findComponent(tx, ch.Component)
		if err != nil {
			return sluice.Move{}, err
		}
		slot = sluice.VariableSlot(ch.Variable, component.Name)
	}
	m := sluice.Move{Slot: slot}
	if ch.Value == nil {
		return m, nil
	}
	fingerprint, err := s.put(tx, ch.Variable, *ch.Value)
	m.Set = &sluice.Assigned{Fingerprint: fingerprint, Secret: ch.Secret, Telling: sluice.SecretValue(*ch.Value)}
	return m, err
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
		variables, err := chosenVariables(tx, source, settings, req.WithConfig)
		if err != nil {
			return sluice.Outcome{}, err
		}
		settings, err = chosen(tx, source, settings, req.Components, req.Except)
		if err != nil {
			return sluice.Outcome{}, err
		}
		plan := sluice.NewPlan(tx, actor.Name, tx.Now())
		if err := plan.Promote(e, source.name, slices.Concat(settings, variables), req.Expect); err != nil {
			return sluice.Outcome{}, err
		}
		if err := mayCopy(actor, plan); err != nil {
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
				Fix("see what there is: `sluice env list -e %s`", from.name)
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
		if err := plan.Restore(e, from.name, settings, req.Secrets, only); err != nil {
			return sluice.Outcome{}, err
		}
		if err := mayCopy(actor, plan); err != nil {
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
