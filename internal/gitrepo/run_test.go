package gitrepo

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

func TestRun(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	out, err := r.Run(t.Context(), []byte("hello"), "hash-object", "--stdin")
	if err != nil || strings.TrimSpace(string(out)) != "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0" {
		t.Errorf("hash-object: got %q and %v", out, err)
	}
	_, err = r.Run(t.Context(), nil, "rev-parse", "--verify", "--end-of-options", "refs/heads/none")
	var failure *Failure
	if !errors.As(err, &failure) || failure.Status != 128 || !strings.Contains(failure.Stderr, "single revision") {
		t.Errorf("rev-parse of nothing: got %#v, want a Failure of status 128", err)
	}
	if got := sluice.CodeOf(err); got != sluice.Unavailable {
		t.Errorf("code: got %s, want %s", got, sluice.Unavailable)
	}
	if got := r.Started(); got != 3 { // the third is `git version`, asked for once after a bad end
		t.Errorf("started %d processes, want 3", got)
	}
}

// standIn makes a program that takes the place of git.
func standIn(t *testing.T, r *Repo, script string) {
	t.Helper()
	r.git = filepath.Join(t.TempDir(), "git")
	if err := os.WriteFile(r.git, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestRunSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, script string
		code         sluice.Code
		want         string
	}{
		{"old git", "[ $1 = version ] && echo git version 2.30.2 && exit\necho unknown option >&2\nexit 129", sluice.Unavailable, "is 2.30, and Sluice needs 2.31"},
		{"wrong option", "[ $1 = version ] && echo git version 2.31.0 && exit\necho unknown option >&2\nexit 129", sluice.Unavailable, "git tag failed: unknown option"},
		{"another owner", "echo \"fatal: detected dubious ownership in repository at 'x'\" >&2\nexit 128", sluice.Denied, "belongs to another user"},
		{"bare refused", "echo \"fatal: cannot use bare repository 'x' (safe.bareRepository is 'explicit')\" >&2\nexit 128", sluice.Denied, "safe.bareRepository"},
		{"password", "echo \"fatal: unable to access 'https://alice:s3cret@example.com/x'\" >&2\nexit 128", sluice.Unavailable, "'https://example.com/x'"},
		{"silent", "exit 3", sluice.Unavailable, "git tag failed: it ended with status 3"},
		{"endless", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done | cat", sluice.LimitExceeded, "prints more than 64 MiB"},
		{"long complaint", "head -c 300000 /dev/zero | tr '\\0' e >&2\nexit 1", sluice.Unavailable, "git tag failed: eeee"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := initRepo(t)
			standIn(t, r, test.script)
			_, err := r.Run(t.Context(), nil, "-c", "a.b=c", "tag", "--list")
			if sluice.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 1000 {
				t.Errorf("got %s: %v, want %s: … %q", sluice.CodeOf(err), err, test.code, test.want)
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	held := filepath.Join(t.TempDir(), "held")
	if err := syscall.Mkfifo(held, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(held, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pipe.Close() }()
	// What it starts holds its output and does not listen to a polite request.
	standIn(t, r, "exec 3>'"+held+"'; sh -c 'trap \"\" TERM; echo started; sleep 60'")
	ctx, cancel := context.WithCancel(t.Context())
	err = r.stream(ctx, process{args: []string{"log"}}, func(stdout io.Reader) error {
		_, err := stdout.Read(make([]byte, 8))
		cancel()
		if err == nil {
			_, err = io.Copy(io.Discard, stdout)
		}
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if err := pipe.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(pipe); err != nil { // which ends when nobody holds the other end
		t.Errorf("what it started goes on: %v", err)
	}
	if _, err := r.Run(ctx, nil, "version"); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: got %v, want %v", err, context.Canceled)
	}
}

// TestRunEndsWithGit has git leave something behind that holds its standard error.
func TestRunEndsWithGit(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	standIn(t, r, "sleep 60 >/dev/null & echo $!")
	out, err := r.Run(t.Context(), nil, "fetch")
	if err != nil {
		t.Errorf("got %v, want success", err)
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(out))); err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Errorf("what git left behind is gone: %q and %v", out, err)
	}
}

func TestRunIsNotLedAstray(t *testing.T) {
	other, r := initRepo(t), initRepo(t)
	t.Setenv("GIT_DIR", other.Dir)
	t.Setenv("GIT_WORK_TREE", other.Top)
	t.Setenv("GIT_OBJECT_DIRECTORY", filepath.Join(other.Dir, "objects"))
	out, err := r.Run(t.Context(), nil, "rev-parse", "--absolute-git-dir", "--git-path", "objects")
	if want := r.Dir + "\n.git/objects\n"; err != nil || string(out) != want {
		t.Errorf("got %q and %v, want %q", out, err, want)
	}
}

func TestRunWithoutGit(t *testing.T) {
	r := initRepo(t)
	t.Setenv("PATH", t.TempDir())
	_, err := r.Run(t.Context(), nil, "version")
	if sluice.CodeOf(err) != sluice.Unavailable || !strings.Contains(err.Error(), "no git program") || len(sluice.AsError(err).Fixes) == 0 {
		t.Errorf("got %v, want that there is no git, and a fix", err)
	}
	if err := os.RemoveAll(r.Top); err != nil {
		t.Fatal(err)
	}
	r.git = "/bin/true"
	if _, err := r.Run(t.Context(), nil, "version"); sluice.CodeOf(err) != sluice.NotFound {
		t.Errorf("in a directory that is gone: got %v, want that it is gone", err)
	}
}

// TestRunInsideAnothersRepository has git itself believe that the repository
// belongs to somebody else.
func TestRunInsideAnothersRepository(t *testing.T) {
	work := initRepo(t)
	bare := initRepo(t, "--bare")
	t.Setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "true")
	for _, r := range []*Repo{work, bare} {
		_, err := r.Refs(t.Context())
		if sluice.CodeOf(err) != sluice.Denied || !strings.Contains(err.Error(), r.at) || !strings.Contains(sluice.AsError(err).Fixes[0].Text, "safe.directory '"+r.Dir+"'") &&
			!strings.Contains(sluice.AsError(err).Fixes[0].Text, "safe.directory '"+r.Top+"'") {
			t.Errorf("got %v, want that it belongs to another user, and how to trust it", err)
		}
	}
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "safe.directory")
	t.Setenv("GIT_CONFIG_VALUE_0", "*")
	if _, err := work.Refs(t.Context()); err != nil {
		t.Errorf("a directory that is said to be safe: %v", err)
	}
}
