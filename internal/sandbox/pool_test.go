package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/sandbox"
	"github.com/sluice-dev/sluice/internal/value"
)

// endless is a script that waits to be killed, in a pool with much time.
var endless = expr.Script{Code: "for(;;){}"}

func patient(t *testing.T, size int) *sandbox.Pool {
	t.Helper()
	p := sandbox.New(sandbox.Config{Size: size, Limits: expr.Limits{Time: time.Hour}})
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestPool(t *testing.T) {
	t.Parallel()
	t.Run("renders, runs and checks", func(t *testing.T) {
		t.Parallel()
		p := pool(t, 1)
		scope := value.Pairs("big", value.Number("18446744073709551615"), "half", 0.5, "whole", 2.0, "list", []any{"a"})
		got, err := p.Render(t.Context(), expr.Render{Tree: []any{"{{ big + 1 }}", "{{ half }}", "{{ whole }}", "{{ list|first }} x", int64(7)}, Dialect: expr.Jinja, Scope: scope})
		if want := "[18446744073709551616 0.5 2 a x 7]"; err != nil || fmt.Sprint(got.Tree) != want {
			t.Errorf("render: got %v, %v, want %s", got.Tree, err, want)
		}
		result, err := p.Run(t.Context(), expr.Script{Code: "console.log('hi', Date.now()); return {n: Math.random() < 1}", Now: 5_000_000})
		if err != nil || fmt.Sprint(result) != `{{"n":true} [hi 5000] {true 1}}` {
			t.Errorf("run: got %v, %v", result, err)
		}
		checked, err := p.Check(t.Context(), []expr.Text{{Text: "plain", Dialect: expr.Jinja}, {Text: "{{ a.b }}", Dialect: expr.Jinja}, {Text: "return (", Dialect: expr.ScriptBody}})
		if err != nil || len(checked) != 3 || !checked[0].Static || len(checked[1].References) != 1 || checked[2].Problem == nil {
			t.Errorf("check: got %+v, %v", checked, err)
		}
	})
	t.Run("many jobs over two children", func(t *testing.T) {
		t.Parallel()
		p := pool(t, 2)
		var wait sync.WaitGroup
		for worker := range 4 {
			wait.Go(func() {
				for i := range 250 {
					n := int64(worker*250 + i)
					got, err := p.Render(t.Context(), expr.Render{Tree: "${n * 2}", Dialect: expr.JavaScript, Scope: value.Pairs("n", n)})
					if err != nil || got.Tree != 2*n {
						t.Errorf("job %d: got %v, %v", n, got.Tree, err)
						return
					}
				}
			})
		}
		wait.Wait()
		if n := len(p.Children()); n > 2 {
			t.Errorf("%d children, want at most 2", n)
		}
	})
	t.Run("a child is replaced after its jobs", func(t *testing.T) {
		t.Parallel()
		p := sandbox.New(sandbox.Config{Size: 1, Jobs: 2})
		t.Cleanup(func() { _ = p.Close() })
		works(t, p)
		first := p.Children()[0]
		works(t, p)
		<-first.Gone
		works(t, p)
	})
	t.Run("an idle child is dropped", func(t *testing.T) {
		t.Parallel()
		p := sandbox.New(sandbox.Config{Size: 1, IdleAfter: time.Millisecond})
		t.Cleanup(func() { _ = p.Close() })
		for range 3 {
			works(t, p)
			for _, c := range p.Children() {
				<-c.Gone
			}
		}
	})
}

func TestPoolEnds(t *testing.T) {
	t.Parallel()
	t.Run("the context ends a job", func(t *testing.T) {
		t.Parallel()
		p := patient(t, 1)
		works(t, p)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := p.Run(ctx, endless); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
		works(t, p)
	})
	t.Run("the context ends waiting in line", func(t *testing.T) {
		t.Parallel()
		p := patient(t, 1)
		ctx, cancel := context.WithCancel(t.Context())
		busy := make(chan error)
		go func() {
			_, err := p.Run(ctx, endless)
			busy <- err
		}()
		short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer stop()
		second := make(chan error)
		go func() { // whichever of the two is second waits
			_, err := p.Run(short, endless)
			second <- err
		}()
		if err := <-second; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		cancel()
		<-busy
	})
	t.Run("a child that is killed from outside", func(t *testing.T) {
		t.Parallel()
		p := patient(t, 1)
		works(t, p)
		victim, err := os.FindProcess(p.Children()[0].PID)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(20*time.Millisecond, func() { _ = victim.Kill() })
		if _, err := p.Run(t.Context(), endless); kindOf(err) != expr.Internal {
			t.Errorf("got %v, want an internal problem", err)
		}
		works(t, p)
	})
	t.Run("closing the pool ends its jobs", func(t *testing.T) {
		t.Parallel()
		p := patient(t, 2)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				if _, err := p.Run(t.Context(), endless); sluice.CodeOf(err) != sluice.Unavailable {
					t.Errorf("got %v, want unavailable", err)
				}
			})
		}
		time.AfterFunc(50*time.Millisecond, func() { _ = p.Close() })
		wait.Wait()
		if err := p.Close(); err != nil || len(p.Children()) != 0 {
			t.Errorf("got %v and %d children after Close, want none", err, len(p.Children()))
		}
		if _, err := p.Run(t.Context(), endless); sluice.CodeOf(err) != sluice.Unavailable {
			t.Errorf("after Close: got %v, want unavailable", err)
		}
	})
	t.Run("a program that never entered starts nothing", func(t *testing.T) {
		t.Parallel()
		out, err := again(t, "never entered").Output()
		if err != nil || string(out) != string(sluice.Unavailable) {
			t.Errorf("got %q, %v, want %q", out, err, sluice.Unavailable)
		}
	})
}

// again is this test program in another role.
func again(t *testing.T, as string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), role+"="+as)
	return cmd
}

// TestMemoryIsBounded holds more memory than a job may, and less than the kernel
// would let it.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	p := sandbox.New(sandbox.Config{Size: 1, Limits: expr.Limits{Time: 20 * time.Second, Memory: 64 << 20}})
	t.Cleanup(func() { _ = p.Close() })
	_, err := p.Run(t.Context(), expr.Script{Code: "const a = []; for (let i = 0; i < 200; i++) a.push(new Uint8Array(1 << 20).fill(1)); for (;;) {}"})
	if kindOf(err) != expr.Memory {
		t.Errorf("got %v, want a memory problem", err)
	}
	got, err := p.Run(t.Context(), expr.Script{Code: "let n = 0; for (let i = 0; i < 2000; i++) n += new Uint8Array(1 << 20).length; return n"})
	if err != nil || got.Value != int64(2000<<20) {
		t.Errorf("garbage counts: got %v, %v", got.Value, err)
	}
}

func TestLargeTexts(t *testing.T) {
	t.Parallel()
	p := pool(t, 1)
	large := strings.Repeat("x", 10<<20)
	t.Run("in", func(t *testing.T) {
		got, err := p.Render(t.Context(), expr.Render{Tree: "${s.length}", Dialect: expr.JavaScript, Scope: value.Pairs("s", large), Limits: expr.Limits{Time: time.Hour}})
		if kind := kindOf(err); kind != expr.Time && (err != nil || got.Tree != int64(10<<20)) {
			t.Errorf("got %v, %v", got.Tree, err)
		}
	})
	for name, text := range map[string]string{"out": "${s}", "out in a text": "${s} "} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Render(t.Context(), expr.Render{Tree: text, Dialect: expr.JavaScript, Scope: value.Pairs("s", large)})
			if kind := kindOf(err); kind != expr.Output && kind != expr.Time {
				t.Errorf("got %v, want an output problem", err)
			}
		})
	}
	t.Run("larger than a job may be", func(t *testing.T) {
		_, err := p.Render(t.Context(), expr.Render{Tree: "${1} " + strings.Repeat(large, 7), Dialect: expr.JavaScript})
		if kindOf(err) != expr.Memory {
			t.Errorf("got %v, want a memory problem", err)
		}
	})
	works(t, p)
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	if now.HeapAlloc > 256<<20 {
		t.Errorf("%d MiB are in use afterwards", now.HeapAlloc>>20)
	}
}

// TestChecksDoNotWaitBehindRuns fills every turn that runs can have.
func TestChecksDoNotWaitBehindRuns(t *testing.T) {
	t.Parallel()
	p := patient(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for i := range 10 {
		wait.Go(func() { _, _ = p.For(fmt.Sprint(i)).Run(ctx, endless) })
	}
	for range 20 {
		if checked, err := p.Check(t.Context(), []expr.Text{{Text: "{{ a }}", Dialect: expr.Jinja}}); err != nil || len(checked) != 1 {
			t.Fatalf("check: got %v, %v", checked, err)
		}
		works(t, p)
	}
	cancel()
	wait.Wait()
}
