package live_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/live"
)

func TestStream(t *testing.T) {
	t.Run("has the head of an event stream", func(t *testing.T) {
		_, s := loaded(t)
		res, err := http.Get(serve(t, s).URL)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		for key, want := range map[string]string{
			"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Before": "kept",
		} {
			if got := res.Header.Get(key); got != want {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		if !res.Close {
			t.Error("the connection must not be used again")
		}
	})
	t.Run("is what Watch tells, as text", func(t *testing.T) {
		l, s := loaded(t)
		res, err := http.Get(serve(t, s).URL)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		lines := bufio.NewReader(res.Body)
		wantLines(t, lines, "id: ledger-1-0", "event: snapshot", `data: {"environment":"production","release":0,"epoch":0,`, "")
		s.Committed([]sluice.Entry{l.deploy("production", "bot", 1)})
		wantLines(t, lines, "id: ledger-1-2", "event: release", `data: {"environment":"production","release":1,"epoch":2,`, "")
	})
	t.Run("goes on after Last-Event-ID", func(t *testing.T) {
		l, s := loaded(t)
		s.Committed([]sluice.Entry{l.deploy("production", "bot", 1)})
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, serve(t, s).URL, nil)
		req.Header.Set("Last-Event-ID", "ledger-1-1")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		wantLines(t, bufio.NewReader(res.Body), "id: ledger-1-2", "event: release")
	})
	t.Run("leaves an error to the caller", func(t *testing.T) {
		l, s := loaded(t)
		s.Committed([]sluice.Entry{l.delete("production")})
		res, err := http.Get(serve(t, s).URL)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusTeapot || s.Subscribers() != 0 {
			t.Fatalf("status %d, %d subscribers", res.StatusCode, s.Subscribers())
		}
	})
	t.Run("works over HTTP/2", func(t *testing.T) {
		l, s := loaded(t)
		server := httptest.NewUnstartedServer(handler(s))
		server.EnableHTTP2 = true
		server.StartTLS()
		t.Cleanup(server.Close)
		followToEnd(t, l, s, func(ctx context.Context, after string) iter.Seq2[sluice.Event, error] {
			return dial(ctx, server.Client(), server.URL, after)
		})
	})
	t.Run("works within the process", func(t *testing.T) {
		l, s := loaded(t)
		followToEnd(t, l, s, func(ctx context.Context, after string) iter.Seq2[sluice.Event, error] {
			return overPipe(ctx, handler(s), after)
		})
	})
	t.Run("a deleted environment ends it", func(t *testing.T) {
		l, s := loaded(t)
		for e, err := range dial(t.Context(), http.DefaultClient, serve(t, s).URL, "") {
			if err == nil && e.Type == sluice.EventSnapshot {
				s.Committed([]sluice.Entry{l.delete("production")})
			}
		}
		if s.Subscribers() != 0 {
			t.Fatalf("%d subscribers are left", s.Subscribers())
		}
	})
}

func TestStreamOfMany(t *testing.T) {
	const many, releases = 200, 20
	l, s := loaded(t)
	url := serve(t, s).URL
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var ready, done sync.WaitGroup
	ready.Add(many)
	for i := range many {
		done.Go(func() {
			r, joined := reader{}, false
			for e, err := range dial(t.Context(), client, url, "") {
				if err == nil {
					err = r.read(e)
				}
				if err != nil {
					t.Errorf("subscriber %d: %v", i, err)
					return
				}
				if !joined {
					joined = true
					ready.Done()
				}
				if r.manifest.Release == releases {
					return
				}
			}
		})
	}
	ready.Wait()
	for i := range releases {
		s.Committed([]sluice.Entry{l.deploy("production", "bot", i+1)})
	}
	done.Wait()
}

func TestSlowSocket(t *testing.T) {
	t.Run("is moved on to a snapshot and slows nobody", func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l, Heartbeat: time.Hour})
		url := serve(t, s).URL
		slow, quick := follow(t, url), follow(t, url)
		slow.want(t, sluice.EventSnapshot)
		quick.want(t, sluice.EventSnapshot)
		for i := range 400 {
			s.Committed([]sluice.Entry{l.deployBig("production", fmt.Sprintf("bot-%d", i%50), i+1)})
			quick.want(t, sluice.EventRelease)
		}
		for slow.manifest.Release < 400 {
			slow.want(t, "")
		}
		if slow.releases >= 400 {
			t.Fatalf("got %d releases: it was never behind", slow.releases)
		}
		s.Committed([]sluice.Entry{l.deploy("production", "bot-1", 1)})
		slow.want(t, sluice.EventRelease)
	})
	t.Run("gets each of the few releases that it missed", func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l, Heartbeat: time.Hour})
		slow := follow(t, serve(t, s).URL)
		slow.want(t, sluice.EventSnapshot)
		s.Committed([]sluice.Entry{l.release("production", "bot", 1, strings.Repeat("more than fits ", 40_000))})
		for i := range 3 {
			s.Committed([]sluice.Entry{l.deploy("production", "bot", i+2)})
		}
		for range 4 {
			slow.want(t, sluice.EventRelease)
		}
		s.Committed([]sluice.Entry{l.deploy("production", "bot", 1)})
		slow.want(t, sluice.EventRelease)
	})
	t.Run("is closed when it does not drain", func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l, Drain: 10 * time.Millisecond})
		server := serve(t, s)
		slow := follow(t, server.URL)
		slow.want(t, sluice.EventSnapshot)
		for i := range 400 {
			s.Committed([]sluice.Entry{l.deployBig("production", "bot", i+1)})
		}
		<-server.closed
	})
	t.Run("ends with the state while it is full", func(t *testing.T) {
		l := newLedger("production")
		s := open(t, live.Config{Source: l})
		slow := follow(t, serve(t, s).URL)
		slow.want(t, sluice.EventSnapshot)
		for i := range 400 {
			s.Committed([]sluice.Entry{l.deployBig("production", "bot", i+1)})
		}
		if err := s.Close(); err != nil || s.Subscribers() != 0 {
			t.Fatalf("%v, %d subscribers are left", err, s.Subscribers())
		}
	})
}

func TestHeartbeatsFindDeadSockets(t *testing.T) {
	l := newLedger("production")
	s := open(t, live.Config{Source: l, Heartbeat: 64 * time.Millisecond})
	server := serve(t, s)
	c := follow(t, server.URL)
	c.want(t, sluice.EventSnapshot)
	c.want(t, sluice.EventHeartbeat)
	c.close()
	<-server.closed
}

func handler(s *live.State) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Before", "kept")
		req := sluice.WatchRequest{Environment: "production", After: r.URL.Query().Get("after")}
		if err := s.Stream(w, r, req); err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
		}
	})
}

// server has small socket buffers and tells when it closes a connection.
type server struct {
	URL    string
	closed chan struct{}
}

func serve(t testing.TB, s *live.State) server {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{}, 1000)
	h := &http.Server{Handler: handler(s)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = h.Serve(listening{listener, closed})
	}()
	t.Cleanup(func() {
		_ = h.Close()
		<-served
	})
	return server{"http://" + listener.Addr().String(), closed}
}

type listening struct {
	net.Listener
	closed chan struct{}
}

func (l listening) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp := c.(*net.TCPConn)
	return &telling{TCPConn: tcp, closed: l.closed}, tcp.SetWriteBuffer(16 << 10)
}

type telling struct {
	*net.TCPConn
	once   sync.Once
	closed chan struct{}
}

func (c *telling) Close() error {
	err := c.TCPConn.Close()
	c.once.Do(func() { c.closed <- struct{}{} })
	return err
}

// dial watches over HTTP.
func dial(ctx context.Context, client *http.Client, url, after string) iter.Seq2[sluice.Event, error] {
	return func(yield func(sluice.Event, error) bool) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/?after="+after, nil)
		if err != nil {
			yield(sluice.Event{}, err)
			return
		}
		res, err := client.Do(req)
		if err != nil {
			yield(sluice.Event{}, err)
			return
		}
		defer res.Body.Close()
		parse(res.Body, yield)
	}
}

// overPipe watches a handler whose responses cannot be taken over.
func overPipe(ctx context.Context, h http.Handler, after string) iter.Seq2[sluice.Event, error] {
	return func(yield func(sluice.Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		out, in := io.Pipe()
		served := make(chan struct{})
		go func() {
			defer close(served)
			req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/?after="+after, nil)
			h.ServeHTTP(&pipeWriter{PipeWriter: in, header: http.Header{}}, req)
			_ = in.Close()
		}()
		parse(out, yield)
		cancel()
		_ = out.Close()
		<-served
	}
}

type pipeWriter struct {
	*io.PipeWriter
	header http.Header
}

func (w *pipeWriter) Header() http.Header { return w.header }
func (w *pipeWriter) WriteHeader(int)     {}
func (w *pipeWriter) Flush()              {}

func parse(body io.Reader, yield func(sluice.Event, error) bool) {
	var e sluice.Event
	lines := bufio.NewReaderSize(body, 4<<10)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			return
		}
		if err != nil {
			yield(sluice.Event{}, err)
			return
		}
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch key {
		case "id":
			e.ID = value
		case "event":
			e.Type = sluice.EventType(value)
		case "data":
			if err := decode(&e, value); err != nil {
				yield(e, err)
				return
			}
		case "":
			if !yield(e, nil) {
				return
			}
			e = sluice.Event{}
		}
	}
}

func decode(e *sluice.Event, data string) error {
	switch e.Type {
	case sluice.EventSnapshot:
		return json.Unmarshal([]byte(data), &e.Snapshot)
	case sluice.EventRelease:
		return json.Unmarshal([]byte(data), &e.Release)
	case sluice.EventHeartbeat:
		return json.Unmarshal([]byte(data), &e.Heartbeat)
	}
	return fmt.Errorf("unknown event %q", e.Type)
}

// follower reads from one small socket, and only when asked.
type follower struct {
	t testing.TB
	reader
	next  func() (sluice.Event, error, bool)
	close func()
}

func follow(t testing.TB, url string) *follower {
	client := &http.Client{Transport: smallSockets()}
	ctx, cancel := context.WithCancel(t.Context())
	next, stop := iter.Pull2(dial(ctx, client, url, ""))
	f := &follower{t: t, next: next, close: func() { cancel(); stop() }}
	t.Cleanup(f.close)
	return f
}

func smallSockets() *http.Transport {
	return &http.Transport{
		DisableKeepAlives: true,
		ReadBufferSize:    4 << 10,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return c, c.(*net.TCPConn).SetReadBuffer(16 << 10)
		},
	}
}

// want reads one event, of any type when none is given.
func (f *follower) want(t testing.TB, want sluice.EventType) {
	t.Helper()
	e, err, ok := f.next()
	if err != nil || !ok {
		t.Fatalf("the stream ended with %v, want a %s", err, want)
	}
	if want != "" && e.Type != want {
		t.Fatalf("got a %s (%s), want a %s", e.Type, e.ID, want)
	}
	if err := f.read(e); err != nil {
		t.Fatal(err)
	}
}

func followToEnd(t *testing.T, l *ledger, s *live.State, watch func(context.Context, string) iter.Seq2[sluice.Event, error]) {
	t.Helper()
	var r reader
	for e, err := range watch(t.Context(), "") {
		if err == nil {
			err = r.read(e)
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.manifest.Release == 3 {
			break
		}
		s.Committed([]sluice.Entry{l.deploy("production", "bot", int(r.manifest.Release)+1)})
	}
	if r.releases != 3 || r.snapshots != 1 {
		t.Fatalf("got %d releases and %d snapshots", r.releases, r.snapshots)
	}
}

func wantLines(t *testing.T, r *bufio.Reader, prefixes ...string) {
	t.Helper()
	for _, want := range prefixes {
		line, err := r.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, want) || (want == "" && line != "\n") {
			t.Fatalf("got %q and %v, want %q", line, err, want)
		}
	}
}
