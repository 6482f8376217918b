package gitsync

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// Status is how this installation, the repository and what the remote had at the
// last look stand to each other.
type Status struct {
	Remote       string         `json:"remote,omitempty"`
	Unwritten    int64          `json:"unwritten,omitempty"` // ledger entries that are not in the repository yet
	Environments []BranchStatus `json:"environments"`
	Unsent       []string       `json:"unsent,omitempty"` // refs besides those of environments that the remote lacks
	Problems     []RefProblem   `json:"problems,omitempty"`
}

// BranchStatus is how the history of one environment stands.
type BranchStatus struct {
	Environment string `json:"environment"`       // as it is shown
	Release     string `json:"release,omitempty"` // the last one here
	Commit      string `json:"commit,omitempty"`
	Ahead       int    `json:"ahead,omitempty"`  // releases that the remote lacks
	Behind      int    `json:"behind,omitempty"` // releases of the remote that are not here
}

// RefProblem is a ref that is not as it should be.
type RefProblem struct {
	Ref     string `json:"ref"`
	Problem string `json:"problem"`
	Fix     string `json:"fix"`
}

// Status looks at what is here, and asks no remote.
func (b *Bridge) Status(ctx context.Context) (Status, error) {
	s := &syncer{b: b, ctx: ctx, reader: b.repo.Reader(ctx), manifests: map[gitrepo.OID][]byte{}}
	defer s.reader.Close()
	out := Status{Remote: b.cfg.Remote.String(), Environments: []BranchStatus{}}
	if err := s.installation(); err != nil {
		return out, err
	}
	info, err := b.services.Info(ctx)
	if err != nil {
		return out, err
	}
	at, err := b.loadCursor(s.ledger)
	if err != nil {
		return out, err
	}
	out.Unwritten = info.Epoch - at.Epoch
	if s.refs, err = b.look(ctx); err != nil {
		return out, err
	}
	if out.Environments, err = s.branches(); err != nil {
		return out, err
	}
	if b.cfg.Remote != "" {
		list, kept := outgoing(s.refs)
		tags, err := b.outgoingTags(ctx, s.refs)
		if err != nil && sluice.CodeOf(err) != sluice.Conflict { // a sync tells of what others released
			return out, err
		}
		for _, p := range append(list, tags...) {
			if _, is := ParseEnvironmentRef(p.Ref); !is {
				out.Unsent = append(out.Unsent, p.Ref)
			}
		}
		for _, ref := range kept {
			out.Problems = append(out.Problems, s.otherThere(ref))
		}
		slices.Sort(out.Unsent)
	}
	problems, err := s.problems()
	out.Problems = append(out.Problems, problems...)
	return out, err
}

// otherThere is about the tag of a version that the remote has too, but another one.
func (s *syncer) otherThere(ref string) RefProblem {
	if !s.refusedAs(ref, s.refs.remote[ref].ID) && s.refs.local[ref].Peeled == s.refs.remote[ref].Peeled {
		return RefProblem{ref, s.b.cfg.Remote.String() + " has another tag for the same version", "`sluice git sync` takes that one"}
	}
	return RefProblem{
		ref, "it has other content at " + s.b.cfg.Remote.String(),
		"publish what is here under another label, then `git tag -d " + shortTag(ref) + "` and `sluice git sync`",
	}
}

// branches compares the history of each environment with what the remote had.
func (s *syncer) branches() ([]BranchStatus, error) {
	names := map[string]bool{}
	for ref := range s.refs.local {
		names[ref] = true
	}
	for ref := range s.refs.remote {
		names[ref] = true
	}
	out := []BranchStatus{}
	for _, ref := range slices.Sorted(maps.Keys(names)) {
		display, ok := ParseEnvironmentRef(ref)
		if !ok {
			continue
		}
		mine, theirs := s.refs.local[ref].ID, s.refs.remote[ref].ID
		at := BranchStatus{Environment: display, Commit: string(mine)}
		if e, known := s.known[display]; known && e.Release > 0 {
			at.Release = sluice.Release{Environment: e.Name, Number: e.Release}.Ref()
		}
		var err error
		if at.Ahead, at.Behind, err = s.distance(mine, theirs); err != nil {
			return nil, err
		}
		out = append(out, at)
	}
	return out, nil
}

// distance is how many commits each of two histories has that the other lacks.
func (s *syncer) distance(mine, theirs gitrepo.OID) (ahead, behind int, err error) {
	if mine == theirs || s.b.cfg.Remote == "" {
		return 0, 0, nil
	}
	var a, b []gitrepo.OID
	if mine != "" {
		if a, err = s.b.repo.Chain(s.ctx, "", mine); err != nil {
			return 0, 0, err
		}
	}
	if theirs != "" {
		if b, err = s.b.repo.Chain(s.ctx, "", theirs); err != nil {
			return 0, 0, err
		}
	}
	shared := 0
	for shared < min(len(a), len(b)) && a[shared] == b[shared] {
		shared++
	}
	return len(a) - shared, len(b) - shared, nil
}

// problems are tags that are not where the releases put them.
func (s *syncer) problems() ([]RefProblem, error) {
	var out []RefProblem
	told := map[string]bool{}
	for _, display := range slices.Sorted(maps.Keys(s.known)) {
		at, found, err := s.b.loadBranch(s.ledger, s.known[display].Name)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		for _, component := range slices.Sorted(maps.Keys(at.Tags)) {
			ref := EnvironmentTag(component, at.Display)
			is := s.refs.local[ref].ID
			switch {
			case is == at.Tags[component]:
			case is == "":
				out = append(out, RefProblem{ref, "the tag is missing", "`sluice git sync` puts it back"})
			case s.seen["kept:"+ref] == is:
				out = append(out, RefProblem{ref, "it was moved by hand, and that was refused", "put it back: `git tag -d " + shortTag(ref) + "`, then `sluice git sync`"})
			default:
				out = append(out, RefProblem{ref, "it was moved by hand", "`sluice git sync` takes it in"})
			}
			told[ref] = true
		}
	}
	for _, m := range s.missing() {
		out = append(out, RefProblem{m.Ref, "the tag is missing", "`sluice git sync` puts it back"})
	}
	return append(out, s.leftOut(told)...), nil
}

// leftOut are refs that were not taken in, besides those that were told of.
func (s *syncer) leftOut(told map[string]bool) (out []RefProblem) {
	for _, key := range slices.Sorted(maps.Keys(s.seen)) {
		ref, refused := strings.CutPrefix(key, "refused:")
		if !refused {
			ref, refused = strings.CutPrefix(key, "kept:")
		}
		if id := s.seen[key]; !refused || told[ref] || id == "" {
			continue
		} else if id == s.refs.local[ref].ID {
			out = append(out, RefProblem{ref, "it was not taken in", "`sluice git sync` says why"})
		} else if id == s.refs.remote[ref].ID {
			out = append(out, RefProblem{ref, "it was not taken in from " + s.b.cfg.Remote.String(), "`sluice git sync` says why"})
		}
	}
	return out
}
