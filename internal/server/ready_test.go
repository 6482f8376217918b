package server_test

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/server"
)

// TestNotReadyWhileTheDatabaseHangs has a database take what is asked and say
// nothing. Nobody who asks whether the server is ready waits for it, and the server
// is ready again with the database's next word.
func TestNotReadyWhileTheDatabaseHangs(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	way := hang(t, u)
	s := start(t, server.Config{Data: t.TempDir(), Postgres: u.String()})
	t.Cleanup(func() { way.mute.Store(false) }) // before the server stops
	asking := &http.Client{Timeout: 30 * time.Second}
	ready := func() (int, error) {
		resp, err := asking.Get(s.URL() + "/readyz")
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	if got, err := ready(); got != http.StatusOK {
		t.Fatalf("at first: got %d, %v", got, err)
	}
	way.mute.Store(true)
	answers := make(chan int, 10)
	for range cap(answers) {
		go func() {
			got, _ := ready()
			answers <- got
		}()
	}
	for range cap(answers) {
		if got := <-answers; got != http.StatusServiceUnavailable {
			t.Fatalf("while the database hangs: got %d, want 503", got)
		}
	}
	way.mute.Store(false)
	way.cut()
	for got, err := ready(); got != http.StatusOK; got, err = ready() {
		if err != nil {
			t.Fatalf("once the database answers: %d, %v", got, err)
		}
	}
}

// way is what stands between a server and its database.
type way struct {
	mute  atomic.Bool // takes everything and passes nothing on
	conns chan net.Conn
}

// hang puts a way before the database of a URL, which it changes.
func hang(t *testing.T, u *url.URL) *way {
	t.Helper()
	network, address := "tcp", u.Host
	if host := u.Query().Get("host"); host != "" {
		network, address = "unix", host+"/.s.PGSQL."+cmp.Or(u.Query().Get("port"), "5432")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w := &way{conns: make(chan net.Conn, 1000)}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial(network, address)
			if err != nil {
				_ = near.Close()
				continue
			}
			w.conns <- near
			go w.pass(far, near)
			go w.pass(near, far)
		}
	}()
	q := u.Query()
	q.Del("host")
	q.Del("port")
	u.Host, u.RawQuery = l.Addr().String(), q.Encode()
	return w
}

func (w *way) pass(to, from net.Conn) {
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if w.mute.Load() {
			continue
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// cut ends the connections that have missed something.
func (w *way) cut() {
	for {
		select {
		case c := <-w.conns:
			_ = c.Close()
		default:
			return
		}
	}
}
