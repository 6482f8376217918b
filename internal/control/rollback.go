package control

import (
	"context"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Rollback takes components, a release or a whole environment back.
func (c *Control) Rollback(ctx context.Context, req sluice.RollbackRequest) (sluice.Outcome, error) {
	actor, err := c.may(ctx, sluice.MayRead, "")
	if err != nil {
		return sluice.Outcome{}, err
	}
	if err := checkRollback(req); err != nil {
		return sluice.Outcome{}, err
	}
	if req.Secrets, err = sluice.ParseSecretPolicy(req.Secrets); err != nil {
		return sluice.Outcome{}, err
	}
	out, err := update(ctx, c, "rollback "+req.Environment, req, req.Change, func(tx *store.Tx) (sluice.Outcome, error) {
		e, err := c.target(tx, actor, req.Environment, req.ExpectedRelease)
		if err != nil {
			return sluice.Outcome{}, err
		}
		plan := sluice.NewPlan(tx, actor.Name, tx.WallClock())
		var to source
		h := head{actor: actor.Name, action: sluice.ActionRollback, change: req.Change}
		switch {
		case req.Release > 0:
			err = revert(tx, plan, e, req)
		case len(req.Components) == 0:
			to, err = rollbackAll(tx, plan, e, req)
		default:
			to, err = rollbackSome(tx, plan, e, req)
		}
		h.source = to.ref
		if err == nil {
			err = to.begun(tx, plan, e, req.AllowEmpty)
		}
		if err == nil {
			err = mayCopy(actor, plan)
		}
		if err != nil {
			return sluice.Outcome{}, err
		}
		if req.Quarantine {
			if err := actor.MayAnywhere(sluice.MayQuarantine); err != nil {
				return sluice.Outcome{}, err
			}
		}
		return c.rolledBack(tx, e, plan, h, actor, req)
	})
	return c.confirmed(ctx, out, err, false)
}

func checkRollback(req sluice.RollbackRequest) error {
	switch {
	case req.Release < 0:
		return sluice.Errorf(sluice.Invalid, "release %d does not exist", req.Release)
	case req.Release > 0 && req.To != "":
		return sluice.Errorf(sluice.Invalid, "a rollback goes to one place, or reverts one release").Ask("leave out {to} or {release}")
	case req.Release == 0 && len(req.Components) == 0 && (req.To == "" || req.To == "0"):
		return sluice.Errorf(sluice.Invalid, "a whole environment goes back to a release or a time").
			Ask(`name a component, or say where to: {to=production#41}`)
	case req.WithConfig && (len(req.Components) == 0 || req.Release > 0):
		return sluice.Errorf(sluice.Invalid, "only the rollback of components may take their variables along").
			Ask("leave out {with_config}: a whole environment and a release take their variables back anyway; {secrets} says what becomes of secrets")
	case req.Expect != "" && len(req.Components) != 1:
		return sluice.Errorf(sluice.Invalid, "an expected version needs exactly one component")
	}
	return nil
}

func revert(tx *store.Tx, plan *sluice.Plan, e sluice.Environment, req sluice.RollbackRequest) error {
	r, err := tx.Release(e.Name, req.Release)
	if err != nil {
		return err
	}
	only, err := selection(tx, req.Components, req.Except)
	if err != nil {
		return err
	}
	return plan.Revert(e, r, req.Secrets, only)
}

// pointIn reads where a rollback goes, when that is a release or a time, and
// checks that it is of the same environment.
func pointIn(tx *store.Tx, e sluice.Environment, text string) (source, int64, error) {
	to, release, err := pointOf(tx, text)
	if err != nil {
		return source{}, 0, err
	}
	if to.name != e.Name {
		return source{}, 0, sluice.Errorf(sluice.Invalid, "%s cannot be rolled back to a release of %s", e.Name, to.name).
			Do(sluice.RestoreFrom(text, e.Name), "to copy what was live there")
	}
	return to, release, nil
}

func isPoint(to string) bool { return strings.ContainsAny(to, "#@") }

func rollbackAll(tx *store.Tx, plan *sluice.Plan, e sluice.Environment, req sluice.RollbackRequest) (source, error) {
	if !isPoint(req.To) {
		return source{}, sluice.Errorf(sluice.Invalid, "a whole environment goes back to a release or a time, not to %q", req.To).
			Ask("write {to=%s#%d}", e.Name, max(0, e.Release-1)).Do(sluice.RollbackTo("", e.Name, req.To, ""), "or name the component")
	}
	to, release, err := pointIn(tx, e, req.To)
	if err != nil {
		return source{}, err
	}
	only, err := selection(tx, nil, req.Except)
	if err != nil {
		return source{}, err
	}
	return to, plan.RollbackAll(e, release, req.Secrets, only)
}

func rollbackSome(tx *store.Tx, plan *sluice.Plan, e sluice.Environment, req sluice.RollbackRequest) (source, error) {
	var to sluice.Target
	var from source
	if isPoint(req.To) {
		var release int64
		var err error
		from, release, err = pointIn(tx, e, req.To)
		if err != nil {
			return source{}, err
		}
		to = sluice.Target{Release: release, Exact: true}
	}
	only, err := selection(tx, req.Components, req.Except)
	if err != nil {
		return source{}, err
	}
	options := sluice.RollbackOptions{Further: req.Further, Expect: req.Expect, WithConfig: req.WithConfig, Secrets: req.Secrets}
	seen := map[string]bool{}
	for _, name := range req.Components {
		component, err := findComponent(tx, name)
		if err != nil {
			return source{}, err
		}
		if seen[component.Name] || !only(sluice.ComponentSlot(component.Name)) {
			continue
		}
		seen[component.Name] = true
		if req.To != "" && req.To != "0" && !to.Exact {
			v, err := findVersion(tx, component, req.To)
			if err != nil {
				return source{}, err
			}
			to = sluice.Target{Pin: v.Pin()}
		}
		if err := plan.Rollback(e, component.Name, to, options); err != nil {
			return source{}, err
		}
		if to.Pin.Version > 0 {
			to = sluice.Target{}
		}
	}
	return from, nil
}

// rolledBack appends the releases, and keeps what was rolled back from coming
// back when that is asked for.
func (c *Control) rolledBack(tx *store.Tx, e sluice.Environment, plan *sluice.Plan, h head, actor sluice.Actor, req sluice.RollbackRequest) (sluice.Outcome, error) {
	out, err := c.outcome(tx, e, plan, h)
	if err != nil || !req.Quarantine || out.Release == nil {
		return out, err
	}
	reason := req.Reason
	if reason == "" {
		reason = "rolled back in " + out.Release.Ref()
	}
	for _, change := range out.Release.Changes {
		stays := map[sluice.Digest]bool{}
		for _, p := range change.To.Pins() {
			stays[p.Digest] = true
		}
		for _, p := range change.From.Pins() {
			if stays[p.Digest] {
				continue
			}
			name := change.Slot.Component()
			v, _, err := tx.VersionByNumber(name, p.Version)
			if err != nil {
				return out, err
			}
			report, err := quarantine(tx, actor, v, reason)
			if err != nil {
				return out, err
			}
			line := v.Ref()
			if len(report.LiveIn) > 0 {
				line += " (still live in " + sluice.Listing(report.LiveIn, 8) + ")"
			}
			out.Quarantined = append(out.Quarantined, line)
		}
	}
	return out, nil
}
