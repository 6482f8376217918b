package control_test

import (
	"maps"
	"slices"

	"github.com/sluice-dev/sluice"
)

// publish makes a version, of content that may be known, and environments that
// track the latest follow it one after the other.
func (m *machine) publish(p picked) {
	p.try = "" // a publish that is tried again is another story
	name := oneOf(p, partNames)
	content := oneOf(p, []string{"one", "two", "three", "four", "five"})
	label := oneOf(p, []string{"", "", "v1.0.0", "v1.1.0", "v2.0.0-rc.1"})
	files := []sluice.File{{Path: "text.md", Text: name + " " + content}}
	_, digest, err := sluice.CheckFiles(files)
	if err != nil {
		p.Fatal(err)
	}
	got, err := m.Publish(as(p.actor), sluice.PublishRequest{Component: name, Kind: "prompt", Files: files, Label: label, Change: p.change()})

	known := m.model.components[name]
	if known == nil {
		known = &part{quarantined: map[sluice.Digest]bool{}}
	}
	is, conflict := known.publish(digest, sluice.Label(label))
	if conflict {
		m.want(p.T, err, sluice.Conflict)
		return
	}
	m.want(p.T, err, "")
	if is > 0 {
		if got.Created || got.Version.Number != is {
			p.Fatalf("published %s as %d, want the %d that exists", name, got.Version.Number, is)
		}
		return
	}
	added := &part{
		digests: append(slices.Clone(known.digests), digest), labels: append(slices.Clone(known.labels), sluice.Label(label)),
		quarantined: known.quarantined,
	}
	if !got.Created || got.Version.Number != len(added.digests) {
		p.Fatalf("published %s as %d, want %d", name, got.Version.Number, len(added.digests))
	}
	if p.dry {
		return
	}
	m.model.components[name] = added
	m.track(p, name, got)
}

// publish is the version that a publish amounts to, or 0 for a new one.
func (p *part) publish(digest sluice.Digest, label sluice.Label) (version int, conflict bool) {
	for i := len(p.digests) - 1; i >= 0; i-- {
		switch {
		case label != "" && p.labels[i] == label:
			return i + 1, p.digests[i] != digest
		case label == "" && p.digests[i] == digest:
			return i + 1, false
		}
	}
	return 0, false
}

func (m *machine) track(p picked, component string, got sluice.Published) {
	var refused []string
	releases := got.Live
	for _, e := range m.model.living() {
		if !e.tracks {
			continue
		}
		c := m.model.change(p.actor)
		if err := c.deploy(e, component, got.Version.Number); err != nil {
			refused = append(refused, e.name)
			continue
		}
		n := c.effects(e)
		m.agree(p.T, c, e, sluice.ActionTrack, 0, releases[:min(n, len(releases))])
		releases = releases[min(n, len(releases)):]
	}
	if len(releases) > 0 {
		p.Fatalf("releases that nothing explains: %+v", releases)
	}
	var said []string
	for _, r := range got.Refused {
		said = append(said, r.Environment)
	}
	if !slices.Equal(said, refused) {
		p.Fatalf("refused by %v, want %v", said, refused)
	}
}

// send asks for one change set, and demands that its outcome is the model's.
func (m *machine) send(p picked, e *place, req sluice.DeployRequest, model func(*change) error) {
	req.Environment, req.Change = e.name, p.change()
	c := m.model.change(p.actor)
	want := model(c)
	m.twice(p, func() (sluice.Outcome, error) { return m.Deploy(as(p.actor), req) }, func(out sluice.Outcome, err error) {
		m.outcome(p, c, e, c.action(), req.At, out, err, want)
	})
}

func (m *machine) sendOne(p picked, e *place, ch sluice.ChangeRequest, model func(*change, *place) error) {
	m.send(p, e, sluice.DeployRequest{Changes: []sluice.ChangeRequest{ch}}, func(c *change) error {
		if err := c.expect(e, ch.Component, ch.Expect); err != nil {
			return err
		}
		return model(c, e)
	})
}

func (m *machine) deploy(p picked) {
	e, component := p.place(), p.part()
	version := p.version(component)
	ch := sluice.ChangeRequest{Component: component, Version: number(version), Expect: p.expected(e, component)}
	m.sendOne(p, e, ch, func(c *change, e *place) error { return c.deploy(e, component, version) })
}

// deployTwo changes several slots at once: all of it, or nothing.
func (m *machine) deployTwo(p picked) {
	e := p.place()
	names := slices.Sorted(maps.Keys(m.model.components))
	if len(names) < 2 {
		return // there is one component
	}
	req, versions := sluice.DeployRequest{}, map[string]int{}
	for _, name := range p.shuffled(names)[:2] {
		versions[name] = p.version(name)
		req.Changes = append(req.Changes, sluice.ChangeRequest{Component: name, Version: number(versions[name])})
	}
	if p.oneIn(4) {
		n := e.latest() - int64(p.IntN(2))
		req.ExpectedRelease = &n
	}
	m.send(p, e, req, func(c *change) error {
		if req.ExpectedRelease != nil && *req.ExpectedRelease != e.latest() {
			return refuse(sluice.Conflict, "another release")
		}
		for _, ch := range req.Changes {
			if err := c.deploy(e, ch.Component, versions[ch.Component]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m *machine) split(p picked) {
	e, component := p.place(), p.part()
	known := m.model.components[component]
	if len(known.digests) < 2 {
		return // there is one version
	}
	first := p.version(component)
	second := first%len(known.digests) + 1
	weight := oneOf(p, []sluice.Weight{1, 500, 5000, 9999})
	shares := []sluice.Share{{Pin: known.pin(first), Weight: weight}, {Pin: known.pin(second), Weight: sluice.Whole - weight}}
	ch := sluice.ChangeRequest{Component: component, Split: []sluice.ShareRequest{
		{Version: number(first), Weight: weight}, {Version: number(second), Weight: sluice.Whole - weight},
	}}
	m.sendOne(p, e, ch, func(c *change, e *place) error { return c.split(e, component, shares) })
}

func (m *machine) unset(p picked) {
	e, component := p.place(), p.part()
	m.sendOne(p, e, sluice.ChangeRequest{Component: component, Unset: true}, func(c *change, e *place) error { return c.unset(e, component) })
}

func (m *machine) hide(p picked) {
	e, component := p.place(), p.part()
	m.sendOne(p, e, sluice.ChangeRequest{Component: component, Hide: true}, func(c *change, e *place) error { return c.hide(e, component) })
}

// importPast deploys at a time of before the model's first day.
func (m *machine) importPast(p picked) {
	e, component := p.place(), p.part()
	version := p.version(component)
	at := m.model.clock - sluice.Time((1+p.Int64N(48))*3_600_000_000)
	req := sluice.DeployRequest{At: at, Changes: []sluice.ChangeRequest{{Component: component, Version: number(version)}}}
	m.send(p, e, req, func(c *change) error {
		if err := c.deploy(e, component, version); err != nil {
			return err
		}
		if c.effects(e) > 0 && len(c.changes(e)) > 0 && !e.lived && at < e.after(e.latest()).at {
			return refuse(sluice.Conflict, "time cannot go back")
		}
		return nil
	})
}

func (m *machine) promote(p picked) {
	e, source := p.place(), p.place()
	ref, n := p.point(source)
	if source == e {
		return // an environment is not promoted to itself
	}
	names, only := p.only()
	c := m.model.change(p.actor)
	from := source.after(n)
	config, missing := p.withConfig(from)
	want := func() error {
		if len(e.sources) > 0 && !slices.Contains(e.sources, source.name) {
			return refuse(sluice.Refused, "not one of its sources")
		}
		if missing != nil {
			return missing
		}
		for _, name := range names {
			if !from.of(name).value.Live() {
				return refuse(sluice.NotFound, "not live there")
			}
		}
		if err := c.promote(e, from, only); err != nil {
			return err
		}
		for _, name := range config {
			if err := c.copyVariable(e, "var/"+name, from.of("var/"+name)); err != nil {
				return err
			}
		}
		return nil
	}()
	req := sluice.PromoteRequest{Environment: e.name, From: ref, Components: names, WithConfig: config, Change: p.change()}
	m.twice(p, func() (sluice.Outcome, error) { return m.Promote(as(p.actor), req) }, func(out sluice.Outcome, err error) {
		m.outcome(p, c, e, sluice.ActionPromote, 0, out, err, want)
	})
}

func (m *machine) restore(p picked) {
	e, source := p.place(), p.place()
	if e == source && e.latest() == 0 {
		return // there is nothing to restore
	}
	ref, n := p.point(source)
	if e == source && n == e.latest() {
		ref, n = source.name+"#0", 0 // the present of itself is refused
	}
	names, only := p.only()
	c := m.model.change(p.actor)
	c.secrets = p.secrets()
	want := c.restore(e, source.after(n), only)
	req := sluice.RestoreRequest{Environment: e.name, From: ref, AllowEmpty: true, Components: names, Secrets: c.secrets, Change: p.change()}
	m.twice(p, func() (sluice.Outcome, error) { return m.Restore(as(p.actor), req) }, func(out sluice.Outcome, err error) {
		m.outcome(p, c, e, sluice.ActionRestore, 0, out, err, want)
	})
}

func (m *machine) rollback(p picked, e *place, req sluice.RollbackRequest, model func(*change) error) {
	req.Environment, req.Change = e.name, p.change()
	req.Quarantine = p.oneIn(10)
	c := m.model.change(p.actor)
	c.secrets = p.secrets()
	req.Secrets = c.secrets
	if len(req.Components) > 0 && p.oneIn(2) {
		req.WithConfig, c.withConfig = true, true
	}
	want := model(c)
	m.twice(p, func() (sluice.Outcome, error) { return m.Rollback(as(p.actor), req) }, func(out sluice.Outcome, err error) {
		m.outcome(p, c, e, sluice.ActionRollback, 0, out, err, want)
		if want == nil && req.Quarantine && !p.dry && out.Release != nil {
			for _, ch := range out.Release.Changes {
				if ch.Slot.Component() == "" {
					continue
				}
				m.model.components[ch.Slot.Component()].bar(ch)
			}
		}
	})
}

// bar quarantines what a change took away and did not bring.
func (p *part) bar(ch sluice.SlotChange) {
	for _, gone := range ch.From.Pins() {
		if !slices.ContainsFunc(ch.To.Pins(), func(stays sluice.Pin) bool { return stays.Digest == gone.Digest }) {
			p.quarantined[gone.Digest] = true
		}
	}
}

func (m *machine) back(p picked) {
	e, component := p.place(), p.part()
	req := sluice.RollbackRequest{Components: []string{component}, Further: p.oneIn(2), Expect: p.expected(e, component)}
	m.rollback(p, e, req, func(c *change) error {
		if err := c.expect(e, component, req.Expect); err != nil {
			return err
		}
		return c.back(e, component, req.Further)
	})
}

func (m *machine) backTo(p picked) {
	e, component := p.place(), p.part()
	version := p.version(component)
	req := sluice.RollbackRequest{Components: []string{component}, To: number(version)}
	m.rollback(p, e, req, func(c *change) error { return c.backTo(e, component, version) })
}

func (m *machine) backAt(p picked) {
	e := p.place()
	ref, n := p.point(e)
	names, only := p.only()
	req := sluice.RollbackRequest{AllowEmpty: true, Components: names, To: ref}
	m.rollback(p, e, req, func(c *change) error { return c.backAt(e, n, names, only) })
}

func (m *machine) revert(p picked) {
	e := p.place()
	n := p.release(e)
	if n == 0 {
		return // there is no release
	}
	m.rollback(p, e, sluice.RollbackRequest{Release: n}, func(c *change) error { return c.revert(e, n) })
}

func (m *machine) quarantine(p picked) {
	component := p.part()
	version := p.version(component)
	known := m.model.components[component]
	digest, lift := known.digests[version-1], p.oneIn(2)
	report, err := m.Quarantine(as(p.actor), sluice.QuarantineRequest{
		Component: component, Version: number(version), Lift: lift, Change: sluice.Change{Reason: "because", DryRun: p.dry},
	})
	m.want(p.T, err, "")
	if report.Changed != (known.quarantined[digest] == lift) {
		p.Fatalf("quarantine changed: %t", report.Changed)
	}
	if !p.dry {
		known.quarantined[digest] = !lift
	}
}

// moveClock goes on, or steps back as clocks do.
func (m *machine) moveClock(p picked) {
	seconds := oneOf(p, []int64{61, 420, 86_400, -3600})
	m.model.clock += sluice.Time(seconds * 1_000_000)
}
