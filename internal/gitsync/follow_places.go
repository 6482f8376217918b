package gitsync

import (
	"maps"
	"slices"
	"sync"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// Places are where components are in a repository, as the tags of their versions and
// the manifests of releases have it: for a server, which has no work tree with a
// sluice.yaml. The zero Places knows none. It is safe for concurrent use.
type Places struct {
	mu     sync.Mutex
	at     map[string]place
	looked map[string]gitrepo.OID // refs that were read, and what they were
}

// place is where a version was, or what is live.
type place struct {
	path, kind string
	tagged     bool // a tag says so, which counts for more than what is live
	label      sluice.Label
}

// set notes a place, unless a higher version was elsewhere.
func (p *Places) set(component string, at place) {
	key := sluice.FoldName(component)
	if was := p.at[key]; was.tagged && (!at.tagged || at.label.Compare(was.label) < 0) {
		return
	}
	p.at[key] = at
}

// Of is where a component is, and what it is; empty when that is not known.
func (p *Places) Of(component string) (path, kind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.at[sluice.FoldName(component)]
	return at.path, at.kind
}

// learn reads the refs that have changed.
func (p *Places) learn(s *syncer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at, p.looked = map[string]place{}, map[string]gitrepo.OID{}
	}
	for _, ref := range slices.Sorted(maps.Keys(s.refs.remote)) {
		there := s.refs.remote[ref]
		if p.looked[ref] == there.ID {
			continue
		}
		_, environment := ParseEnvironmentRef(ref)
		if err := p.read(s, there, environment); err != nil && !refuse(err) { // what is broken says nothing
			return err
		}
		p.looked[ref] = there.ID
	}
	return nil
}

func (p *Places) read(s *syncer, ref gitrepo.Ref, environment bool) error {
	if environment {
		text, err := readManifest(s.reader, ref.ID)
		if err != nil {
			return err
		}
		m, err := ParseManifest(text)
		if err != nil {
			return err
		}
		for _, line := range m.Slots {
			if name := line.Slot.Component(); name != "" && line.Path != "" {
				p.set(name, place{path: line.Path, kind: line.Kind})
			}
		}
		return nil
	}
	tag, isVersion := ParseTagName(ref.Name)
	if _, number := ParseVersionRef(ref.Name); ref.Kind != "tag" || !number && (!isVersion || tag.Label == "") {
		return nil
	}
	o, found, err := s.reader.Object(string(ref.ID))
	if err != nil || !found {
		return err
	}
	t, err := gitrepo.ParseTag(ref.ID, o.Bytes)
	if err != nil {
		return err
	}
	v, err := ParseVersionMessage(t.Message)
	if err == nil && !v.ByHand() {
		p.set(v.Component, place{v.Path, v.Kind, true, v.Label})
	}
	return err
}
