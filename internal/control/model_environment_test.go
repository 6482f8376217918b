package control_test

import (
	"slices"

	"github.com/sluice-dev/sluice"
)

// create makes an environment, or brings a deleted one back: by itself, or by
// deploying or restoring to it.
func (m *machine) create(p picked) {
	name := oneOf(p, placeNames)
	e := m.model.environments[name]
	if e != nil && !e.deleted {
		_, err := m.CreateEnvironment(as(p.actor), sluice.CreateEnvironmentRequest{Name: name})
		m.want(p.T, err, sluice.Conflict)
		return
	}
	fresh := m.model.fresh(name)
	switch p.IntN(3) {
	case 0:
		m.createBare(p, fresh)
	case 1:
		m.createByDeploy(p, fresh)
	default:
		m.createByRestore(p, fresh)
	}
}

// fresh is an environment as it would be created, with the past of the one of
// the same name that was deleted.
func (w *world) fresh(name string) *place {
	e := &place{name: name, parent: sluice.Base}
	for _, other := range w.environments {
		e.position = max(e.position, other.position+1)
	}
	if was := w.environments[name]; was != nil {
		e.position, e.past, e.lived = was.position, was.past, was.lived
	}
	return e
}

func (m *machine) createBare(p picked, e *place) {
	e.parent = p.place().name
	e.tracks = p.oneIn(4)
	e.sources = m.sources(p, e.name)
	req := sluice.CreateEnvironmentRequest{Name: e.name, Parent: e.parent, PromotesFrom: e.sources, Change: p.change()}
	if e.tracks {
		req.Tracks = sluice.TracksLatest
	}
	c := m.model.change(p.actor)
	want := c.adopt(e)
	got, err := m.CreateEnvironment(as(p.actor), req)
	m.edited(p, c, e, sluice.ActionCreate, got, err, want)
}

// sources are what a policy names: mostly nothing.
func (m *machine) sources(p picked, of string) []string {
	if !p.oneIn(2) {
		return nil
	}
	var names []string
	for _, e := range m.model.living() {
		if e.name != of {
			names = append(names, e.name)
		}
	}
	return []string{oneOf(p, names)}
}

func (m *machine) createByDeploy(p picked, e *place) {
	component := p.part()
	version := p.version(component)
	c := m.model.change(p.actor)
	want := c.adopt(e)
	if want == nil {
		want = c.deploy(e, component, version)
	}
	out, err := m.Deploy(as(p.actor), sluice.DeployRequest{
		Environment: e.name, Create: sluice.CreateAlways, Change: sluice.Change{DryRun: p.dry},
		Changes: []sluice.ChangeRequest{{Component: component, Version: number(version)}},
	})
	m.made(p, e, want)
	m.outcome(p, c, e, c.action(), 0, out, err, want)
}

func (m *machine) createByRestore(p picked, e *place) {
	source := p.place()
	ref, n := p.point(source)
	c := m.model.change(p.actor)
	want := c.adopt(e)
	if want == nil {
		want = c.restore(e, source.after(n), func(string) bool { return true })
	}
	out, err := m.Restore(as(p.actor), sluice.RestoreRequest{
		Environment: e.name, From: ref, Create: sluice.CreateAlways, Change: sluice.Change{DryRun: p.dry},
	})
	m.made(p, e, want)
	m.outcome(p, c, e, sluice.ActionRestore, 0, out, err, want)
}

// made puts a new environment into the world once it is there.
func (m *machine) made(p picked, e *place, err error) {
	if err == nil && !p.dry {
		m.model.environments[e.name] = e
	}
}

// edit changes an environment's parent, policy or tracking.
func (m *machine) edit(p picked) {
	e := p.place()
	if e.name == sluice.Base {
		return // base has nothing to edit
	}
	next := *e
	req := sluice.EditEnvironmentRequest{Name: e.name, Change: p.change()}
	switch p.IntN(3) {
	case 0:
		next.parent = p.place().name
		req.Parent = &next.parent
	case 1:
		next.sources = m.sources(p, e.name)
		req.PromotesFrom = &next.sources
	default:
		tracks := "none"
		if next.tracks = p.oneIn(2); next.tracks {
			tracks = sluice.TracksLatest
		}
		req.Tracks = &tracks
	}
	c := m.model.change(p.actor)
	want := m.model.checkParent(&next)
	m.model.environments[e.name] = &next // the change is of the environment as it will be
	if want == nil && next.parent != e.parent {
		want = c.adopt(&next)
	}
	m.model.environments[e.name] = e
	got, err := m.EditEnvironment(as(p.actor), req)
	if want == nil && !p.dry {
		m.model.environments[e.name] = &next
	}
	m.edited(p, c, &next, sluice.ActionReparent, got, err, want)
}

// checkParent refuses circles.
func (w *world) checkParent(e *place) error {
	for at := e.parent; at != ""; at = w.environments[at].parent {
		if at == e.name {
			return refuse(sluice.Invalid, "a circle")
		}
	}
	return nil
}

// remove deletes an environment that no other needs.
func (m *machine) remove(p picked) {
	e := p.place()
	c := m.model.change(p.actor)
	want := m.model.deletable(e)
	if want == nil {
		for _, component := range c.names() {
			if cur := c.get(e, component); !cur.value.IsZero() {
				want = c.put(e, component, &held{below: c.below(e, cur, sluice.Value{})})
			}
		}
	}
	got, err := m.DeleteEnvironment(as(p.actor), sluice.DeleteEnvironmentRequest{Name: e.name, Change: p.change()})
	if want == nil && !p.dry {
		e.deleted = true
	}
	m.edited(p, c, e, sluice.ActionDelete, got, err, want)
}

func (w *world) deletable(e *place) error {
	if e.name == sluice.Base || e.name == "production" || len(w.children(e.name)) > 0 {
		return refuse(sluice.Conflict, "it is needed")
	}
	for _, other := range w.living() {
		if slices.Contains(other.sources, e.name) {
			return refuse(sluice.Conflict, "it is a source")
		}
	}
	return nil
}

func (m *machine) edited(p picked, c *change, e *place, action sluice.Action, got sluice.EnvironmentChange, err, want error) {
	if m.want(p.T, err, sluice.CodeOf(want)); want != nil {
		return
	}
	if action == sluice.ActionCreate {
		m.made(p, e, want)
	}
	if p.dry {
		return
	}
	m.agree(p.T, c, e, action, 0, got.Releases)
}
