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

type place struct{ path, kind string }

// Of is where a component is, and what it is; empty when that is not known.
func (p *Places) Of(component string) (path, kind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.at[sluice.FoldName(component)]
	return at.path, at.kind
}

// learn reads the refs that have changed: tags first, then what is live.
func (p *Places) learn(s *syncer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at, p.looked = map[string]place{}, map[string]gitrepo.OID{}
	}
	names := slices.Sorted(maps.Keys(s.refs.remote))
	for _, environments := range []bool{false, true} {
		for _, ref := range names {
			_, is := ParseEnvironmentRef(ref)
			there := s.refs.remote[ref]
			if is != environments || p.looked[ref] == there.ID {
				continue
			}
			if err := p.read(s, there, is); err != nil && !refuse(err) { // what is broken says nothing
				return err
			}
			p.looked[ref] = there.ID
		}
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
				p.at[sluice.FoldName(name)] = place{line.Path, line.Kind}
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
		p.at[sluice.FoldName(v.Component)] = place{v.Path, v.Kind}
	}
	return err
}
