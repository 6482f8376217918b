package crashtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// sealing opens a node that takes its master key from somewhere else.
func sealing(t *testing.T, cfg store.Config, master seal.Config) *node {
	t.Helper()
	db := must[*store.DB](t)(store.Open(as("alice"), cfg))
	n := &node{db: db, state: live.Open(live.Config{Source: db.Source(control.DefaultOrganization)})}
	n.Control = control.New(db, n.state, control.Config{Version: "test", Master: master})
	t.Cleanup(func() {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	})
	must[bool](t)(n.Bootstrap(as("alice")))
	return n
}

// many is how many values the rotations below seal anew, in several batches.
const many = 2_000

// seals sets many secrets. Their keys stand for their values.
func seals(t *testing.T, n *node) {
	t.Helper()
	for i, environment := range []string{"staging", "production"} {
		changes := make([]sluice.ChangeRequest, many/2)
		for j := range changes {
			key := fmt.Sprintf("K%d_%d_KEY", i, j)
			changes[j] = putting(key, "", "the value of "+key)
		}
		must[sluice.Outcome](t)(n.Deploy(as("alice"), sluice.DeployRequest{Environment: environment, Changes: changes}))
	}
}

// opens demands that every value opens to what was set, and that the ledger
// explains all of them.
func opens(t *testing.T, n *node) {
	t.Helper()
	count := 0
	for _, environment := range []string{"staging", "production"} {
		set := must[sluice.EffectiveSet](t)(n.Effective(as("alice"), sluice.EffectiveRequest{Environment: sluice.EnvironmentRef{Name: environment}, Reveal: true}))
		for _, v := range set.Variables {
			if !strings.HasPrefix(v.Key, "K") {
				continue
			}
			if count++; v.Value == nil || *v.Value != "the value of "+v.Key {
				t.Fatalf("%s in %s is %+v", v.Key, environment, v)
			}
		}
	}
	if report := holds(t, n, sluice.VerifyRequest{}); count != many || report.Opened != report.Sealed || report.Sealed < many {
		t.Errorf("%d values open; verified %+v", count, report)
	}
}

// dataKeys counts the values under each data key that is stored; those whose key
// is missing stand under -1.
func dataKeys(t *testing.T, db *sql.DB) map[int64]int {
	t.Helper()
	rows, err := db.Query(`SELECT k.number, count(s.key) FROM data_keys k LEFT JOIN sealed s ON s.key = k.number AND s.org = k.org GROUP BY k.number
		UNION ALL SELECT -1, count(*) FROM sealed WHERE key NOT IN (SELECT number FROM data_keys)`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[int64]int{}
	for rows.Next() {
		var number int64
		var count int
		if err := rows.Scan(&number, &count); err != nil {
			t.Fatal(err)
		}
		out[number] = count
	}
	return out
}

// halfway waits until a rotation has sealed some values anew and not all.
func halfway(t *testing.T, db *sql.DB, ended <-chan struct{}) bool {
	t.Helper()
	for range 50_000 {
		with := 0
		for number, count := range dataKeys(t, db) {
			if number > 0 && count > 0 {
				with++
			}
		}
		if with > 1 {
			return true
		}
		select {
		case <-ended:
			return false
		default:
		}
	}
	return false
}

// finishes demands that a rotation seals all values under one key, the only one
// that is left.
func finishes(t *testing.T, n *node, db *sql.DB) {
	t.Helper()
	report := must[sluice.KeyReport](t)(n.RotateKey(as("alice"), sluice.RotateKeyRequest{}))
	if keys := dataKeys(t, db); len(keys) != 2 || keys[report.Key] < many || keys[-1] != 0 {
		t.Errorf("after %+v there are %v", report, keys)
	}
	opens(t, n)
}

// TestRotationKilled kills a process while it seals values anew.
func TestRotationKilled(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n := must[*node](t)(start(as("alice"), cfg))
		seals(t, n)
		if err := n.close(); err != nil {
			t.Fatal(err)
		}
		db := raw(t, cfg)
		for range 3 {
			run(t, order{Dir: cfg.Dir, Postgres: cfg.Postgres, Rotate: true}, 0, func(p *os.Process) error {
				if !halfway(t, db, nil) {
					t.Error("the rotation has ended")
				}
				return p.Kill()
			})
			keys := dataKeys(t, db)
			if len(keys) < 3 || keys[-1] != 0 {
				t.Errorf("after the kill there are %v", keys)
			}
			opens(t, open(t, cfg))
		}
		finishes(t, open(t, cfg), db)
	})
}

// TestRotationBrokenOff ends the request of a rotation between two batches.
func TestRotationBrokenOff(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n := open(t, cfg)
		seals(t, n)
		db := raw(t, cfg)
		brokenOff := func() error {
			ctx, cancel := context.WithCancel(as("alice"))
			defer cancel()
			ended := make(chan struct{})
			var err error
			go func() {
				defer close(ended)
				_, err = n.RotateKey(ctx, sluice.RotateKeyRequest{})
			}()
			halfway(t, db, ended)
			cancel()
			<-ended
			return err
		}
		err := brokenOff()
		for range 20 { // some are at their end before they can be stopped
			if err != nil {
				break
			}
			err = brokenOff()
		}
		if sluice.CodeOf(err) != sluice.TimedOut {
			t.Errorf("the rotation says %v", err)
		}
		opens(t, n)
		must[sluice.Outcome](t)(n.Deploy(as("alice"), sluice.DeployRequest{Environment: "development", Changes: []sluice.ChangeRequest{putting("AFTER_KEY", "", "x")}}))
		opens(t, open(t, cfg))
		finishes(t, n, db)
	})
}

// TestRotationBesideAnotherServer lets one server rotate while another, which read
// its keys before, sets and reveals. What it answers for is there afterwards.
func TestRotationBesideAnotherServer(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		file := filepath.Join(t.TempDir(), "master.key")
		writeKey(t, file, newKey(t))
		here, there := sealing(t, cfg, seal.Config{File: file}), sealing(t, cfg, seal.Config{File: file})
		seals(t, here)
		if got := revealed(t, there, "staging", "K0_1_KEY"); got != "the value of K0_1_KEY" {
			t.Fatalf("the other server reveals %q", got)
		}
		done := make(chan struct{})
		var rotations sync.WaitGroup
		rotations.Go(func() {
			defer close(done)
			for i := range 4 {
				if _, err := here.RotateKey(as("alice"), sluice.RotateKeyRequest{Master: i%2 == 1}); err != nil {
					t.Error(err)
				}
			}
		})
		acknowledged := setsUntil(t, there, done)
		rotations.Wait()
		for _, n := range []*node{here, there, sealing(t, cfg, seal.Config{File: file})} {
			for key, want := range acknowledged {
				if got := revealed(t, n, "development", key); got != want {
					t.Errorf("afterwards %s is %q, not %q", key, got, want)
				}
			}
			opens(t, n)
		}
		if len(acknowledged) == 0 {
			t.Error("nothing was set meanwhile")
		}
	})
}

// setsUntil sets and reveals until others are done, and returns what was
// acknowledged.
func setsUntil(t *testing.T, n *node, done <-chan struct{}) map[string]string {
	t.Helper()
	acknowledged := map[string]string{}
	for i := 0; ; i++ {
		key, value := fmt.Sprintf("DURING_%d_KEY", i%50), fmt.Sprintf("value %d", i)
		_, err := n.Deploy(as("bob"), sluice.DeployRequest{Environment: "development", Changes: []sluice.ChangeRequest{putting(key, "", value)}})
		if err == nil {
			acknowledged[key] = value
		} else if sluice.CodeOf(err) != sluice.Unavailable || len(sluice.AsError(err).Fixes) == 0 {
			t.Errorf("set while keys rotate: %v", err)
		}
		if want := acknowledged[key]; want != "" && revealed(t, n, "development", key) != want {
			t.Errorf("%s is not %q", key, want)
		}
		select {
		case <-done:
			return acknowledged
		default:
		}
	}
}

// revealed is a value, as it is shown to an administrator.
func revealed(t *testing.T, n *node, environment, key string) string {
	t.Helper()
	v := must[sluice.Variable](t)(n.Variable(as("alice"), sluice.VariableRequest{Environment: sluice.EnvironmentRef{Name: environment}, Key: key, Reveal: true}))
	if v.Value == nil {
		t.Fatalf("%s has no value: %+v", key, v)
	}
	return *v.Value
}

// TestRotationsAtOnce: of two rotations that meet, each ends or says why not, and
// the next leaves one key.
func TestRotationsAtOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		nodes := []*node{open(t, cfg), open(t, cfg)}
		seals(t, nodes[0])
		for range 3 {
			errs := make([]error, len(nodes))
			var both sync.WaitGroup
			for i, n := range nodes {
				both.Go(func() { errs[i] = second(n.RotateKey(as("alice"), sluice.RotateKeyRequest{})) })
			}
			both.Wait()
			for _, err := range errs {
				if code := sluice.CodeOf(err); code != "" && code != sluice.Unavailable && code != sluice.Conflict {
					t.Errorf("a rotation beside another: %v", err)
				}
			}
			opens(t, nodes[0])
			opens(t, nodes[1])
		}
		finishes(t, nodes[0], raw(t, cfg))
	})
}
