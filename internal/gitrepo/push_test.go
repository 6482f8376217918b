package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
)

// remoteOf gives a repository a bare remote on disk that is called origin.
func remoteOf(t testing.TB, r *Repo) *Repo {
	t.Helper()
	bare := initRepo(t, "--bare")
	git(t, r.at, "remote", "add", "origin", bare.Dir)
	return bare
}

// commits makes n commits, each the parent of the next.
func commits(t testing.TB, r *Repo, n int) []OID {
	t.Helper()
	var ids []OID
	for range n {
		ids = append(ids, commitIn(t, r.at))
	}
	return ids
}

// refsOf returns the refs of a repository by name.
func refsOf(t testing.TB, r *Repo) map[string]OID {
	t.Helper()
	refs, err := r.Refs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]OID{}
	for _, ref := range refs {
		byName[ref.Name] = ref.ID
	}
	return byName
}

// hook writes a hook and makes it one that runs.
func hook(t testing.TB, r *Repo, name, script string) {
	t.Helper()
	dir := filepath.Join(r.Common, "hooks")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
}

const (
	prod    = "refs/tags/components/bot/prod"
	version = "refs/tags/components/bot/v1.0.0"
	chain   = "refs/sluice/environments/prod"
)

func TestPush(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	bare := remoteOf(t, r)
	c := commits(t, r, 3)
	for _, step := range []struct {
		name string
		refs []PushRef
		want map[string]OID
	}{
		{"nothing", nil, map[string]OID{}},
		{"new refs", []PushRef{{Ref: version, New: c[0]}, {Ref: prod, New: c[0]}, {Ref: chain, New: c[1]}}, map[string]OID{version: c[0], prod: c[0], chain: c[1]}},
		{"the same again, its answer having been lost", []PushRef{{Ref: version, New: c[0]}, {Ref: prod, New: c[0]}, {Ref: chain, New: c[1]}}, map[string]OID{version: c[0], prod: c[0], chain: c[1]}},
		{"forwards, and a tag too", []PushRef{{Ref: prod, New: c[2], Expected: c[0]}, {Ref: chain, New: c[2], Expected: c[1]}}, map[string]OID{version: c[0], prod: c[2], chain: c[2]}},
		{"backwards", []PushRef{{Ref: prod, New: c[0], Expected: c[2]}, {Ref: chain, New: c[0], Expected: c[2]}}, map[string]OID{version: c[0], prod: c[0], chain: c[0]}},
		{"one alone, which goes", []PushRef{{Ref: prod, Expected: c[0]}}, map[string]OID{version: c[0], chain: c[0]}},
		{"another name there", []PushRef{{Ref: prod, New: c[1], Target: "refs/heads/live"}}, map[string]OID{version: c[0], chain: c[0], "refs/heads/live": c[1]}},
	} {
		if err := r.Push(t.Context(), "origin", step.refs); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := refsOf(t, bare); fmt.Sprint(got) != fmt.Sprint(step.want) {
			t.Errorf("%s: got %v, want %v", step.name, got, step.want)
		}
	}
}

func TestPushIsRejected(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	bare := remoteOf(t, r)
	c := commits(t, r, 3)
	before := []PushRef{{Ref: version, New: c[1]}, {Ref: prod, New: c[1]}, {Ref: chain, New: c[1]}}
	if err := r.Push(t.Context(), "origin", before); err != nil {
		t.Fatal(err)
	}
	has := refsOf(t, bare)
	fresh := PushRef{Ref: "refs/tags/components/bot/v2.0.0", New: c[2]}
	for _, test := range []struct {
		name string
		refs []PushRef
		want []string
	}{
		{"a tag that is there with another value", []PushRef{fresh, {Ref: version, New: c[2]}}, []string{version}},
		{"another ref that is there, further back on the same line", []PushRef{fresh, {Ref: chain, New: c[2]}}, []string{chain}},
		{"a move from what it was before", []PushRef{fresh, {Ref: prod, New: c[2], Expected: c[0]}, {Ref: chain, New: c[2], Expected: c[1]}}, []string{prod}},
		{"moves forwards and backwards", []PushRef{{Ref: prod, New: c[2], Expected: c[0]}, {Ref: chain, New: c[0], Expected: c[2]}}, []string{prod, chain}},
		{"a deletion of what it was before", []PushRef{fresh, {Ref: prod, Expected: c[0]}}, []string{prod}},
		{"a deletion of what is gone", []PushRef{fresh, {Ref: "refs/tags/none", Expected: c[0]}}, []string{"refs/tags/none"}},
		{"a move of what is gone", []PushRef{fresh, {Ref: "refs/sluice/none", New: c[2], Expected: c[0]}}, []string{"refs/sluice/none"}},
		{"one alone", []PushRef{{Ref: prod, New: c[2], Expected: c[0]}}, []string{prod}},
		{"under another name there", []PushRef{{Ref: "refs/sluice/mine", Target: chain, New: c[2]}}, []string{"refs/sluice/mine"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, leases := range []int{manyLeases, 0} { // by name, and by what git has on record
				p := pusher{repo: r, remote: "origin", room: argumentRoom(), leases: leases, specs: leases}
				err := p.push(t.Context(), test.refs)
				var rejected *Rejected
				if !errors.As(err, &rejected) || !slices.Equal(rejected.Refs, test.want) || rejected.Reason == "" {
					t.Fatalf("push with at most %d leases: got %v (%+v), want rejected refs %q", leases, err, rejected, test.want)
				}
				e := sluice.AsError(err)
				if e.Code != sluice.Conflict || len(e.Fixes) == 0 || !strings.Contains(e.Message, "origin has moved") {
					t.Errorf("as an error for users: got %+v", e)
				}
				if got := refsOf(t, bare); fmt.Sprint(got) != fmt.Sprint(has) {
					t.Errorf("refs at the remote: got %v, want them as they were, %v", got, has)
				}
			}
		})
	}
}

func TestPushDoesNotTrustRecordsOfOthers(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	bare := remoteOf(t, r)
	c := commits(t, r, 2)
	git(t, r.at, "config", "--add", "remote.origin.fetch", "+refs/*:refs/mirror/*")
	git(t, bare.at, "fetch", "--quiet", r.at, "main:"+chain)
	git(t, r.at, "fetch", "--quiet", "origin") // so git has a record that fits what is there
	p := pusher{repo: r, remote: "origin", room: argumentRoom(), leases: 0, specs: 0}
	var rejected *Rejected
	if err := p.push(t.Context(), []PushRef{{Ref: chain, New: c[0]}}); !errors.As(err, &rejected) {
		t.Errorf("a new ref that is there, and that git has on record: got %v, want it rejected", err)
	}
}

func TestPushRace(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	bare := remoteOf(t, r)
	c := commits(t, r, 3)
	if err := r.Push(t.Context(), "origin", []PushRef{{Ref: prod, New: c[0]}, {Ref: chain, New: c[0]}}); err != nil {
		t.Fatal(err)
	}
	// Both have looked before either has written: the hook, which runs between,
	// waits for the other one.
	meet := t.TempDir()
	hook(t, r, "pre-push", fmt.Sprintf("cat >/dev/null; touch %[1]s/$$; i=0; until [ $(ls %[1]s | wc -l) -ge 2 ] || [ $i -gt 5000 ]; do i=$((i+1)); done", meet))
	tag := func(i int) string { return fmt.Sprintf("refs/tags/components/bot/v%d.0.0", i) }
	var errs [2]error
	var both sync.WaitGroup
	for i := range errs {
		both.Go(func() {
			errs[i] = r.Push(t.Context(), "origin", []PushRef{
				{Ref: tag(i), New: c[i+1]}, {Ref: prod, New: c[i+1], Expected: c[0]}, {Ref: chain, New: c[i+1], Expected: c[0]},
			})
		})
	}
	both.Wait()
	winner := slices.Index(errs[:], nil)
	if winner < 0 || errs[1-winner] == nil {
		t.Fatalf("got %v and %v, want exactly one to win", errs[0], errs[1])
	}
	var rejected *Rejected
	if !errors.As(errs[1-winner], &rejected) {
		t.Errorf("the other: got %v (%s), want it rejected", errs[1-winner], sluice.CodeOf(errs[1-winner]))
	}
	want := map[string]OID{tag(winner): c[winner+1], prod: c[winner+1], chain: c[winner+1]}
	if got := refsOf(t, bare); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("refs at the remote: got %v, want %v", got, want)
	}
}

func TestPushIsDeclined(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		where string // whose hook
		hook  string
		does  string
		want  string
	}{
		{"by a hook there before anything moves", "there", "pre-receive", "echo 'prod is frozen'; echo 'ask alice' >&2; exit 1", "origin declined the push of " + prod + " (pre-receive hook declined): prod is frozen; ask alice"},
		{"by a hook there for one ref", "there", "update", "[ $1 = " + chain + " ] || exit 0; echo \"not $1\"; exit 1", "origin declined the push of " + chain + " (hook declined): not " + chain},
		{"with colours", "there", "pre-receive", `printf '\033[31mno\033[0m\007\n'; exit 1`, "(pre-receive hook declined): no"},
		{"without a word", "there", "pre-receive", "exit 1", "(pre-receive hook declined)"},
		{"by your own hook", "here", "pre-push", "echo 'tests fail'; echo 'fatal: see the log' >&2; exit 1", "your pre-push hook declined the push to origin: "},
		{"by your own hook without a word", "here", "pre-push", "exit 3", "your pre-push hook declined the push to origin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := initRepo(t)
			bare := remoteOf(t, r)
			c := commits(t, r, 1)
			hook(t, map[string]*Repo{"here": r, "there": bare}[test.where], test.hook, test.does)
			err := r.Push(t.Context(), "origin", []PushRef{{Ref: prod, New: c[0]}, {Ref: chain, New: c[0]}})
			e := sluice.AsError(err)
			if e == nil || e.Code != sluice.Refused || !strings.Contains(e.Message, test.want) || len(e.Fixes) == 0 {
				t.Errorf("got %+v, want %s: … %q and a fix", e, sluice.Refused, test.want)
			}
			if test.where == "here" && test.name == "by your own hook" && !(strings.Contains(e.Message, "tests fail") && strings.Contains(e.Message, "see the log")) {
				t.Errorf("got %q, want all that the hook said", e.Message)
			}
			if got := refsOf(t, bare); len(got) > 0 {
				t.Errorf("refs at the remote: got %v, want none", got)
			}
		})
	}
}

func TestPushSettingsOfOthers(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	bare := remoteOf(t, r)
	c := commits(t, r, 1)
	git(t, r.at, "tag", "--annotate", "--message=mine", "mine", string(c[0]))
	for key, value := range map[string]string{"push.followTags": "true", "push.default": "matching", "push.useForceIfIncludes": "true", "remote.origin.push": "refs/heads/*", "core.hooksPath": "elsewhere"} {
		git(t, r.at, "config", key, value)
	}
	if err := r.Push(t.Context(), "origin", []PushRef{{Ref: prod, New: c[0]}, {Ref: chain, New: c[0]}}); err != nil {
		t.Fatal(err)
	}
	if got, want := refsOf(t, bare), (map[string]OID{prod: c[0], chain: c[0]}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want only what was named, %v", got, want)
	}
}

func TestPushTroubles(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	c := commits(t, r, 1)
	refs := []PushRef{{Ref: prod, New: c[0]}, {Ref: chain, New: c[0]}}
	old := initRepo(t, "--bare")
	git(t, old.at, "config", "receive.advertiseAtomic", "false")
	git(t, r.at, "remote", "add", "--mirror=push", "mirror", old.at)
	shallow := filepath.Join(t.TempDir(), "shallow")
	git(t, r.at, "commit", "--quiet", "--allow-empty", "--message=two")
	git(t, r.at, "clone", "--quiet", "--depth=1", "file://"+r.at, shallow)
	for _, test := range []struct {
		name, remote string
		refs         []PushRef
		code         sluice.Code
		want         string
	}{
		{"no such place", "/nowhere/at/all", refs, sluice.Unavailable, "there is no repository at /nowhere/at/all: '/nowhere/at/all' does not appear to be a git repository"},
		{"no such remote", "upstream", refs, sluice.Unavailable, "there is no repository at upstream"},
		{"nobody listens", "http://127.0.0.1:1/x.git", refs, sluice.Unavailable, "http://127.0.0.1:1/x.git cannot be reached: unable to access"},
		{"a password in the address", "http://alice:s3cret@127.0.0.1:1/x.git", refs, sluice.Unavailable, "http://127.0.0.1:1/x.git cannot be reached"},
		{"a program as an address", "ext::sh -c true", refs, sluice.Unavailable, "transport 'ext' not allowed"},
		{"an option as a remote", "--receive-pack=touch", refs, sluice.Invalid, "is not the name or the address"},
		{"no remote", "", refs, sluice.Invalid, "is not the name or the address"},
		{"a line's end in the remote", "a\nb", refs, sluice.Invalid, "is not the name or the address"},
		{"not all at once", old.at, refs, sluice.Refused, "cannot move several refs all or none"},
		{"a mirror", "mirror", refs, sluice.Refused, "mirror is set up as a mirror"},
		{"a ref without refs/", old.at, []PushRef{{Ref: "prod", New: c[0]}}, sluice.Invalid, `"prod" cannot be the name of a ref`},
		{"a refspec as a ref", old.at, []PushRef{{Ref: "refs/a:refs/b", New: c[0]}}, sluice.Invalid, "cannot be the name of a ref"},
		{"a bad target", old.at, []PushRef{{Ref: prod, Target: "refs/heads/*", New: c[0]}}, sluice.Invalid, "cannot be the name of a ref"},
		{"no id", old.at, []PushRef{{Ref: prod, New: "main"}}, sluice.Invalid, `"main" is not the id`},
		{"twice", old.at, []PushRef{{Ref: prod, New: c[0]}, {Ref: chain, New: c[0], Target: prod}}, sluice.Invalid, "twice"},
		{"gone and not there", old.at, []PushRef{{Ref: prod}}, sluice.Invalid, "would be deleted"},
		{"an object that is not here", old.at, []PushRef{{Ref: prod, New: OID(strings.Repeat("1", 40))}}, sluice.Unavailable, "bad object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := r.Push(t.Context(), Remote(test.remote), test.refs)
			e := sluice.AsError(err)
			if e == nil || e.Code != test.code || !strings.Contains(e.Message, test.want) || len(e.Fixes) == 0 || strings.Contains(fmt.Sprint(e), "s3cret") {
				t.Errorf("got %+v, want %s: … %q and a fix", e, test.code, test.want)
			}
		})
	}
}

// silence is the address of a server that takes connections and says nothing.
func silence(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
		}
	}()
	return listener.Addr().String()
}

func TestRemoteThatSaysNothing(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	c := commits(t, r, 1)
	for _, scheme := range []string{"git", "http"} {
		remote := scheme + "://" + silence(t) + "/x.git"
		for name, do := range map[string]func(context.Context) error{
			"push": func(ctx context.Context) error { return r.Push(ctx, Remote(remote), []PushRef{{Ref: prod, New: c[0]}}) },
			"fetch": func(ctx context.Context) error {
				return r.Fetch(ctx, Remote(remote), true, "+refs/tags/*:refs/theirs/*")
			},
		} {
			t.Run(scheme+"/"+name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), patience/10)
				defer cancel()
				e := sluice.AsError(do(ctx))
				if e == nil || e.Code != sluice.Unavailable || !strings.Contains(e.Message, remote+" did not answer in time") || len(e.Fixes) == 0 {
					t.Errorf("got %+v, want that it did not answer, and a fix", e)
				}
				ctx, cancel = context.WithCancel(t.Context())
				cancel()
				if err := do(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("with a cancelled context: got %v, want %v", err, context.Canceled)
				}
			})
		}
	}
}
