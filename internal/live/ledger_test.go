package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/live"
)

// ledger is a whole ledger in memory, as a store would keep it.
type ledger struct {
	mu        sync.Mutex
	id        string
	entries   []sluice.Entry
	releases  map[string][]sluice.Release
	manifests map[string]*sluice.Manifest
	err       error // what every read answers, when set
	reads     map[string]int
	// after is called once with the next read, when what it answers is settled
	// and nobody has it yet.
	after func()
}

var _ live.Source = (*ledger)(nil)

var errAway = errors.New("the database is away")

func newLedger(environments ...string) *ledger {
	l := &ledger{id: "ledger-1", releases: map[string][]sluice.Release{}, manifests: map[string]*sluice.Manifest{}, reads: map[string]int{}}
	for _, name := range environments {
		l.create(name)
	}
	return l
}

func (l *ledger) record(kind, subject string, payload any) sluice.Entry {
	body, err := json.Marshal(payload)
	if err != nil {
		panic(err)
	}
	e := sluice.Entry{Seq: int64(len(l.entries)) + 1, Kind: kind, Subject: subject, Payload: body}
	l.entries = append(l.entries, e)
	return e
}

func (l *ledger) create(name string) sluice.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.manifests[name] = &sluice.Manifest{Environment: name, Root: sluice.RootHash(nil)}
	return l.record(sluice.EntryEnvironmentCreate, name, sluice.Environment{Name: name})
}

func (l *ledger) edit(name, alias string) sluice.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.manifests[name].Alias = alias
	return l.record(sluice.EntryEnvironmentEdit, name, sluice.Environment{Name: name, Alias: alias})
}

func (l *ledger) delete(name string) sluice.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.manifests, name)
	return l.record(sluice.EntryEnvironmentDelete, name, sluice.Environment{Name: name, Deleted: true})
}

// publish records something that no environment notices.
func (l *ledger) publish() sluice.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.record(sluice.EntryVersionPublish, "bot@1", sluice.Version{Component: "bot", Number: 1})
}

// deploy makes one component live, or with version 0 takes it away.
func (l *ledger) deploy(environment, component string, version int) sluice.Entry {
	return l.release(environment, component, version, "")
}

// deployBig is a deploy that takes many bytes to tell.
func (l *ledger) deployBig(environment, component string, version int) sluice.Entry {
	return l.release(environment, component, version, strings.Repeat("because ", 500))
}

func (l *ledger) release(environment, component string, version int, reason string) sluice.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.manifests[environment]
	change := sluice.SlotChange{Slot: sluice.ComponentSlot(component)}
	if before, ok := m.Find(change.Slot); ok {
		change.From = before.Value
	}
	if version > 0 {
		change.To = sluice.Settle(sluice.Pin{Version: version, Digest: sluice.DigestBytes([]byte(fmt.Sprint(component, version)))})
	}
	r := sluice.Release{
		Environment: environment, Number: m.Release + 1, Epoch: int64(len(l.entries)) + 1,
		Action: sluice.ActionDeploy, Reason: reason, Changes: []sluice.SlotChange{change},
	}
	r.Root = sluice.RootHash(m.Apply(r).Slots)
	l.manifests[environment] = m.Apply(r)
	l.releases[environment] = append(l.releases[environment], r)
	return l.record(sluice.EntryRelease, r.Ref(), r)
}

func (l *ledger) now(environment string) sluice.Manifest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.manifests[environment]
}

func (l *ledger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *ledger) count(read string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reads[read]
}

func (l *ledger) read(what string) (func(), error) {
	l.mu.Lock()
	l.reads[what]++
	return func() {
		after := l.after
		l.after = nil
		l.mu.Unlock()
		if after != nil {
			after()
		}
	}, l.err
}

// during has something happen while the next answer of the source is under way.
func (l *ledger) during(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.after = f
}

func (l *ledger) Position(context.Context) (sluice.Position, error) {
	done, err := l.read("position")
	defer done()
	return sluice.Position{Ledger: l.id, Seq: int64(len(l.entries))}, err
}

func (l *ledger) Entries(_ context.Context, after int64, limit int) ([]sluice.Entry, error) {
	done, err := l.read("entries")
	defer done()
	if err != nil {
		return nil, err
	}
	rest := l.entries[min(int(after), len(l.entries)):]
	return append([]sluice.Entry(nil), rest[:min(limit, len(rest))]...), nil
}

func (l *ledger) Manifest(_ context.Context, environment string) (sluice.Manifest, error) {
	done, err := l.read("manifest")
	defer done()
	if err != nil {
		return sluice.Manifest{}, err
	}
	m := l.manifests[environment]
	if m == nil {
		return sluice.Manifest{}, sluice.Errorf(sluice.NotFound, "there is no environment %s", environment)
	}
	return *m, nil
}

func (l *ledger) ReleasesAfter(_ context.Context, environment string, epoch int64, limit int) ([]sluice.Release, error) {
	done, err := l.read("releases")
	defer done()
	var out []sluice.Release
	for _, r := range l.releases[environment] {
		if r.Epoch > epoch && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, err
}

func open(t testing.TB, cfg live.Config) *live.State {
	cfg.Log = slog.New(slog.DiscardHandler)
	s := live.Open(cfg)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// reader folds events into a manifest and fails when one is missing or double.
type reader struct {
	manifest  *sluice.Manifest
	last      string
	snapshots int
	releases  int
	beats     int
	resets    int
}

func (r *reader) read(e sluice.Event) error {
	switch e.Type {
	case sluice.EventSnapshot:
		m := e.Snapshot.Manifest
		if r.manifest != nil && !e.Snapshot.Reset && m.Release < r.manifest.Release {
			return fmt.Errorf("a snapshot goes back from release %d to %d", r.manifest.Release, m.Release)
		}
		r.manifest = &m
		r.snapshots++
		if e.Snapshot.Reset {
			r.resets++
		}
	case sluice.EventRelease:
		if r.manifest == nil {
			return fmt.Errorf("release %d came before a snapshot", e.Release.Number)
		}
		if e.Release.Number != r.manifest.Release+1 {
			return fmt.Errorf("release %d follows %d", e.Release.Number, r.manifest.Release)
		}
		r.manifest = r.manifest.Apply(*e.Release)
		r.releases++
	case sluice.EventHeartbeat:
		r.beats++
		if e.Heartbeat.Release != r.manifest.Release || e.Heartbeat.Root != r.manifest.Root {
			return fmt.Errorf("a heartbeat says release %d, root %s; this is at %d, %s",
				e.Heartbeat.Release, e.Heartbeat.Root.Short(), r.manifest.Release, r.manifest.Root.Short())
		}
	}
	if got := sluice.RootHash(r.manifest.Slots); got != r.manifest.Root {
		return fmt.Errorf("release %d has root %s; what was built has %s", r.manifest.Release, r.manifest.Root, got)
	}
	r.last = e.ID
	return nil
}
