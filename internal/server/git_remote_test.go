package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/server"
)

// TestSilentRemotes follows a repository whose host takes requests and says nothing,
// and one whose host breaks them off: webhooks are answered, the status does not tell
// what gives access, and the server ends.
func TestSilentRemotes(t *testing.T) {
	t.Parallel()
	for name, resets := range map[string]bool{"hangs": false, "resets": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := silentHost(t, resets)
			cfg := following(t, "http://bob:hunter2@"+host.address+"/prompts.git?token=hunter2")
			cfg.Git.Wait = time.Millisecond
			s := start(t, cfg)
			<-host.taken // git asks
			if status, _ := post(t, s, prodTag); status != http.StatusAccepted {
				t.Errorf("the webhook was answered with %d, want 202", status)
			}
			c := admin(t, s)
			if resets { // the look has an end, and its error is told
				if _, err := c.SyncGit(t.Context(), sluice.SyncGitRequest{}); sluice.CodeOf(err) != sluice.Unavailable || strings.Contains(fmt.Sprintf("%+v", sluice.AsError(err)), "hunter2") {
					t.Errorf("a look at once: got %+v, want unavailable without what gives access", sluice.AsError(err))
				}
			}
			status, err := c.GitStatus(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if text, err := json.Marshal(status); err != nil || strings.Contains(string(text), "hunter2") || !strings.HasSuffix(status.Follows, "/prompts.git") || resets != (status.Error != "") {
				t.Errorf("the status is %s, %v", text, err)
			}
		})
	}
}

type silent struct {
	address string
	taken   chan struct{} // has one for the first connection
}

// silentHost takes connections and holds them until the test ends, or resets them.
// They are held by name: the collector closes those that nobody has.
func silentHost(t *testing.T, resets bool) silent {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := silent{listener.Addr().String(), make(chan struct{}, 1)}
	closed := make(chan struct{})
	t.Cleanup(func() { _ = listener.Close(); <-closed })
	go func() {
		defer close(closed)
		var held []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			if held = append(held, conn); resets {
				_ = conn.(*net.TCPConn).SetLinger(0)
				_ = conn.Close()
			}
			select {
			case host.taken <- struct{}{}:
			default:
			}
		}
		for _, conn := range held {
			_ = conn.Close()
		}
	}()
	return host
}

// TestRemoteComesBack follows a repository that is not there at the start, and tries
// again by itself.
func TestRemoteComesBack(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	alice := joins(t, remote, "alice")
	alice.publish("v1.0.0", "one\n")
	alice.move("prod", "v1.0.0")
	if err := os.Rename(remote, remote+".away"); err != nil {
		t.Fatal(err)
	}
	cfg := following(t, remote)
	cfg.Git.Poll = time.Hour
	pauses := make(chan time.Duration, 1_000)
	over := make(chan time.Time)
	cfg.Git.After = func(d time.Duration) <-chan time.Time {
		pauses <- d
		return over
	}
	// until is the first pause of at least so long, and at most; a look at what the
	// ledger has moved may come between.
	until := func(least, most time.Duration) {
		for d := range pauses {
			if least <= d && d <= most {
				return
			}
		}
	}
	s := start(t, cfg)
	c := admin(t, s)
	event := follow(t, c)
	event()                             // snapshot
	until(4*time.Second, 6*time.Second) // after a failure
	status, err := c.GitStatus(t.Context())
	if err != nil || status.Error == "" || status.Since == 0 || status.Stopped {
		t.Errorf("the status is %+v, %v; want an error", status, err)
	}
	over <- time.Now()
	until(8*time.Second, 12*time.Second) // after the second one
	if err := os.Rename(remote+".away", remote); err != nil {
		t.Fatal(err)
	}
	over <- time.Now()
	if e := event(); e.Release == nil || e.Release.Actor != "alice" {
		t.Errorf("the watcher got %+v", e.Release)
	}
	until(50*time.Minute, 70*time.Minute)
	if status, err = c.GitStatus(t.Context()); err != nil || status.Error != "" || status.LastFetch == 0 {
		t.Errorf("the status is %+v, %v; want no error", status, err)
	}
}

// TestAddresses refuses what git would take for more than an address, and says
// nothing of passwords.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"https://example.com/team/prompts.git", "http://127.0.0.1:3000/prompts.git", "ssh://git@example.com/prompts.git", "git@example.com:team/prompts.git",
		"example.com:prompts.git", "file:///srv/git/prompts.git", "/srv/git/prompts.git", "https://alice:secret@example.com/prompts.git",
	} {
		if err := server.CheckGitAddress(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for address, says := range map[string]string{
		"":                                      "empty",
		"prompts.git":                           "neither a URL nor an absolute path",
		"../prompts.git":                        "neither a URL nor an absolute path",
		"--upload-pack=touch pwned":             "option",
		"ext::sh -c touch% pwned":               "program",
		"fd::17":                                "program",
		"git://example.com/prompts.git":         "takes https",
		"ftp://example.com/prompts.git":         "takes https",
		"https://":                              "no host",
		"https://example.com":                   "no repository",
		"https://a:secret@example.com":          "no repository",
		"https://example.com/a\nb":              "control characters",
		"ssh://-oProxyCommand=touch/x":          "option",
		"https://a:secret%zz@exa mple/x":        "cannot be the address",
		"https://" + strings.Repeat("x", 5_000): "the limit is",
	} {
		err := server.CheckGitAddress(address)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v, want %q and no secret", address, err, says)
		}
		var e *sluice.Error
		if errors.As(err, &e) && e.Code == sluice.Invalid && len(e.Fixes) == 0 {
			t.Errorf("%q: no fix: %v", address, err)
		}
	}
	if _, err := server.Open(t.Context(), server.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Git: server.GitConfig{Follow: "prompts.git"}}); sluice.CodeOf(err) != sluice.Invalid {
		t.Errorf("a server with a bad address: got %v, want invalid", err)
	}
}

// TestBurstsAreOneLook sends many webhooks while a look goes on: one more is enough
// for all of them.
func TestBurstsAreOneLook(t *testing.T) {
	t.Parallel()
	var looks atomic.Int64
	taken, answer := make(chan struct{}, 100), make(chan struct{})
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		looks.Add(1)
		taken <- struct{}{}
		<-answer
		http.NotFound(w, nil)
	}))
	t.Cleanup(host.Close)
	cfg := following(t, host.URL+"/prompts.git")
	cfg.Git.Wait = time.Millisecond
	s := start(t, cfg)
	<-taken
	for range 20 {
		if status, _ := post(t, s, prodTag); status != http.StatusAccepted {
			t.Errorf("a webhook was answered with %d, want 202", status)
		}
	}
	close(answer)
	if _, err := admin(t, s).SyncGit(t.Context(), sluice.SyncGitRequest{}); sluice.CodeOf(err) != sluice.Unavailable {
		t.Errorf("the host has no such repository: got %v, want unavailable", err)
	}
	// The one that went on, one for all the webhooks, and one for each try of the
	// client.
	if n := looks.Load(); n < 2 || n > 5 {
		t.Errorf("20 webhooks came while a look went on, and there were %d looks", n)
	}
}
