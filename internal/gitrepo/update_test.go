package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// twoCommits returns a repository with refs/x/a and refs/x/b at the first of two
// commits.
func twoCommits(t testing.TB, options ...string) (r *Repo, first, second OID) {
	t.Helper()
	r = initRepo(t, options...)
	first, second = commitIn(t, r.Top), commitIn(t, r.Top)
	git(t, r.Top, "update-ref", "refs/x/a", string(first))
	git(t, r.Top, "update-ref", "refs/x/b", string(first))
	return r, first, second
}

// at returns where the refs below refs/x are.
func at(t testing.TB, r *Repo) map[string]OID {
	t.Helper()
	refs, err := r.Refs(t.Context(), "refs/x")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]OID{}
	for _, ref := range refs {
		ids[strings.TrimPrefix(ref.Name, "refs/x/")] = ref.ID
	}
	return ids
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		for _, packed := range []bool{false, true} {
			t.Run(fmt.Sprint(name, packed), func(t *testing.T) {
				t.Parallel()
				r, first, second := twoCommits(t, format)
				if packed {
					git(t, r.Top, "pack-refs", "--all")
				}
				before := r.Started()
				err := r.Update(t.Context(), []Update{
					{Ref: "refs/x/a", New: second, Old: first},
					{Ref: "refs/x/b", Old: first},
					{Ref: "refs/x/c", New: second},
					{Ref: "refs/x/d", New: first, Any: true},
					{Ref: "refs/x/never", Any: true},
					{Ref: "refs/x/absent"},
				})
				if err != nil || r.Started()-before != 1 {
					t.Fatalf("got %v with %d processes, want one", err, r.Started()-before)
				}
				if got, want := at(t, r), (map[string]OID{"a": second, "c": second, "d": first}); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("got %v, want %v", got, want)
				}
				if err := r.Update(t.Context(), []Update{{Ref: "refs/x/a", New: first, Any: true}, {Ref: "refs/x/c", Any: true}}); err != nil {
					t.Fatal(err)
				}
				if got, want := at(t, r), (map[string]OID{"a": first, "d": first}); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("got %v, want %v", got, want)
				}
				if err := r.Update(t.Context(), nil); err != nil {
					t.Errorf("no update at all: %v", err)
				}
			})
		}
	}
}

func TestUpdateChangesAllOrNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		wrong func(first, second OID) Update
		code  sluice.Code
		moved string
		want  string
	}{
		{"it is elsewhere", func(_, second OID) Update { return Update{Ref: "refs/x/b", New: second, Old: second} }, sluice.Conflict, "refs/x/b", "changed by somebody else"},
		{"it exists", func(_, second OID) Update { return Update{Ref: "refs/x/b", New: second} }, sluice.Conflict, "refs/x/b", "changed by somebody else"},
		{"it is gone", func(first, second OID) Update { return Update{Ref: "refs/x/c", New: second, Old: first} }, sluice.Conflict, "refs/x/c", "changed by somebody else"},
		{"it is gone and to go", func(first, _ OID) Update { return Update{Ref: "refs/x/c", Old: first} }, sluice.Conflict, "refs/x/c", "changed by somebody else"},
		{"it is elsewhere and to go", func(_, second OID) Update { return Update{Ref: "refs/x/b", Old: second} }, sluice.Conflict, "refs/x/b", "changed by somebody else"},
		{"it is there and must not be", func(OID, OID) Update { return Update{Ref: "refs/x/b"} }, sluice.Conflict, "refs/x/b", "changed by somebody else"},
		{"a directory is in the way", func(first, _ OID) Update { return Update{Ref: "refs/x/b/c", New: first} }, sluice.Conflict, "", "cannot both be refs"},
		{"a directory of the same", func(first, _ OID) Update { return Update{Ref: "refs/x/a/c", New: first} }, sluice.Conflict, "", "cannot both be refs"},
		{"twice", func(first, second OID) Update { return Update{Ref: "refs/x/a", New: second, Old: first} }, sluice.Invalid, "", "twice at once"},
		{"no name", func(first, _ OID) Update { return Update{Ref: "refs/x/c\x00delete refs/x/a\x00", New: first} }, sluice.Invalid, "", "cannot be the name"},
		{"outside of refs", func(first, _ OID) Update { return Update{Ref: "HEAD", New: first} }, sluice.Invalid, "", "cannot be the name"},
		{"no id", func(OID, OID) Update { return Update{Ref: "refs/x/c", New: "main"} }, sluice.Invalid, "", "is not the id of an object"},
		{"an id of another format", func(first, _ OID) Update {
			return Update{Ref: "refs/x/b", New: first, Old: OID(strings.Repeat("1", 64))}
		}, sluice.Invalid, "", "is not the id of an object"},
		{"an object that is not there", func(OID, OID) Update { return Update{Ref: "refs/x/c", New: OID(strings.Repeat("1", 40))} }, sluice.Unavailable, "", "nonexistent object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, first, second := twoCommits(t)
			before := at(t, r)
			err := r.Update(t.Context(), []Update{{Ref: "refs/x/a", New: second, Old: first}, test.wrong(first, second)})
			if sluice.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %s: %v, want %s: … %q", sluice.CodeOf(err), err, test.code, test.want)
			}
			var moved *Moved
			if errors.As(err, &moved) != (test.moved != "") || moved != nil && moved.Ref != test.moved {
				t.Errorf("moved: got %+v, want %q", moved, test.moved)
			}
			if got := at(t, r); fmt.Sprint(got) != fmt.Sprint(before) {
				t.Errorf("something changed: got %v, want %v", got, before)
			}
		})
	}
}

func TestUpdateHearsHooks(t *testing.T) {
	t.Parallel()
	r, first, second := twoCommits(t)
	hook := filepath.Join(r.Common, "hooks", "reference-transaction")
	if err := os.MkdirAll(filepath.Dir(hook), 0o700); err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]string{"no deploys on Fridays": "declined the change: no deploys on Fridays", "": "declined the change: it does not say why"} {
		script := "#!/bin/sh\n[ $1 = prepared ] || exit 0\necho '" + said + "' >&2\nexit 1\n"
		if err := os.WriteFile(hook, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		err := r.Update(t.Context(), []Update{{Ref: "refs/x/a", New: second, Old: first}})
		if sluice.CodeOf(err) != sluice.Refused || !strings.Contains(err.Error(), want) {
			t.Errorf("got %s: %v, want %s: … %q", sluice.CodeOf(err), err, sluice.Refused, want)
		}
	}
}

func TestUpdateWaitsForLocks(t *testing.T) {
	t.Parallel()
	for _, lock := range []string{"refs/x/a.lock", "packed-refs.lock"} {
		r, first, second := twoCommits(t)
		r.patience = time.Minute
		path := filepath.Join(r.Common, lock)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		before := r.Started()
		go func() {
			done <- r.Update(t.Context(), []Update{{Ref: "refs/x/a", New: second, Old: first}, {Ref: "refs/x/b", Old: first}})
		}()
		for r.Started() < before+2 { // it has failed once
			runtime.Gosched()
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("%s was given back: got %v", lock, err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		updates := []Update{{Ref: "refs/x/a", Old: second}}
		r.patience = 0
		err := r.Update(t.Context(), updates)
		if sluice.CodeOf(err) != sluice.Unavailable || !strings.Contains(err.Error(), "holds "+path) || len(sluice.AsError(err).Fixes) == 0 {
			t.Errorf("%s was kept: got %v, want unavailable with a fix", lock, err)
		}
		r.patience = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if err := r.Update(ctx, updates); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s and a deadline: got %v, want %v", lock, err, context.DeadlineExceeded)
		}
		cancel()
	}
}

// TestUpdateRaces has many try the same step: one of them makes it, and the
// others hear that it was made.
func TestUpdateRaces(t *testing.T) {
	t.Parallel()
	r, first, second := twoCommits(t)
	r.patience = time.Minute
	results := make(chan error, 8)
	var all sync.WaitGroup
	for range cap(results) {
		all.Go(func() {
			results <- r.Update(t.Context(), []Update{{Ref: "refs/x/a", New: second, Old: first}, {Ref: "refs/x/new", New: first}})
		})
	}
	all.Wait()
	close(results)
	made := 0
	for err := range results {
		var moved *Moved
		switch {
		case err == nil:
			made++
		case !errors.As(err, &moved):
			t.Errorf("got %v, want nothing or that a ref moved", err)
		}
	}
	if made != 1 {
		t.Errorf("%d made the step, want one", made)
	}
}

// TestUpdateInOddPlaces moves refs from linked work trees, submodules and bare
// repositories.
func TestUpdateInOddPlaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	main, first, second := twoCommits(t)
	git(t, main.Top, "worktree", "add", "--quiet", filepath.Join(dir, "linked"))
	git(t, dir, "clone", "--quiet", "--bare", main.Top, "bare.git")
	super := initRepo(t)
	git(t, super.Top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", main.Top, "sub")
	for _, r := range []*Repo{opened(t, filepath.Join(dir, "linked")), opened(t, filepath.Join(dir, "bare.git")), opened(t, filepath.Join(super.Top, "sub"))} {
		id, err := r.PutTree(putBlobs(t, r, "components/prompts/bot.md"))
		if err != nil {
			t.Fatal(err)
		}
		commit := putCommit(t, r, Commit{Tree: id, Parents: []OID{first, second}, Author: alice, Committer: alice, Message: "m\n"})
		if err := r.Update(t.Context(), []Update{{Ref: "refs/sluice/environments/prod", New: commit}}); err != nil {
			t.Errorf("%s: %v", r.at, err)
		}
		if left := r.unsettled.take(); len(left) > 0 {
			t.Errorf("%s: a ref points at what may not be on disk: %q", r.at, left)
		}
		refs, err := r.Refs(t.Context(), "refs/sluice")
		if err != nil || len(refs) != 1 || refs[0].ID != commit {
			t.Errorf("%s: got %v and %v, want one ref to %s", r.at, refs, err, commit)
		}
		rd := r.Reader(t.Context())
		files, err := rd.Files(commit, "components")
		if err != nil || len(files) != 1 {
			t.Errorf("%s: got %v and %v, want one file", r.at, files, err)
		}
		_ = rd.Close()
	}
	if refs, err := main.Refs(t.Context(), "refs/sluice"); err != nil || len(refs) != 1 {
		t.Errorf("what a linked work tree does is there in the main one: got %v and %v", refs, err)
	}
}
