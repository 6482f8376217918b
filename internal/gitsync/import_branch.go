package gitsync

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// branchReleases reads what the commits of a branch put live, along its first
// parents. What no version holds yet becomes one.
func (im *importer) branchReleases(t *target) error {
	order, err := im.datesAlong(t.tip)
	if err != nil {
		return err
	}
	find, err := im.componentsOf(t.tip)
	if err != nil {
		return err
	}
	w := im.newWalker(find)
	o := gitrepo.LogOptions{From: []string{string(t.tip)}, Paths: directories(find.patterns), FirstParent: true, Reverse: true}
	return im.log(o, func(e gitrepo.LogEntry) error {
		s, err := w.step(e, func(s step, t touch, files []sluice.File) error {
			_, err := im.versionOfCommit(s, t, files)
			return err
		})
		if err != nil || len(s.touched) == 0 {
			return err
		}
		who := s.Author
		if im.o.Committer {
			who = s.Committer
		}
		d := deed{of: string(s.ID), at: order[s.ID], second: dateOf(s.Committer).Std().Unix(), actor: signerOf(who), reason: firstLine(s.Message)}
		for _, touched := range s.touched {
			d.slots = append(d.slots, live{component: touched.component, digest: touched.content.digest, commit: sluice.Commit(s.ID)})
		}
		t.deeds = append(t.deeds, d)
		return nil
	})
}

// datesAlong are the times of all commits along the first parents, also of those
// that change no component: their dates too say which dates go back.
func (im *importer) datesAlong(tip gitrepo.OID) (map[gitrepo.OID]sluice.Time, error) {
	out, err := im.b.repo.Run(im.ctx, nil, "rev-list", "--first-parent", "--reverse", "--timestamp", string(tip), "--")
	if err != nil {
		return nil, err
	}
	var ids []gitrepo.OID
	var seconds []int64
	for line := range strings.Lines(string(out)) {
		date, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		second, err := strconv.ParseInt(date, 10, 64)
		if err != nil { // later than any number can say
			second = latest
		}
		ids, seconds = append(ids, gitrepo.OID(id)), append(seconds, inRange(second))
	}
	at := make(map[gitrepo.OID]sluice.Time, len(ids))
	for i, date := range datesOf(seconds, im.now) {
		at[ids[i]] = date
	}
	return at, nil
}

// pathsAtMost is how many paths of a history are looked at for components.
const pathsAtMost = 200_000

// componentsOf finds the files of components in the history of a branch: those that
// match the patterns; else as its own end, the project here and tags name them, and
// as a scan finds them among all paths that there ever were.
func (im *importer) componentsOf(tip gitrepo.OID) (*finder, error) {
	if len(im.patterns) > 0 {
		return im.matching(), nil
	}
	paths := map[string]bool{}
	err := im.log(gitrepo.LogOptions{From: []string{string(tip)}, FirstParent: true}, func(e gitrepo.LogEntry) error {
		for _, c := range e.Changes {
			if c.New != "" && len(paths) <= pathsAtMost {
				paths[c.Path] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	tree := newTreeFS(slices.Sorted(maps.Keys(paths)))
	f := &finder{files: map[string]Found{}, dirs: map[string]Found{}}
	c, err := im.commit(tip)
	if err != nil {
		return nil, err
	}
	named, err := im.newPlaces().named(c.Tree)
	if err != nil {
		return nil, err
	}
	for _, c := range slices.Concat(named, im.o.Here, im.tagged) {
		f.add(c, tree)
	}
	if im.o.Scan == nil {
		return f, nil
	}
	found, err := im.o.Scan(tree)
	if len(paths) > pathsAtMost {
		err = sluice.Errorf(sluice.LimitExceeded, "it has more than %d paths", pathsAtMost)
	}
	if sluice.CodeOf(err) == sluice.LimitExceeded {
		im.out.Notes = append(im.out.Notes, "components were not looked for in the history: "+sluice.AsError(err).Message+"; name their files: --commits 'components/prompts/*.md'")
		return f, nil
	}
	for _, c := range found {
		f.add(Found{"", c.Path, c.Kind}, tree)
	}
	return f, err
}

// tagReleases reads what the tags of an environment put live: each is one release by
// whoever made the tag, when they did.
func (im *importer) tagReleases(t *target) error {
	ids := make([]gitrepo.OID, len(t.tags))
	for i, m := range t.tags {
		ids[i] = m.ref.ID
	}
	bad, err := im.unverified(ids)
	if err != nil {
		return err
	}
	where := im.newPlaces()
	for _, m := range t.tags {
		d := deed{}
		err := bad[m.ref.ID]
		if err == nil {
			d, err = im.tagRelease(m, where)
		}
		if refuse(err) {
			im.skip(Skipped{Ref: m.ref.Name, Commit: string(m.ref.Peeled), Component: m.name.Component}, err)
			continue
		}
		if err != nil {
			return err
		}
		t.deeds = append(t.deeds, d)
	}
	slices.SortStableFunc(t.deeds, func(a, b deed) int { return cmp.Or(cmp.Compare(a.second, b.second), cmp.Compare(a.of, b.of)) })
	seconds := make([]int64, len(t.deeds))
	for i, d := range t.deeds {
		seconds[i] = d.second
	}
	for i, at := range datesOf(seconds, im.now) {
		t.deeds[i].at = at
	}
	return nil
}

// tagRelease reads one tag of an environment.
func (im *importer) tagRelease(m moved, where *places) (d deed, err error) {
	c, err := im.commit(m.ref.Peeled)
	if err != nil {
		return d, err
	}
	d = deed{of: string(m.ref.ID) + " for " + m.name.Component, actor: signerOf(c.Author), second: dateOf(c.Committer).Std().Unix()}
	said := MoveMessage{}
	if o, found, err := im.reader.Object(string(m.ref.ID)); err != nil {
		return d, err
	} else if found && o.Kind == "tag" {
		tag, err := gitrepo.ParseTag(m.ref.ID, o.Bytes)
		if err != nil {
			return d, err
		}
		if said, err = ParseMoveMessage(tag.Message); err == nil && !said.ByHand() {
			err = sluice.Errorf(sluice.Conflict, "Sluice made the tag, for %s", said.Release).Do(sluice.SyncGit(""), "take it in with its history")
		}
		if err != nil {
			return d, err
		}
		if tag.Tagger.Name+tag.Tagger.Email != "" {
			d.actor, d.second = signerOf(tag.Tagger), dateOf(tag.Tagger).Std().Unix()
		}
		d.reason = firstLine(tag.Message)
	}
	place, kind, err := where.of(m.ref.Peeled, c.Tree, m.name)
	if err != nil {
		return d, err
	}
	files, err := im.filesIn(m.ref.Peeled, c.Tree, place)
	_, digest, err := checked(files, err)
	if err != nil {
		return d, err
	}
	shelf, err := im.component(m.name.Component)
	if err != nil {
		return d, err
	}
	l := live{component: shelf.name, digest: digest, commit: sluice.Commit(m.ref.Peeled)}
	if label, err := sluice.ParseLabel(said.Version); err == nil {
		l.label = label
	}
	if d.slots = []live{l}; shelf.holding(digest, l.commit, 0) != nil {
		return d, nil
	}
	_, err = im.add(sluice.VersionRecord{
		Component: m.name.Component, Kind: kind, Note: firstLine(c.Message), Files: files, Author: signerOf(c.Author), At: dateOf(c.Author), Commit: l.commit,
	}, Skipped{Ref: m.ref.Name, Commit: string(l.commit)})
	return d, err
}
