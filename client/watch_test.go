package client_test

import (
	"context"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
)

// until pulls events up to one of a type.
func until(t *testing.T, next func() (sluice.Event, error, bool), want sluice.EventType) sluice.Event {
	t.Helper()
	for {
		e, err, ok := next()
		if err != nil || !ok {
			t.Fatalf("waiting for a %s: %v (more: %v)", want, err, ok)
		}
		if e.Type == want {
			return e
		}
		if e.Type != sluice.EventHeartbeat {
			t.Fatalf("got a %s, want a %s", e.Type, want)
		}
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	in := install(t)
	for way, c := range connected(t, in) {
		ctx, cancel := context.WithCancel(t.Context())
		next, stop := iter.Pull2(c.Watch(ctx, sluice.WatchRequest{Environment: "production"}))
		first := until(t, next, sluice.EventSnapshot)
		out := publishAndDeploy(t, in, "watched", way)
		e := until(t, next, sluice.EventRelease)
		if e.Release.Number != out.Release.Number || e.Release.Root != out.Release.Root || first.Snapshot.Release != out.Release.Number-1 {
			t.Errorf("%s: after release %d got %+v, want %+v", way, first.Snapshot.Release, e.Release, out.Release)
		}
		cancel()
		for {
			_, err, ok := next()
			if !ok {
				break
			}
			if err != nil {
				t.Errorf("%s: the end of the context is an error: %v", way, err)
			}
		}
		stop()
	}
}

func publishAndDeploy(t *testing.T, in *installation, component, content string) sluice.Outcome {
	t.Helper()
	p := must[sluice.Published](t)(in.Publish(admin, sluice.PublishRequest{Component: component, Kind: "prompt", Files: []sluice.File{sluice.NewFile("a", []byte(content))}}))
	return must[sluice.Outcome](t)(in.Deploy(admin, sluice.DeployRequest{
		Environment: "production", Changes: []sluice.ChangeRequest{{Component: component, Version: string(p.Version.Digest)}},
	}))
}

// TestWatchResumes cuts the connection, answers the next with an error, and lets
// changes happen before there is another.
func TestWatchResumes(t *testing.T) {
	t.Parallel()
	in := install(t)
	h := in.handler(true)
	asked, up := make(chan string, 3), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Query().Get("after")
		switch len(asked) {
		case 2:
			w.WriteHeader(http.StatusBadGateway)
			return
		case 3:
			<-up
		}
		h.ServeHTTP(w, r)
	}))
	defer srv.Close()
	conns := make(chan net.Conn, 3)
	c := dial(t, client.Config{Server: srv.URL, Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		conns <- conn
		return conn, err
	}}})
	next, stop := iter.Pull2(c.Watch(t.Context(), sluice.WatchRequest{Environment: "production"}))
	defer stop()
	until(t, next, sluice.EventSnapshot)
	publishAndDeploy(t, in, "watched", "one")
	seen := until(t, next, sluice.EventRelease)

	(<-conns).Close()
	var want []int64
	for _, content := range []string{"two", "three"} {
		want = append(want, publishAndDeploy(t, in, "watched", content).Release.Number)
	}
	close(up)
	for _, number := range want {
		if e := until(t, next, sluice.EventRelease); e.Release.Number != number {
			t.Errorf("got release %d, want %d", e.Release.Number, number)
		}
	}
	if first, second, third := <-asked, <-asked, <-asked; first != "" || second != seen.ID || third != seen.ID {
		t.Errorf("asked after %q, %q and %q, want nothing and then %q", first, second, third, seen.ID)
	}
}

// TestWatchTellsThatItIsLost has a server that is away for longer than a restart.
func TestWatchTellsThatItIsLost(t *testing.T) {
	t.Parallel()
	in := install(t)
	var lost []error
	up := make(chan struct{})
	h := in.handler(true)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-up:
			h.ServeHTTP(w, r)
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer srv.Close()
	c := dial(t, client.Config{Server: srv.URL, Lost: func(err error) {
		if lost = append(lost, err); len(lost) == 2 {
			close(up)
		}
	}})
	next, stop := iter.Pull2(c.Watch(t.Context(), sluice.WatchRequest{Environment: "production"}))
	defer stop()
	until(t, next, sluice.EventSnapshot)
	if len(lost) != 2 {
		t.Fatalf("was told %d times, want twice", len(lost))
	}
	for _, err := range lost {
		wantCode(t, "a server that is away", err, sluice.Unavailable, "502")
	}
}

func TestWatchGivesUpWhenItMayNot(t *testing.T) {
	t.Parallel()
	in := install(t)
	srv := httptest.NewServer(in.handler(false))
	defer srv.Close()
	for what, test := range map[string]struct {
		token, environment string
		code               sluice.Code
	}{
		"a token that is none":     {"no-token", "production", sluice.Unauthenticated},
		"an unknown environment":   {in.token, "nowhere", sluice.NotFound},
		"an environment not named": {in.token, "", sluice.Invalid},
	} {
		events := 0
		for e, err := range dial(t, client.Config{Server: srv.URL, Token: test.token}).Watch(t.Context(), sluice.WatchRequest{Environment: test.environment}) {
			if events++; sluice.CodeOf(err) != test.code {
				t.Errorf("%s: got %+v, %v, want %s", what, e, err, test.code)
			}
		}
		if events != 1 {
			t.Errorf("%s: got %d events, want the error alone", what, events)
		}
	}
}
