package live_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
)

// TestStaleAtOnce kills a server that a client follows over a socket: a broken or
// refused connection is known at once, without waiting for a heartbeat that does
// not come, and the first event of the next server ends it.
func TestStaleAtOnce(t *testing.T) {
	t.Parallel()
	l := &ledger{manifest: sluice.Manifest{Environment: "production", Root: sluice.RootHash(nil)}}
	_, address, stop := l.serve(t, "127.0.0.1:0")
	services, err := client.New(client.Config{Server: "http://" + address})
	if err != nil {
		t.Fatal(err)
	}
	said := make(journal, 1000)
	cfg := config(t, nil)
	cfg.Services, cfg.Log, cfg.Silence = services, slog.New(said), time.Hour
	c := open(t, cfg)
	if c.Stale() {
		t.Fatal("stale although the server was just heard")
	}
	stop()
	if line := said.until(t, "the server cannot be heard"); !c.Stale() || strings.Contains(line, "nil") {
		t.Fatalf("stale %v, and the log says %q", c.Stale(), line)
	}
	said.until(t, "the server cannot be heard") // refused
	_, _, stop = l.serve(t, address)
	defer stop()
	if said.until(t, "the server is heard again"); c.Stale() {
		t.Fatal("stale although the server is back")
	}
}

// journal is a log that a test reads.
type journal chan string

func (j journal) Enabled(context.Context, slog.Level) bool { return true }
func (j journal) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j journal) WithGroup(string) slog.Handler            { return j }

func (j journal) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	j <- line
	return nil
}

// until reads on until a line holds a text.
func (j journal) until(t *testing.T, text string) string {
	t.Helper()
	for {
		select {
		case line := <-j:
			if strings.Contains(line, text) {
				return line
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("the log does not say %q", text)
		}
	}
}
