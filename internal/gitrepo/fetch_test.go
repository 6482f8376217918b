package gitrepo

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
)

const theirs = "+refs/tags/*:refs/theirs/tags/*"

func TestFetch(t *testing.T) {
	t.Parallel()
	there, r := initRepo(t), initRepo(t)
	c := commits(t, there, 2)
	git(t, r.at, "remote", "add", "origin", there.at)
	for key, value := range map[string]string{"fetch.prune": "true", "fetch.pruneTags": "true", "remote.origin.tagOpt": "--tags", "fetch.recurseSubmodules": "true"} {
		git(t, r.at, "config", key, value)
	}
	git(t, r.at, "config", "--add", "remote.origin.fetch", "+refs/tags/*:refs/mirrored/*")
	git(t, r.at, "commit", "--quiet", "--allow-empty", "--message=mine")
	git(t, r.at, "tag", "mine")
	own := refsOf(t, r)
	tag := func(name string, id OID) { git(t, there.at, "tag", "--force", name, string(id)) }
	for i, step := range []struct {
		name   string
		change func()
		prune  bool
		want   map[string]OID // by name below refs/theirs/tags
	}{
		{"nothing there", func() {}, true, nil},
		{"two new tags", func() { tag("a/v1", c[0]); tag("a/prod", c[0]) }, true, map[string]OID{"a/v1": c[0], "a/prod": c[0]}},
		{"nothing new", func() {}, true, map[string]OID{"a/v1": c[0], "a/prod": c[0]}},
		{"a tag moved forwards", func() { tag("a/prod", c[1]) }, true, map[string]OID{"a/v1": c[0], "a/prod": c[1]}},
		{"a tag moved backwards", func() { tag("a/prod", c[0]) }, true, map[string]OID{"a/v1": c[0], "a/prod": c[0]}},
		{"a tag gone, and kept", func() { git(t, there.at, "tag", "--delete", "a/v1") }, false, map[string]OID{"a/v1": c[0], "a/prod": c[0]}},
		{"a tag gone", func() {}, true, map[string]OID{"a/prod": c[0]}},
		{"a name that became a directory", func() { git(t, there.at, "tag", "--delete", "a/prod"); tag("a/prod/eu", c[1]) }, true, map[string]OID{"a/prod/eu": c[1]}},
		{"a directory that became a name", func() { git(t, there.at, "tag", "--delete", "a/prod/eu"); tag("a", c[1]) }, true, map[string]OID{"a": c[1]}},
	} {
		step.change()
		remote := []string{"origin", there.at}[i%2]
		if err := r.Fetch(t.Context(), Remote(remote), step.prune, theirs); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		want := map[string]OID{}
		for name, id := range own {
			want[name] = id
		}
		for name, id := range step.want {
			want["refs/theirs/tags/"+name] = id
		}
		if got := refsOf(t, r); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s: got %v, want %v", step.name, got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "FETCH_HEAD")); !os.IsNotExist(err) {
		t.Errorf("FETCH_HEAD: got %v, want that there is none", err)
	}
}

func TestFetchManySpecs(t *testing.T) {
	t.Parallel()
	there, r := initRepo(t), initRepo(t)
	id := commitIn(t, there.at)
	var commands strings.Builder
	var specs []string
	for i := range 1000 {
		name := fmt.Sprintf("refs/tags/%s/v%d", strings.Repeat("long-", 40), i)
		fmt.Fprintf(&commands, "create %s %s\n", name, id)
		specs = append(specs, "+"+name+":"+strings.Replace(name, "tags", "theirs", 1))
	}
	gitWith(t, there.at, []byte(commands.String()), "update-ref", "--stdin")
	if err := r.Fetch(t.Context(), Remote(there.at), false, specs...); err != nil {
		t.Fatal(err)
	}
	if got := refsOf(t, r); len(got) != len(specs) {
		t.Errorf("got %d refs, want %d", len(got), len(specs))
	}
}

func TestFetchTroubles(t *testing.T) {
	t.Parallel()
	there, r := initRepo(t), initRepo(t)
	c := commits(t, there, 2)
	git(t, there.at, "tag", "moved", string(c[1]))
	if err := r.Fetch(t.Context(), Remote(there.at), true, theirs); err != nil {
		t.Fatal(err)
	}
	git(t, there.at, "tag", "--force", "moved", string(c[0]))
	for _, test := range []struct {
		name, remote, spec string
		code               sluice.Code
		want               string
	}{
		{"a ref that is not there", there.at, "refs/tags/none:refs/x/none", sluice.NotFound, "does not have that ref: couldn't find remote ref refs/tags/none"},
		{"a move backwards without +", there.at, "refs/tags/*:refs/theirs/tags/*", sluice.Conflict, "have moved other than forwards"},
		{"no such place", "/nowhere/at/all", theirs, sluice.Unavailable, "there is no repository at /nowhere/at/all"},
		{"nobody listens", "git://127.0.0.1:1/x", theirs, sluice.Unavailable, "git://127.0.0.1:1/x cannot be reached"},
		{"an option as a remote", "--upload-pack=touch", theirs, sluice.Invalid, "is not the name or the address"},
		{"an option as a spec", there.at, "--upload-pack=touch", sluice.Invalid, "does not say which refs"},
		{"two specs in one", there.at, "refs/a:refs/b\nrefs/c:refs/d", sluice.Invalid, "does not say which refs"},
		{"a program as an address", "ext::sh -c true", theirs, sluice.Unavailable, "transport 'ext' not allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := sluice.AsError(r.Fetch(t.Context(), Remote(test.remote), false, test.spec))
			if e == nil || e.Code != test.code || !strings.Contains(e.Message, test.want) || len(e.Fixes) == 0 {
				t.Errorf("got %+v, want %s: … %q and a fix", e, test.code, test.want)
			}
		})
	}
	if err := r.Fetch(t.Context(), Remote(there.at), false); sluice.CodeOf(err) != sluice.Invalid {
		t.Errorf("without specs: got %v, want %s", err, sluice.Invalid)
	}
}

func TestFetchAtOnce(t *testing.T) {
	t.Parallel()
	there, r := initRepo(t), initRepo(t)
	id := commitIn(t, there.at)
	for i := range 50 {
		git(t, there.at, "update-ref", fmt.Sprintf("refs/tags/v%d", i), string(id))
	}
	var errs [4]error
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = r.Fetch(t.Context(), Remote(there.at), true, theirs) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil && sluice.CodeOf(err) != sluice.Conflict {
			t.Errorf("got %v, want success or a conflict", err)
		}
	}
	if got := refsOf(t, r); len(got) != 50 || !slices.Contains(errs[:], nil) {
		t.Errorf("got %d refs and %v, want 50 and at least one success", len(got), errs)
	}
}

// hosted serves a bare repository over HTTP with git's own program for that,
// behind a gate that may answer first.
func hosted(t *testing.T, gate func(http.ResponseWriter, *http.Request) (answered bool)) (url string, bare *Repo) {
	t.Helper()
	bare = initRepo(t, "--bare")
	git(t, bare.at, "config", "http.receivepack", "true")
	backend := cgi.Handler{
		Path: filepath.Join(git(t, bare.at, "--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + bare.at, "GIT_HTTP_EXPORT_ALL=1"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if !gate(w, request) {
			backend.ServeHTTP(w, request)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, bare
}

func open(http.ResponseWriter, *http.Request) bool { return false }

func TestOverHTTP(t *testing.T) {
	t.Parallel()
	url, bare := hosted(t, open)
	r, other := initRepo(t), initRepo(t)
	c := commits(t, r, 2)
	refs := []PushRef{{Ref: version, New: c[0]}, {Ref: prod, New: c[0]}, {Ref: chain, New: c[0]}}
	if err := r.Push(t.Context(), Remote(url), refs); err != nil {
		t.Fatal(err)
	}
	for _, leases := range []int{manyLeases, 0} {
		p := pusher{repo: r, remote: Remote(url), room: argumentRoom(), leases: leases, specs: leases}
		err := p.push(t.Context(), []PushRef{{Ref: prod, New: c[1], Expected: c[0]}, {Ref: chain, New: c[1], Expected: c[1]}, {Ref: "refs/sluice/new", New: c[1]}})
		if e := sluice.AsError(err); e == nil || e.Code != sluice.Conflict || !strings.Contains(e.Message, chain) {
			t.Errorf("with a lease that does not hold: got %+v, want a conflict over %s", e, chain)
		}
	}
	if err := r.Push(t.Context(), Remote(url), []PushRef{{Ref: prod, New: c[1], Expected: c[0]}, {Ref: chain, New: c[1], Expected: c[0]}}); err != nil {
		t.Fatal(err)
	}
	want := map[string]OID{version: c[0], prod: c[1], chain: c[1]}
	if got := refsOf(t, bare); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("at the remote: got %v, want %v", got, want)
	}
	if err := other.Fetch(t.Context(), Remote(url), true, "+refs/*:refs/theirs/*"); err != nil {
		t.Fatal(err)
	}
	if got := refsOf(t, other)[strings.Replace(chain, "refs/", "refs/theirs/", 1)]; got != c[1] {
		t.Errorf("fetched %s, want %s", got, c[1])
	}
	hook(t, bare, "pre-receive", "echo no; exit 1")
	if e := sluice.AsError(r.Push(t.Context(), Remote(url), []PushRef{{Ref: prod, Expected: c[1]}})); e == nil || e.Code != sluice.Refused || !strings.HasSuffix(e.Message, ": no") {
		t.Errorf("with a hook there: got %+v, want its refusal", e)
	}
}

func TestHTTPTroubles(t *testing.T) {
	t.Parallel()
	answer := func(status int, only string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, request *http.Request) bool {
			if request.Method != only && only != "" {
				return false
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(status)
			return true
		}
	}
	for _, test := range []struct {
		name string
		gate func(http.ResponseWriter, *http.Request) bool
		want string
	}{
		{"who are you", answer(401, ""), "does not let you in: could not read Username"},
		{"not you", answer(403, ""), "does not let you in"},
		{"no such repository", answer(404, ""), "there is no repository at"},
		{"out of order", answer(503, ""), "cannot be reached"},
		{"reading only", answer(403, http.MethodPost), "does not let you in"},
		{"breaks off when it is to write", answer(500, http.MethodPost), "cannot be reached"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, bare := hosted(t, test.gate)
			r := initRepo(t)
			c := commits(t, r, 1)
			hook(t, r, "pre-push", "echo fine; exit 0")
			err := r.Push(t.Context(), Remote(url), []PushRef{{Ref: prod, New: c[0]}, {Ref: chain, New: c[0]}})
			e := sluice.AsError(err)
			if e == nil || e.Code != sluice.Unavailable || !strings.Contains(e.Message, test.want) || len(e.Fixes) == 0 {
				t.Errorf("got %+v (%v), want %s: … %q and a fix", e, err, sluice.Unavailable, test.want)
			}
			if got := refsOf(t, bare); len(got) > 0 {
				t.Errorf("at the remote: got %v, want nothing", got)
			}
		})
	}
}
