package crashtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/store"
)

const (
	writers = 4
	rounds  = 50

	// followers inherit from base: staging and production. Development tracks the
	// latest version, so it holds its own.
	followers = 2
)

// ack is a release that a child has answered for.
type ack struct {
	writer, i      int
	environment    string
	release, epoch int64
}

// heard is what one child said before it ended.
type heard struct {
	acks []ack
	seen string // the last event that its client saw
	at   int64  // the release of that event
	errs bytes.Buffer
}

// TestKill kills a writing server again and again, and holds what is found
// afterwards against what it had said.
func TestKill(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		next := prepare(t, cfg)
		acknowledged := 0
		for round := range rounds {
			lines := rand.IntN(60)
			h := run(t, order{Dir: cfg.Dir, Postgres: cfg.Postgres, Start: next, Watch: true}, lines, (*os.Process).Kill)
			acknowledged += len(h.acks)
			if checkRound(t, cfg, h, next); t.Failed() {
				t.Fatalf("round %d, killed after %d lines", round, lines)
			}
		}
		t.Logf("%d kills, %d releases acknowledged", rounds, acknowledged)
	})
}

// TestPowerCut crashes PostgreSQL itself under a writing server.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	cfg := store.Config{Postgres: cluster.New(t)}
	next := prepare(t, cfg)
	for range 2 {
		h := run(t, order{Postgres: cfg.Postgres, Start: next, Watch: true}, 40, func(p *os.Process) error {
			defer p.Kill() // it may be waiting for the server to come back
			return cluster.Crash()
		})
		if err := cluster.Restart(); err != nil {
			t.Fatal(err)
		}
		checkRound(t, cfg, h, next)
	}
}

// prepare publishes what the writers deploy.
func prepare(t *testing.T, cfg store.Config) []int {
	n := must[*node](t)(start(as("alice"), cfg))
	defer n.close()
	for w := range writers {
		publish(t, n, componentOf(w), 0)
		publish(t, n, componentOf(w), 1)
	}
	return make([]int, writers)
}

// run starts a child, ends it after so many lines, and returns all it said.
func run(t *testing.T, o order, lines int, end func(*os.Process) error) *heard {
	t.Helper()
	h := &heard{}
	cmd := exec.Command(must[string](t)(os.Executable()))
	cmd.Env = append(os.Environ(), childVariable+"="+string(must[[]byte](t)(json.Marshal(o))))
	cmd.Stderr = &h.errs
	out := bufio.NewScanner(must[io.ReadCloser](t)(cmd.StdoutPipe()))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	for count := 0; ; count++ {
		if count == lines && !ended {
			ended = true
			if err := end(cmd.Process); err != nil {
				t.Fatal(err)
			}
		}
		if !out.Scan() {
			break
		}
		h.line(t, out.Text(), ended)
	}
	_ = cmd.Wait() // it was killed
	if !ended {
		t.Fatalf("the child ended by itself: %s", h.errs.String())
	}
	return h
}

func (h *heard) line(t *testing.T, line string, ended bool) {
	var a ack
	if n, _ := fmt.Sscanf(line, "ack %d %d %s %d %d", &a.writer, &a.i, &a.environment, &a.release, &a.epoch); n == 5 {
		h.acks = append(h.acks, a)
	} else if n, _ := fmt.Sscanf(line, "seen %s %d", &h.seen, &h.at); n != 2 && !ended {
		t.Errorf("the child said %q", line)
	}
}

// checkRound checks what one child left, completes what it left open, and moves
// each writer to its next request.
func checkRound(t *testing.T, cfg store.Config, h *heard, next []int) {
	t.Helper()
	n := must[*node](t)(start(as("alice"), cfg))
	defer n.close()
	checkWatch(t, n, h)
	for _, a := range h.acks {
		if r := releaseOf(t, n, a.environment, a.release); r.Reason != fmt.Sprintf("%d-%d", a.writer, a.i) || r.Epoch != a.epoch {
			t.Errorf("acknowledged %+v, found %+v", a, r)
		}
		next[a.writer] = a.i + 1
	}
	for w := range next {
		retry(t, n, w, next[w])
		next[w]++
	}
	holds(t, n, sluice.VerifyRequest{})
	checkInherited(t, n)
}

// retry sends a request again of which nobody knows whether it was committed,
// and finds exactly one release of it.
func retry(t *testing.T, n *node, writer, i int) {
	t.Helper()
	req := request(writer, i)
	first := must[sluice.Outcome](t)(n.Deploy(as("alice"), req))
	again := must[sluice.Outcome](t)(n.Deploy(as("alice"), req))
	if !again.Replayed || again.Release == nil || first.Release == nil || again.Release.Number != first.Release.Number {
		t.Errorf("two tries of %s: %+v and %+v", req.IdempotencyKey, first, again)
	}
	count := 0
	page := must[sluice.Page[sluice.Release]](t)(n.Releases(as("alice"), sluice.ReleaseQuery{Environment: req.Environment, Paging: sluice.Paging{Limit: 200}}))
	for _, r := range page.Items {
		if r.Reason == req.IdempotencyKey {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d releases of %s", count, req.IdempotencyKey)
	}
}

func releaseOf(t *testing.T, n *node, environment string, number int64) (r sluice.Release) {
	t.Helper()
	err := n.db.View(as("alice"), "default", func(tx *store.Tx) (err error) {
		r, err = tx.Release(environment, number)
		return err
	})
	if err != nil {
		t.Errorf("acknowledged and lost: %v", err)
	}
	return r
}

// checkInherited checks that the releases which followed one of base were
// committed with it: all or none.
func checkInherited(t *testing.T, n *node) {
	t.Helper()
	followed := map[string]int{}
	page := must[sluice.Page[sluice.Release]](t)(n.Releases(as("alice"), sluice.ReleaseQuery{Paging: sluice.Paging{Limit: 400}}))
	for _, r := range page.Items {
		if r.Action == sluice.ActionInherited {
			followed[r.Cause]++
		}
		// The releases that follow stand right behind theirs.
		if r.Environment == sluice.Base && followed[r.Ref()] != followers {
			t.Errorf("%s was followed %d times, not %d", r.Ref(), followed[r.Ref()], followers)
		}
	}
}

// checkWatch resumes the client that lost its server.
func checkWatch(t *testing.T, n *node, h *heard) {
	t.Helper()
	if h.seen == "" {
		return // it was killed before its client had connected
	}
	m := must[sluice.Manifest](t)(n.State(as("alice"), sluice.EnvironmentRef{Name: "production"}))
	at := h.at
	for e, err := range n.Watch(as("alice"), sluice.WatchRequest{Environment: "production", After: h.seen}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Snapshot != nil:
			t.Fatalf("a client that saw %s (release %d) gets a snapshot of release %d", h.seen, h.at, e.Snapshot.Release)
		case e.Release != nil && e.Release.Number != at+1:
			t.Fatalf("release %d follows release %d", e.Release.Number, at)
		case e.Release != nil:
			at = e.Release.Number
		case e.Heartbeat.Release != at || at < m.Release:
			// PostgreSQL may have carried out what the killed child asked for since m was read.
			t.Fatalf("the client stands at release %d, the heartbeat says %d, stored is %d", at, e.Heartbeat.Release, m.Release)
		default:
			return
		}
	}
}
