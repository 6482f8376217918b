package gitsync

import (
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// promotions asks the policy about what a release brings in by itself. What an
// environment inherits was asked about where it was released.
// Before is the release before it.
func (h *hook) promotions(display string, before gitrepo.OID, head ReleaseHead, changes []LineChange) error {
	switch head.Action {
	case sluice.ActionInherited, sluice.ActionReparent, sluice.ActionCreate:
		return nil
	}
	for _, c := range changes {
		name := c.Slot.Component()
		if name == "" || c.To == nil || !c.To.Value.Live() || c.To.Origin != "" || c.From != nil && c.From.Value.Equal(c.To.Value) {
			continue
		}
		for _, pin := range c.To.Value.Pins() {
			if err := h.mayGo(display, before, name, pin.Digest, pin.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayGo asks whether content may go live in an environment: it was live in one that
// it promotes from, or there itself before, or the environment lets everything in.
// Before is the last release there.
func (h *hook) mayGo(display string, before gitrepo.OID, component string, digest sluice.Digest, version string) error {
	from := h.promotesFrom(display)
	if len(from) == 0 {
		return nil
	}
	shown := make([]string, 0, len(from))
	for _, e := range from {
		was, err := h.wasLive(e, component, digest)
		if err != nil || was {
			return err
		}
		shown = append(shown, e.Name)
	}
	was, err := h.inHistory(before, component, digest)
	if err != nil || was {
		return err
	}
	return sluice.Errorf(sluice.Refused, "%s %s was never live in %s, which %s promotes from", component, version, strings.Join(shown, " or "), h.find(display).Name).
		Do(sluice.DeployVersion(component, version, shown[0]), "release it there first")
}

// find is an environment by its name or alias.
func (h *hook) find(word string) HookEnvironment {
	for _, e := range h.environments() {
		if e.is(word) {
			return e
		}
	}
	return HookEnvironment{Name: word}
}

// promotesFrom are the environments that one promotes from, as the sluice.yaml of the
// default branch has it.
func (h *hook) promotesFrom(display string) (out []HookEnvironment) {
	for _, name := range h.find(display).PromotesFrom {
		out = append(out, h.find(name))
	}
	return out
}

// wasLive reports whether content was ever live in an environment: by its history,
// also as this push leaves it; where it has none, by its tag.
func (h *hook) wasLive(e HookEnvironment, component string, digest sluice.Digest) (bool, error) {
	found := false
	for _, display := range []string{e.Alias, e.Name} {
		ref := EnvironmentRef(display)
		for _, tip := range []gitrepo.OID{h.refs[ref].ID, h.pushed[ref].New} {
			if tip == "" {
				continue
			}
			found = true
			if all, err := h.everLive(tip, component); err != nil || all[digest] {
				return err == nil, err
			}
		}
	}
	if found {
		return false, nil
	}
	for _, display := range []string{e.Alias, e.Name} {
		r, there := h.refs[EnvironmentTag(component, display)]
		if display == "" || !there {
			continue
		}
		is, err := h.digestAt(r.Peeled, component)
		if err == nil && is == digest {
			return true, nil
		}
		if err != nil && !refuse(err) {
			return false, err
		}
	}
	return false, nil
}

// everLive is all that a history ever had live of a component, looked up once.
func (h *hook) everLive(tip gitrepo.OID, component string) (map[sluice.Digest]bool, error) {
	key := string(tip) + " " + sluice.FoldName(component)
	all, known := h.live[key]
	if known {
		return all, nil
	}
	all = map[sluice.Digest]bool{}
	err := h.eachLive(tip, component, func(d sluice.Digest) bool {
		all[d] = true
		return true
	})
	h.live[key] = all
	return all, err
}

// inHistory reports whether a history ever had content live.
func (h *hook) inHistory(tip gitrepo.OID, component string, digest sluice.Digest) (found bool, err error) {
	err = h.eachLive(tip, component, func(d sluice.Digest) bool {
		found = found || d == digest
		return !found
	})
	return found, err
}

// eachLive goes back through the manifests of a history, until more says no.
func (h *hook) eachLive(tip gitrepo.OID, component string, more func(sluice.Digest) bool) error {
	slot := sluice.ComponentSlot(component)
	return h.back(tip, func(c gitrepo.Commit) (bool, error) {
		text, err := h.manifest(c.ID)
		if err != nil {
			return false, err
		}
		lines, err := LinesOf(text)
		if err != nil {
			return false, err
		}
		line, _, err := lines.Get(slot)
		if err != nil || !line.Value.Live() {
			return err == nil, err
		}
		for _, pin := range line.Value.Pins() {
			if !more(pin.Digest) {
				return false, nil
			}
		}
		return true, nil
	})
}

// move is about the tag of an environment: it says what the history of the
// environment says, or somebody moved it by hand and the policy lets that in.
func (h *hook) move(p PushedRef, tag TagName) error {
	line, before, err := h.stands(tag)
	if err != nil {
		return err
	}
	if p.New == "" {
		if line.Value.Live() {
			return sluice.Errorf(sluice.Refused, "%s is live in %s, and the tag says so", tag.Component, tag.Environment).
				Do(sluice.Undeploy(tag.Component, tag.Environment), "take it away with Sluice")
		}
		return nil
	}
	commit, message, err := h.tagged(p)
	if err != nil {
		return err
	}
	if line.Value.Live() && line.Commit == commit {
		return nil
	}
	m, err := ParseMoveMessage(message)
	if err != nil {
		return err
	}
	if !m.ByHand() {
		return sluice.Errorf(sluice.Refused, "the tag says that Sluice moved it, and the history of %s says otherwise", tag.Environment).
			Do(sluice.PushGit(), "push both together").Fix("to move the tag by hand, make a new one: `git tag -a -f`")
	}
	digest, err := h.digestAt(commit, tag.Component)
	if err != nil {
		return err
	}
	version := m.Version
	if version == "" {
		version = digest.Short()
	}
	return h.mayGo(tag.Environment, before, tag.Component, digest, version)
}

// stands is what the history of an environment has of a component, as the push
// leaves it, and its end; nothing where there is no history.
func (h *hook) stands(tag TagName) (line SlotLine, tip gitrepo.OID, err error) {
	e := h.find(tag.Environment)
	for _, display := range []string{tag.Environment, e.Alias, e.Name} {
		ref := EnvironmentRef(display)
		tip := h.refs[ref].ID
		if p, comes := h.pushed[ref]; comes {
			tip = p.New
		}
		if display == "" || tip == "" {
			continue
		}
		text, err := h.manifest(tip)
		if err != nil {
			return line, tip, err
		}
		lines, err := LinesOf(text)
		if err != nil {
			return line, tip, err
		}
		line, _, err = lines.Get(sluice.ComponentSlot(tag.Component))
		return line, tip, err
	}
	return line, "", nil
}
