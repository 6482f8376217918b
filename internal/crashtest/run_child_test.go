package crashtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/runner"
	"github.com/sluice-dev/sluice/internal/runner/outbound"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// workOrder has a child carry runs out until it is killed.
type workOrder struct {
	// Run is the only one that it takes; with "" it takes any.
	Run string
	// Lease and Poll are in milliseconds, 300 and 20 unless they are set.
	Lease, Poll int
	// AtOnce bounds the runs that it carries out at once, 64 unless it is set.
	AtOnce int
	// Call ends the child at its N-th return, counted from 1, of the method named or
	// of any that changes or reads a run: before the call, or with After behind it.
	Call  string
	N     int
	After bool
	// Lapse keeps it from extending its leases, as when it is stopped.
	Lapse bool
}

// work is the child's part. It says each commit that ended a run or a turn, or was
// refused.
func (o workOrder) work(cfg store.Config, out, errs io.Writer) int {
	n, err := startWorking(as("alice"), cfg)
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	m := &mortal{Journal: n.Control, order: o, say: sayer{out: out}}
	r, err := worker(m, o, errs)
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	n.OnRun(r.Wake, r.Stop)
	if o.Run != "" {
		r.Carry(o.Run)
	} else {
		r.Start()
	}
	m.say.line("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent lets go of it
	r.Close()
	_ = n.close()
	return 0
}

// startWorking opens a node that can run things.
func startWorking(ctx context.Context, cfg store.Config) (*node, error) {
	db, err := store.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	n := &node{db: db, state: live.Open(live.Config{Source: db.Source(control.DefaultOrganization)})}
	n.Control = control.New(db, n.state, control.Config{
		Version: "test", Master: seal.Config{Key: os.Getenv(keyVariable)}, Eval: expr.Direct{},
	})
	if _, err := n.Bootstrap(ctx); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// openWorking is startWorking for a test, which closes the node when it ends.
func openWorking(t *testing.T, cfg store.Config) *node {
	t.Helper()
	n := must[*node](t)(startWorking(as("alice"), cfg))
	t.Cleanup(func() {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// worker is a worker as a server has it, in more of a hurry.
func worker(j runner.Journal, o workOrder, log io.Writer) (*runner.Runner, error) {
	client, err := outbound.New(outbound.Config{Version: "test"})
	if err != nil {
		return nil, err
	}
	if o.Run != "" {
		o.AtOnce = 1
	}
	return runner.New(runner.Config{
		Journal: j, Eval: expr.Direct{}, Client: client, Embedded: o.Run != "", Concurrency: o.AtOnce,
		Lease: time.Duration(orElse(o.Lease, 300)) * time.Millisecond, Poll: time.Duration(orElse(o.Poll, 20)) * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}), nil
}

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// carries has a worker in this process carry runs out until the test ends or it
// is stopped.
func carries(t *testing.T, n *node, o workOrder) (counted *mortal, stop func()) {
	t.Helper()
	var log bytes.Buffer
	counted = &mortal{Journal: n.Control, order: o}
	r := must[*runner.Runner](t)(worker(counted, o, &log))
	n.OnRun(r.Wake, r.Stop)
	r.Start()
	stop = sync.OnceFunc(func() {
		r.Close()
		if log.Len() > 0 {
			t.Errorf("the worker complains: %s", log.String())
		}
	})
	t.Cleanup(stop)
	return counted, stop
}

// mortal is a journal whose process dies at a boundary that was ordered. Without
// an order it counts how often each run ended.
type mortal struct {
	runner.Journal
	order workOrder
	say   sayer

	mu     sync.Mutex
	calls  int
	loaded bool // a run, since runs were last looked for
	ended  map[string]int
}

// around makes a call, and dies before or after it when its turn has come.
func (m *mortal) around(name string, call func() (counts bool)) {
	dies := func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.calls++
		return m.calls == m.order.N
	}
	counted := m.order.N > 0 && (m.order.Call == name || m.order.Call == "" && name != "ExtendRuns")
	if counted && !m.order.After && name != "ClaimRuns" && dies() {
		die()
	}
	if counts := call(); counted && counts && (m.order.After || name == "ClaimRuns") && dies() {
		die()
	}
}

// die ends this process at once, as the system does when memory is out.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// ClaimRuns counts when it claims something: before that nothing is at stake. A
// worker for one run asks only when it does nothing else.
func (m *mortal) ClaimRuns(ctx context.Context, worker, only string, limit int, lease time.Duration) (out []sluice.RunClaim, err error) {
	m.mu.Lock()
	if m.loaded && m.order.Run != "" {
		m.tell("idle")
	}
	m.loaded = false
	m.mu.Unlock()
	m.around("ClaimRuns", func() bool {
		out, err = m.Journal.ClaimRuns(ctx, worker, only, limit, lease)
		return len(out) > 0
	})
	return out, err
}

// LoadRun dies around the real one.
func (m *mortal) LoadRun(ctx context.Context, claim sluice.RunClaim) (out sluice.RunWork, err error) {
	m.mu.Lock()
	m.loaded = true
	m.mu.Unlock()
	m.around("LoadRun", func() bool {
		out, err = m.Journal.LoadRun(ctx, claim)
		return true
	})
	return out, err
}

// ExtendRuns dies around the real one, or does nothing.
func (m *mortal) ExtendRuns(ctx context.Context, claims []sluice.RunClaim, lease time.Duration) (lost []string, err error) {
	if m.order.Lapse {
		return nil, nil
	}
	m.around("ExtendRuns", func() bool {
		lost, err = m.Journal.ExtendRuns(ctx, claims, lease)
		return true
	})
	return lost, err
}

// CommitRun dies around the real one, and says what became of it.
func (m *mortal) CommitRun(ctx context.Context, done sluice.RunCommit, lease time.Duration) (err error) {
	m.around("CommitRun", func() bool {
		err = m.Journal.CommitRun(ctx, done, lease)
		switch {
		case err != nil:
			m.tell("refused %s %s", done.Run, sluice.CodeOf(err))
		case done.Status.Ended():
			m.mu.Lock()
			if m.ended == nil {
				m.ended = map[string]int{}
			}
			m.ended[done.Run]++
			m.mu.Unlock()
			m.tell("ended %s", done.Run)
		case done.Status != "":
			m.tell("%s %s", done.Status, done.Run)
		}
		return true
	})
	return err
}

func (m *mortal) tell(format string, args ...any) {
	if m.say.out != nil {
		m.say.line(format, args...)
	}
}

// working is a child that carries runs out.
type working struct {
	*exec.Cmd
	lines chan string
	said  []string // of lines, those that were read
	stdin io.Closer
	errs  bytes.Buffer
}

// sends starts a child with an order.
func sends(t *testing.T, cfg store.Config, o workOrder) *working {
	t.Helper()
	w := &working{Cmd: exec.Command(must[string](t)(os.Executable())), lines: make(chan string, 10_000)}
	w.Env = append(os.Environ(), childVariable+"="+string(must[[]byte](t)(json.Marshal(order{Dir: cfg.Dir, Postgres: cfg.Postgres, Work: &o}))))
	w.Stderr = &w.errs
	w.stdin = must[io.WriteCloser](t)(w.StdinPipe())
	out := must[io.ReadCloser](t)(w.StdoutPipe())
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.lines)
		for said := bufio.NewScanner(out); said.Scan(); {
			w.lines <- said.Text()
		}
	}()
	t.Cleanup(func() { w.end() })
	return w
}

// until waits for a line that begins so. It reports false when the child died
// first, or says nothing for long.
func (w *working) until(prefix string) bool {
	for {
		select {
		case line, alive := <-w.lines:
			if !alive {
				return false
			}
			w.said = append(w.said, line)
			if strings.HasPrefix(line, prefix) {
				return true
			}
		case <-time.After(patience):
			return false
		}
	}
}

// end kills the child, and reads what it had said.
func (w *working) end() {
	_ = w.Process.Kill()
	w.until("\n")
	_ = w.Wait()
	_ = w.stdin.Close()
}
