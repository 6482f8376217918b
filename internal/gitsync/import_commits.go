package gitsync

import (
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// commits makes a version of what each commit did to the files that match.
func (im *importer) commits() error {
	w := im.newWalker(im.matching())
	gone := map[string]bool{}
	visit := func(e gitrepo.LogEntry) error {
		s, err := w.step(e, func(s step, t touch, files []sluice.File) error {
			known, err := im.versionOfCommit(s, t, files)
			if known != nil && known.commit != sluice.Commit(s.ID) {
				im.out.Again++
			}
			return err
		})
		for _, t := range s.touched {
			gone[t.component] = t.content == (content{})
		}
		return err
	}
	defer func() {
		for name, is := range gone {
			if is {
				im.out.Deleted = append(im.out.Deleted, name)
			}
		}
	}()
	from, err := im.tips()
	if err != nil || len(from) == 0 {
		return err
	}
	if im.o.All {
		return im.everyCommit(from, visit)
	}
	return im.log(gitrepo.LogOptions{From: from, Paths: directories(im.patterns), FirstParent: true, Reverse: true}, visit)
}

// tips are where the walk begins: HEAD, or all branches.
func (im *importer) tips() ([]string, error) {
	if !im.o.All {
		head, err := im.head()
		if err != nil || head == "" {
			return nil, err
		}
		return []string{string(head)}, nil
	}
	refs, err := im.b.repo.Refs(im.ctx, "refs/heads", "refs/remotes")
	if err != nil {
		return nil, err
	}
	var from []string
	for _, r := range refs {
		if r.Kind == "commit" && !slices.Contains(from, string(r.ID)) {
			from = append(from, string(r.ID))
		}
	}
	return from, nil
}

// head is the commit that HEAD names, or in a copy of a repository that has none
// the end of main or master. "" when nothing was committed.
func (im *importer) head() (gitrepo.OID, error) {
	for _, rev := range []string{"HEAD", "refs/heads/main", "refs/heads/master"} {
		if id, found, err := im.commitAt(rev); err != nil || found {
			return id, err
		}
	}
	refs, err := im.b.repo.Refs(im.ctx, "refs/heads")
	if err != nil || len(refs) == 0 {
		return "", err
	}
	if len(refs) > 1 {
		return "", sluice.Errorf(sluice.Invalid, "the repository has %d branches, and does not say which is its main one", len(refs)).
			Fix("walk all of them with --all, or clone it and check one out")
	}
	return refs[0].ID, nil
}

// log goes through a log.
func (im *importer) log(o gitrepo.LogOptions, visit func(gitrepo.LogEntry) error) error {
	for e, err := range im.b.repo.Log(im.ctx, o) {
		if err != nil {
			return err
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

// everyCommit goes through all commits by their dates. What a merge itself changed
// is known of those along the first parents of the tips.
func (im *importer) everyCommit(from []string, visit func(gitrepo.LogEntry) error) error {
	merges := map[gitrepo.OID][]gitrepo.PathChange{}
	err := im.log(gitrepo.LogOptions{From: from, FirstParent: true}, func(e gitrepo.LogEntry) error {
		if len(e.Parents) > 1 {
			for _, c := range e.Changes {
				if slices.ContainsFunc(im.patterns, func(p Pattern) bool { return p.Match(c.Path) }) {
					merges[e.ID] = append(merges[e.ID], c)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return im.log(gitrepo.LogOptions{From: from, ByDate: true, Reverse: true}, func(e gitrepo.LogEntry) error {
		if len(e.Parents) > 1 {
			e.Changes = merges[e.ID]
		}
		return visit(e)
	})
}

// versionOfCommit makes a version of what a commit gave a component, unless there is
// one that holds it, which it returns.
func (im *importer) versionOfCommit(s step, t touch, files []sluice.File) (known *entry, err error) {
	shelf, err := im.component(t.component)
	if err != nil {
		return nil, err
	}
	at := dateOf(s.Author)
	if known := shelf.holding(t.content.digest, sluice.Commit(s.ID), at); known != nil {
		im.know(known)
		return known, nil
	}
	if files == nil { // it was read before, and could not be recorded
		return nil, nil
	}
	if shelf.kind == "" && firstWord(t.kind, im.o.Kind) == "" {
		return nil, sluice.Errorf(sluice.Invalid, "nothing says of which kind %s is", shown(t.path)).
			Fix("say it: --kind %s", sluice.KindPrompt).Fix("or keep it in a directory such as prompts/, workflows/ or configs/")
	}
	_, err = im.add(sluice.VersionRecord{
		Component: t.component, Kind: firstWord(t.kind, im.o.Kind), Note: firstLine(s.Message), Files: files,
		Author: signerOf(s.Author), At: at, Commit: sluice.Commit(s.ID),
	}, Skipped{Commit: string(s.ID), Path: shown(t.path)})
	return nil, err
}

// matching finds the files that match the patterns. The project may name them.
func (im *importer) matching() *finder {
	f := &finder{patterns: im.patterns, files: map[string]Found{}, dirs: map[string]Found{}, kind: im.o.Kind}
	for _, c := range im.o.Here {
		f.add(c, nil)
	}
	return f
}
