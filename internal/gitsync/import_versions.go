package gitsync

import (
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// onShelf is what there is of one component, here or in the import.
type onShelf struct {
	name    string // as it is here, or as the history has it first
	kind    string // "" when it is not here
	latest  int
	content map[sluice.Digest][]*entry // in their order
	labels  map[sluice.Label]*entry
}

// entry is one version. Its number is 0 until it is recorded.
type entry struct {
	sluice.Pin
	component string
	commit    sluice.Commit
	at        sluice.Time
	gone      bool // it could not be recorded
	counted   bool // as made, or as known
}

// pending is a version that waits to be recorded with others.
type pending struct {
	entry  *entry
	record sluice.VersionRecord
	from   Skipped // what it is of, should it be refused
}

// component is what there is of a component.
func (im *importer) component(name string) (*onShelf, error) {
	key := sluice.FoldName(name)
	if s := im.shelf[key]; s != nil {
		return s, nil
	}
	s := &onShelf{name: name, content: map[sluice.Digest][]*entry{}, labels: map[sluice.Label]*entry{}}
	c, err := im.b.services.Component(im.ctx, name)
	if err != nil && sluice.CodeOf(err) != sluice.NotFound {
		return nil, err
	}
	if err == nil {
		s.name, s.kind, s.latest = c.Name, c.Kind, c.Latest
		for _, v := range slices.Backward(c.Versions) {
			s.put(&entry{Pin: v.Pin(), component: c.Name, commit: v.Commit, at: v.At})
		}
	}
	im.shelf[key] = s
	return s, nil
}

func (s *onShelf) put(e *entry) {
	s.content[e.Digest] = append(s.content[e.Digest], e)
	if e.Label != "" {
		s.labels[e.Label] = e
	}
}

// holding is the version that content is of, or nil: of several that hold it the
// one of the same commit, else the last that there was at the time, else the first.
func (s *onShelf) holding(digest sluice.Digest, commit sluice.Commit, at sluice.Time) *entry {
	var best *entry
	for _, e := range s.content[digest] {
		switch {
		case e.gone:
		case e.commit == commit && commit != "":
			return e
		case best == nil || e.at <= at:
			best = e
		}
	}
	return best
}

// add has a version recorded, unless it is known. It returns nil when it cannot be
// one, which is told.
func (im *importer) add(r sluice.VersionRecord, from Skipped) (*entry, error) {
	s, err := im.component(r.Component)
	if err != nil {
		return nil, err
	}
	r.Component, from.Component = s.name, s.name
	_, digest, err := sluice.CheckFiles(r.Files)
	if err == nil && s.kind == "" {
		err = sluice.CheckKind(r.Kind)
	}
	if err != nil {
		im.skip(from, err)
		return nil, nil
	}
	known := s.holding(digest, r.Commit, r.At)
	if r.Label != "" {
		if known = s.labels[sluice.Label(r.Label)]; known != nil && known.gone {
			known = nil
		}
	}
	if known != nil && known.Digest != digest {
		im.skip(from, sluice.Errorf(sluice.Conflict, "%s@%s has other content here (%s) than there (%s)", s.name, r.Label, known.Digest.Short(), digest.Short()))
		return nil, nil
	}
	if known != nil {
		im.know(known)
		return known, nil
	}
	e := &entry{Pin: sluice.Pin{Label: sluice.Label(r.Label), Digest: digest}, component: s.name, commit: r.Commit, at: r.At, counted: true}
	s.put(e)
	s.kind = firstWord(s.kind, r.Kind)
	return e, im.wait(pending{e, r, from})
}

// know counts a version that was here before.
func (im *importer) know(e *entry) {
	if !e.counted {
		e.counted = true
		im.out.Known.Versions++
	}
}

// wait puts a version to those that are recorded together.
func (im *importer) wait(p pending) error {
	if im.o.DryRun {
		s := im.shelf[sluice.FoldName(p.entry.component)]
		s.latest++
		p.entry.Version = s.latest
		im.made(sluice.Version{
			Component: s.name, Number: s.latest, Label: p.entry.Label, Note: p.record.Note, Digest: p.entry.Digest,
			Commit: p.record.Commit, Author: p.record.Author, At: p.record.At,
		})
		return nil
	}
	im.batch = append(im.batch, p)
	im.size += sizeOf(sluice.Record{Version: &p.record})
	if len(im.batch) >= recordsAtOnce || im.size >= bytesAtOnce {
		return im.flush()
	}
	return nil
}

// made counts a version.
func (im *importer) made(v sluice.Version) {
	im.out.Versions = append(im.out.Versions, v)
	im.out.Components = append(im.out.Components, v.Component)
	if !im.wrote[v.Author] {
		im.wrote[v.Author] = true
		im.out.Authors = append(im.out.Authors, v.Author)
	}
}

// flush records the versions that wait. When one of them is refused, all are sent
// one by one, so that the others are not held up by it.
func (im *importer) flush() error {
	batch := im.batch
	im.batch, im.size = nil, 0
	if len(batch) == 0 {
		return nil
	}
	records := make([]sluice.Record, len(batch))
	for i := range batch {
		records[i].Version = &batch[i].record
	}
	done, err := im.record(records)
	if err != nil && !refuse(err) {
		return err
	}
	for i, p := range batch {
		if i < len(done) {
			im.recorded(p, done[i])
			continue
		}
		one, err := im.record(records[i : i+1])
		if refuse(err) {
			p.entry.gone = true
			im.skip(p.from, alone(err))
			continue
		}
		if err != nil {
			return err
		}
		im.recorded(p, one[0])
	}
	if im.o.Progress != nil {
		im.o.Progress(len(im.out.Versions), len(im.out.Releases))
	}
	return nil
}

// alone is the error about a record that was sent alone, which need not say which.
func alone(err error) error {
	e := sluice.AsError(err)
	out := sluice.Errorf(e.Code, "%s", strings.TrimPrefix(e.Message, "record 1: "))
	out.Fixes = e.Fixes
	return out
}

func (im *importer) recorded(p pending, done sluice.Recorded) {
	p.entry.Pin = done.Version.Pin()
	if done.Created {
		im.made(*done.Version)
	} else {
		im.out.Known.Versions++
	}
}

func firstWord(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
