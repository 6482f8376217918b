package control

import (
	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// archive takes a component out of the environments that have it only because they
// follow every publish. Where it is live for another reason, somebody decided so,
// and archiving is refused.
func (c *Control) archive(tx *store.Tx, actor string, component sluice.Component, ch sluice.Change) error {
	slot := sluice.ComponentSlot(component.Name)
	tracking, decided, err := holders(tx, slot)
	if err != nil {
		return err
	}
	if len(decided) > 0 {
		return stillLive(component.Name, decided)
	}
	for _, name := range tracking {
		e, err := tx.Environment(name) // an earlier one may have changed this one, which inherits from it
		if err != nil {
			return err
		}
		plan := sluice.NewPlan(tx, actor, tx.WallClock())
		if err := plan.Deploy(e, []sluice.Move{{Slot: slot, Unset: true}}); err != nil {
			return err
		}
		if _, err := c.append(tx, plan, head{actor: actor, action: sluice.ActionUnset, cause: "archiving of " + component.Name, change: ch}); err != nil {
			return err
		}
	}
	return nil
}

// holders are the environments that hold a slot themselves, parents among them
// before children: those that only track every publish, and those where it is live by a decision.
// What merely inherits it follows what its parent does.
func holders(tx *store.Tx, slot sluice.Slot) (tracking, decided []string, err error) {
	environments, err := tx.Environments(false)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range environments {
		s, err := tx.Setting(e.Name, slot, sluice.Latest)
		if err != nil {
			return nil, nil, err
		}
		if !s.Value.Live() || s.Origin != "" {
			continue
		}
		setter, err := tx.Release(e.Name, s.Since)
		if err != nil {
			return nil, nil, err
		}
		if e.Tracks == sluice.TracksLatest && setter.Action == sluice.ActionTrack {
			tracking = append(tracking, e.Name)
		} else {
			decided = append(decided, e.Name)
		}
	}
	return tracking, decided, nil
}

// stillLive refuses to archive what is live by somebody's decision.
func stillLive(component string, environments []string) error {
	e := sluice.Errorf(sluice.Conflict, "%s was deployed to %s and is live there, so it cannot be archived", component, sluice.Listing(environments, 8))
	for _, name := range environments {
		e = e.Do(sluice.Undeploy(component, name), "")
	}
	return e
}

// archivedError refuses what a component cannot do while it is archived.
func archivedError(component string) error {
	return sluice.Errorf(sluice.Conflict, "component %s is archived", component).Do(sluice.ReviveComponent(component), "")
}

// revive brings an archived component back. Environments that follow every publish
// take its latest version again, unless that was withdrawn.
func (c *Control) revive(tx *store.Tx, actor string, component sluice.Component) error {
	if component.Latest == 0 {
		return nil
	}
	v, found, err := tx.VersionByNumber(component.Name, component.Latest)
	if err != nil || !found || v.Purged || v.Quarantine != nil {
		return err
	}
	return c.follow(tx, actor, v, &sluice.Published{})
}
