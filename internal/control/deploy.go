package control

import (
	"context"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

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
	deploy := func(k *openKeys, hashed sluice.DeployRequest) (sluice.Outcome, error) {
		out, err := update(ctx, c, "deploy "+req.Environment, hashed, req.Change, func(tx *store.Tx) (sluice.Outcome, error) {
			return c.deploy(tx, k, actor, req)
		})
		return c.confirmed(ctx, out, err, true)
	}
	if !slices.ContainsFunc(req.Changes, func(ch sluice.ChangeRequest) bool { return ch.Value != nil }) {
		return deploy(nil, req)
	}
	return sealing(ctx, c, req.DryRun, func(k *openKeys) (sluice.Outcome, error) { return deploy(k, k.masked(req)) })
}

// masked is a request with fingerprints in the place of values, to be hashed.
func (k *openKeys) masked(req sluice.DeployRequest) sluice.DeployRequest {
	req.Changes = slices.Clone(req.Changes)
	for i, ch := range req.Changes {
		if ch.Value != nil {
			fingerprint := k.fingerprint(ch.Variable, *ch.Value)
			req.Changes[i].Value = &fingerprint
		}
	}
	return req
}

func (c *Control) deploy(tx *store.Tx, k *openKeys, actor sluice.Actor, req sluice.DeployRequest) (sluice.Outcome, error) {
	e, plan, created, err := c.openTarget(tx, actor, req.Environment, req.Create, req.ExpectedRelease)
	if err != nil {
		return sluice.Outcome{}, err
	}
	moves, err := resolveMoves(tx, k, req.Changes)
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
		return e, sluice.NewPlan(tx, actor.Name, tx.WallClock()), false, err
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
			Fix("did you mean %s?", near).Ask("to make %s, add {create}", name)
	}
	return nil
}

// resolveMoves finds what changes name, and seals the values that they bring.
func resolveMoves(tx *store.Tx, k *openKeys, changes []sluice.ChangeRequest) ([]sluice.Move, error) {
	var s *sealer // where no change brings a value
	if k != nil {
		var err error
		if s, err = k.sealer(tx); err != nil {
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
	fingerprint, err := s.put(ch.Variable, *ch.Value)
	m.Set = &sluice.Assigned{Fingerprint: fingerprint, Secret: ch.Secret, Telling: sluice.Telling(ch.Variable, *ch.Value)}
	return m, err
}
