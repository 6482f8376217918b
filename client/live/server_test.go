package live_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	hub "github.com/sluice-dev/sluice/internal/live"
)

// TestOverHTTP follows a real hub over a socket, through its restart.
func TestOverHTTP(t *testing.T) {
	l := &ledger{manifest: sluice.Manifest{Environment: "production", Root: sluice.RootHash(nil)}}
	first, address, stop := l.serve(t, "127.0.0.1:0")
	services, err := client.New(client.Config{Server: "http://" + address})
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(t, nil)
	cfg.Services = services
	c := open(t, cfg)
	move := func(state *hub.State, version int) {
		t.Helper()
		changed := c.Changed()
		state.Committed([]sluice.Entry{l.deploy(version)})
		<-changed
		wantVersion(t, c, "bot", version)
	}
	move(first, 1)
	move(first, 2)
	stop()
	changed := c.Changed()
	l.deploy(3) // while no server is there
	second, _, stop := l.serve(t, address)
	defer stop()
	<-changed
	wantVersion(t, c, "bot", 3)
	move(second, 4)
	if snapshots, releases := l.told(); snapshots != 1 || releases != 1 {
		t.Fatalf("read %d manifests after the restart and %d times releases, want the resume from releases", snapshots, releases)
	}
}

// ledger is the least that a hub reads from.
type ledger struct {
	mu        sync.Mutex
	manifest  sluice.Manifest
	releases  []sluice.Release
	manifests int // read since the last restart
	resumes   int
}

func (l *ledger) serve(t *testing.T, address string) (*hub.State, string, func()) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	l.manifests, l.resumes = 0, 0
	l.mu.Unlock()
	state := hub.Open(hub.Config{Source: l})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/watch", func(w http.ResponseWriter, r *http.Request) {
		req := sluice.WatchRequest{Environment: r.FormValue("environment"), After: r.FormValue("after")}
		if err := state.Stream(w, r, req); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	server := &http.Server{Handler: mux}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	return state, listener.Addr().String(), func() {
		_ = server.Close()
		_ = state.Close()
		<-served
	}
}

func (l *ledger) deploy(version int) sluice.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := sluice.Release{
		Environment: "production", Number: l.manifest.Release + 1, Epoch: l.manifest.Epoch + 1,
		Changes: []sluice.SlotChange{{Slot: sluice.ComponentSlot("bot"), To: settled(version)}},
	}
	r.Root = sluice.RootHash(l.manifest.Apply(r).Slots)
	l.manifest = *l.manifest.Apply(r)
	l.releases = append(l.releases, r)
	body, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return sluice.Entry{Seq: r.Epoch, Kind: sluice.EntryRelease, Subject: r.Ref(), Payload: body}
}

func (l *ledger) told() (manifests, resumes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.manifests, l.resumes
}

func (l *ledger) Position(context.Context) (sluice.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return sluice.Position{Ledger: "ledger-1", Seq: l.manifest.Epoch}, nil
}

func (l *ledger) Entries(context.Context, int64, int) ([]sluice.Entry, error) { return nil, nil }

func (l *ledger) Manifest(context.Context, string) (sluice.Manifest, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.manifests++
	return l.manifest, nil
}

func (l *ledger) ReleasesAfter(_ context.Context, _ string, epoch int64, _ int) ([]sluice.Release, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resumes++
	var out []sluice.Release
	for _, r := range l.releases {
		if r.Epoch > epoch {
			out = append(out, r)
		}
	}
	return out, nil
}
