package control_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

func TestMain(m *testing.M) {
	// Fewer and longer runs than rapid makes by itself; flags still say otherwise.
	for name, value := range map[string]string{"rapid.checks": "12", "rapid.steps": "60"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	flag.Parse()
	os.Exit(pgtest.Run(m))
}

// TestModel makes random changes of every kind through control and demands that
// everything that can be asked afterwards is what a naive slice of snapshots
// says: what is live, what was at any release and time, what a rollback
// uncovers, what differs, and every root hash.
func TestModel(t *testing.T) {
	for _, engine := range []struct {
		name  string
		empty func(t *testing.T) store.Config
	}{
		{"sqlite", func(t *testing.T) store.Config { return store.Config{Dir: t.TempDir()} }},
		{"postgres", func(t *testing.T) store.Config { return store.Config{Postgres: pgtest.New(t)} }},
	} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				m := open(rt, engine.empty(t))
				rt.Repeat(map[string]func(*rapid.T){"step": m.step, "": m.check})
				m.verify(rt)
			})
		})
	}
}

// machine is the code under test beside the model of it.
type machine struct {
	*control.Control
	model *world
	state *live.State
	tries int
}

var (
	partNames  = []string{"alpha", "beta", "gamma"}
	placeNames = []string{"base", "development", "staging", "production", "canary", "debug"}
	authors    = []string{"alice", "bob"}
)

func open(rt *rapid.T, cfg store.Config) *machine {
	start := time.Date(2024, 11, 12, 14, 0, 0, 0, time.UTC)
	m := &machine{model: newWorld(sluice.TimeOf(start))}
	cfg.Now = func() time.Time { return m.model.clock.Std() }
	m.Control, m.state = install(rt, cfg)
	first := picked{T: rt, Rand: rand.New(rand.NewPCG(0, 0)), m: m, actor: "alice"}
	m.seed(rt)
	for range 8 { // so that each step has something to choose from
		m.publish(first)
	}
	return m
}

// install opens an empty installation.
func install(rt *rapid.T, cfg store.Config) (*control.Control, *live.State) {
	db := must(store.Open(as("alice"), cfg))(rt)
	state := live.Open(live.Config{Source: db.Source(control.DefaultOrganization)})
	c := control.New(db, state, control.Config{Version: "test", Master: seal.Config{Key: must(seal.NewIdentity())(rt)}})
	rt.Cleanup(func() {
		if err := errors.Join(state.Close(), db.Close()); err != nil {
			rt.Error(err)
		}
	})
	must(c.Bootstrap(as("alice")))(rt)
	return c, state
}

func must[T any](v T, err error) func(*rapid.T) T {
	return func(rt *rapid.T) T {
		if err != nil {
			rt.Fatal(err)
		}
		return v
	}
}

func as(name string) context.Context {
	return sluice.WithActor(context.Background(), sluice.Actor{Name: name, Roles: []sluice.Role{sluice.RoleAdmin}})
}

func number(n int) string { return strconv.Itoa(n) }

// step makes one change. All its choices come from one drawn number, since
// rapid's own favour what is first and small, while a run shrinks by leaving out
// steps, which rapid does.
func (m *machine) step(rt *rapid.T) {
	p := m.pick(rt)
	oneOf(p, []func(picked){
		m.publish, m.deploy, m.deploy, m.deploy, m.deployTwo, m.split, m.unset, m.hide, m.promote, m.promote,
		m.back, m.back, m.backTo, m.backAt, m.revert, m.restore, m.quarantine,
		m.setVariables, m.setVariables, m.setVariables, m.unsetVariable, m.importVariables, m.rotateKey, m.shredVariable,
		m.create, m.create, m.create, m.edit, m.edit, m.remove, m.importPast, m.moveClock,
	})(p)
}

// picked are the choices that most changes need.
type picked struct {
	*rapid.T
	*rand.Rand
	m     *machine
	actor string
	dry   bool
	try   string // idempotency key
}

func (m *machine) pick(rt *rapid.T) picked {
	seed := rapid.Uint64().Draw(rt, "choices")
	p := picked{T: rt, Rand: rand.New(rand.NewPCG(seed, 0)), m: m}
	p.actor, p.dry = oneOf(p, authors), p.oneIn(12)
	if p.oneIn(8) {
		m.tries++
		p.try = fmt.Sprintf("try-%d", m.tries)
	}
	return p
}

func oneOf[T any](p picked, list []T) T { return list[p.IntN(len(list))] }

func (p picked) oneIn(n int) bool { return p.IntN(n) == 0 }

func (p picked) shuffled(names []string) []string {
	out := slices.Clone(names)
	p.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func (p picked) change() sluice.Change { return sluice.Change{DryRun: p.dry, IdempotencyKey: p.try} }

// place is an environment that lives.
func (p picked) place() *place {
	return oneOf(p, p.m.model.living())
}

// part is a component that has a version.
func (p picked) part() string {
	return oneOf(p, slices.Sorted(maps.Keys(p.m.model.components)))
}

func (p picked) version(component string) int {
	return 1 + p.IntN(len(p.m.model.components[component].digests))
}

// expected is a version to expect, mostly the right one, and mostly none.
func (p picked) expected(e *place, component string) string {
	if !p.oneIn(4) {
		return ""
	}
	v := e.after(e.latest()).of(component).value
	switch {
	case p.oneIn(4):
		return number(p.version(component))
	case !v.Live():
		return "none"
	}
	return number(v.Version)
}

// release is the number of some release of an environment, or 0.
func (p picked) release(e *place) int64 {
	return p.Int64N(e.latest() + 1)
}

// point is some moment of an environment, as a reference names it, and the
// release that it means.
func (p picked) point(e *place) (string, int64) {
	n := p.release(e)
	if n == 0 || p.oneIn(2) {
		return fmt.Sprintf("%s#%d", e.name, n), n
	}
	t := e.past[n-1].at + sluice.Time(p.Int64N(3)-1)
	return fmt.Sprintf("%s@%s", e.name, t), e.at(t, p.m.model.now())
}

// only selects components as a request does: all when it names none.
func (p picked) only() ([]string, func(string) bool) {
	if !p.oneIn(2) {
		return nil, func(string) bool { return true }
	}
	name := p.part()
	return []string{name}, func(s string) bool { return s == name }
}
