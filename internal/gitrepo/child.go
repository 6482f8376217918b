package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/system"
)

// child is a git process that runs. Wait must follow.
type child struct {
	ctx    context.Context // of the caller, to tell its end from a failure
	repo   *Repo
	args   []string
	cmd    *exec.Cmd
	stdin  io.WriteCloser // when the process asks
	stdout *os.File
	stderr *firstBytes
	kill   context.CancelFunc
}

// start starts a process. Its output must be read until the end, unless it is
// killed.
func (r *Repo) start(ctx context.Context, p process) (*child, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	program, err := r.program()
	if err != nil {
		return nil, err
	}
	stdout, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start git %s: %w", verb(p.args), err)
	}
	defer func() { _ = theirs.Close() }()
	inner, kill := context.WithCancel(ctx)
	c := &child{ctx: ctx, repo: r, args: p.args, stdout: stdout, stderr: &firstBytes{limit: maxStderr}, kill: kill}
	c.cmd = exec.CommandContext(inner, program, p.args...)
	c.cmd.Dir = r.at
	c.cmd.Env = append(append(environment(), r.more...), p.env...)
	c.cmd.Stdout, c.cmd.Stderr = theirs, c.stderr
	if p.asks {
		if c.stdin, err = c.cmd.StdinPipe(); err != nil {
			kill()
			return nil, fmt.Errorf("start git %s: %w", verb(p.args), err)
		}
	} else if len(p.stdin) > 0 {
		c.cmd.Stdin = bytes.NewReader(p.stdin)
	}
	// A session of its own: what git started ends with it, and nothing that it
	// starts can wait for somebody at the terminal.
	system.Session(c.cmd)
	c.cmd.Cancel = func() error {
		_ = stdout.SetReadDeadline(time.Now().Add(grace))
		return system.Terminate(c.cmd)
	}
	c.cmd.WaitDelay = grace
	if err := c.begin(); err != nil {
		return nil, err
	}
	return c, nil
}

// begin starts the process of a child that is made ready.
func (c *child) begin() error {
	err := c.cmd.Start()
	if err == nil {
		c.repo.started.Add(1)
		return nil
	}
	c.kill()
	_ = c.stdout.Close()
	if _, statErr := os.Stat(c.cmd.Dir); statErr != nil {
		return sluice.Errorf(sluice.NotFound, "the repository %s is gone", c.cmd.Dir).Because(err)
	}
	return sluice.Errorf(sluice.Unavailable, "git cannot be started: %w", err)
}

// wait waits for the end and says how it went.
func (c *child) wait() error {
	defer c.kill()
	_ = c.stdout.Close()
	err := c.cmd.Wait()
	// What git leaves running may hold on to its standard error, such as an ssh
	// that keeps its connection; git itself is done.
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && c.ctx.Err() == nil {
		return nil
	}
	_ = system.Kill(c.cmd) // what outlived it; mostly nothing is left
	if ctxErr := c.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	status := c.cmd.ProcessState.ExitCode()
	if status == 0 { // it was told to end, or its input could not be written
		return fmt.Errorf("git %s: %w", verb(c.args), err)
	}
	if old := c.repo.tooOld(c.ctx, status); old != nil {
		return old
	}
	return newFailure(c.args, status, c.stderr.kept.String(), c.repo.at)
}

// firstBytes keeps so many bytes and drops the rest.
type firstBytes struct {
	kept  bytes.Buffer
	limit int
}

func (f *firstBytes) Write(p []byte) (int, error) {
	f.kept.Write(p[:min(len(p), f.limit-f.kept.Len())])
	return len(p), nil
}
