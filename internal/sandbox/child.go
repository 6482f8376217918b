package sandbox

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
)

// maxComplaint is how much of what a child writes to its standard error is kept.
const maxComplaint = 4 << 10

// child is one process that evaluates. Whoever took it from the pool owns it,
// but anyone may kill it.
type child struct {
	class  class
	cmd    *exec.Cmd
	in     *os.File // requests are written here
	out    *os.File
	reader *bufio.Reader // of out
	jobs   int
	retire *time.Timer

	gone  chan struct{} // closed once the process has ended
	cause string        // why it ended; set before gone is closed
}

// complaint keeps the start of what a child writes to its standard error, which
// is where Go's runtime says why it gave up.
type complaint struct {
	mu   sync.Mutex
	text []byte
}

func (c *complaint) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, b[:min(len(b), maxComplaint-len(c.text))]...)
	return len(b), nil
}

// start starts a child and waits until it greets.
func (p *Pool) start(ctx context.Context, of class) (*child, error) {
	c, err := p.launch(of)
	if err != nil {
		return nil, sluice.Errorf(sluice.Unavailable, "nothing can be evaluated: no sandbox process can be started").
			Fix("look at the limits on processes and memory of this server").Because(err)
	}
	stop := c.endWith(ctx)
	defer stop()
	_ = c.out.SetReadDeadline(time.Now().Add(p.config.StartWithin))
	if _, err := receive(c.reader, 0); err != nil {
		c.kill()
		<-c.gone
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, sluice.Errorf(sluice.Unavailable, "nothing can be evaluated: a sandbox process did not start within %s", p.config.StartWithin).
			Fix("look at the load of this server").Because(err)
	}
	return c, nil
}

// launch starts a process and what waits for its end.
func (p *Pool) launch(of class) (*child, error) {
	c := &child{class: of, gone: make(chan struct{})}
	theirIn, ourIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ourOut, theirOut, err := os.Pipe()
	if err != nil {
		return nil, closeAll(err, theirIn, ourIn)
	}
	said := &complaint{}
	c.in, c.out, c.reader = ourIn, ourOut, bufio.NewReaderSize(ourOut, 64<<10)
	c.cmd = command(of, theirIn, theirOut, said)
	if err := p.fork(c.cmd); err != nil {
		return nil, closeAll(err, theirIn, ourIn, ourOut, theirOut)
	}
	_ = closeAll(nil, theirIn, theirOut)
	c.retire = time.AfterFunc(time.Hour, func() { p.idled(c) })
	c.retire.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[c] = true
	p.busy.Add(1) // the turn of the caller is counted, so Close still waits
	go p.await(c, said)
	if p.closed {
		c.kill()
	}
	return c, nil
}

// fork starts a process from one and the same thread, which lives as long as the
// pool. Linux ends the children when the thread that started them ends.
func (p *Pool) fork(cmd *exec.Cmd) error {
	p.forking.Do(func() {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for {
				select {
				case f := <-p.forks:
					f.done <- f.cmd.Start()
				case <-p.ended:
					return
				}
			}
		}()
	})
	done := make(chan error, 1)
	p.forks <- fork{cmd, done}
	return <-done
}

// fork asks for one process.
type fork struct {
	cmd  *exec.Cmd
	done chan<- error
}

// command is this program again, with nothing but its pipes.
func command(of class, in, out *os.File, said io.Writer) *exec.Cmd {
	return &exec.Cmd{
		Path:   program(),
		Args:   os.Args[:1],
		Env:    environment(of),
		Dir:    workingDirectory,
		Stdin:  in,
		Stdout: out,
		Stderr: said,
		// Nothing else keeps the pipe of the standard error open for long.
		WaitDelay:   time.Second,
		SysProcAttr: attributes(),
	}
}

// environment has nothing of this process's. One processor is enough for one job
// and keeps a job from taking them all; traces of goroutines help nobody.
func environment(of class) []string {
	return append([]string{variable + "=" + roles[of], "GOMAXPROCS=1", "GOGC=100", "GOTRACEBACK=none", "GODEBUG=containermaxprocs=0"}, systemEnvironment()...)
}

// await reaps a process and says how it ended.
func (p *Pool) await(c *child, said *complaint) {
	_ = c.cmd.Wait()
	said.mu.Lock()
	c.cause = strings.TrimSpace(string(said.text))
	said.mu.Unlock()
	close(c.gone)
	c.retire.Stop()
	p.mu.Lock()
	delete(p.all, c)
	p.idle[c.class] = without(p.idle[c.class], c)
	p.mu.Unlock()
	_ = closeAll(nil, c.in, c.out)
	p.busy.Done()
}

// kill ends the process; await sees to the rest.
func (c *child) kill() { _ = c.cmd.Process.Kill() }

// endWith wakes who waits for the child once the context ends. What it returns
// stops that, and reports false when it has happened.
func (c *child) endWith(ctx context.Context) (undisturbed func() bool) {
	return context.AfterFunc(ctx, func() {
		past := time.Unix(1, 0)
		_ = c.in.SetWriteDeadline(past)
		_ = c.out.SetReadDeadline(past)
	})
}

func closeAll(err error, files ...*os.File) error {
	for _, f := range files {
		_ = f.Close()
	}
	return err
}

func without(list []*child, c *child) []*child {
	for i := range list {
		if list[i] == c {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}
