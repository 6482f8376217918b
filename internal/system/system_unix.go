//go:build unix

package system

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// ReplacesOpen says whether a file can be renamed over one that is open.
const ReplacesOpen = true

func tryLock(f *os.File) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil, !errors.Is(err, syscall.EINTR) && !errors.Is(err, syscall.EWOULDBLOCK):
			return err
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrLocked
		}
	}
}

// Shell runs a line as the system's shell reads it.
func Shell(ctx context.Context, line string) *exec.Cmd {
	return exec.CommandContext(ctx, "/bin/sh", "-c", line)
}

// Group makes a command, before it starts, the first of a group, so that what it
// starts can be ended with it.
func Group(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// Session is Group without a terminal: nothing can wait for somebody at it.
func Session(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// Terminate asks all processes of a command's group to end.
func Terminate(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

// Kill ends all processes of a command's group.
func Kill(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
