package system

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"
)

// ReplacesOpen says whether a file can be renamed over one that is open.
const ReplacesOpen = false

// lockedByte is the one that is locked, far behind any content, since locks of this
// system keep out those who read and write.
const lockedByte = 0x7fff_ffff

func tryLock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{OffsetHigh: lockedByte})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}

// Shell runs a line as the system's shell reads it.
func Shell(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd.exe")
	// The shell reads its line by rules of its own, which quoted arguments do not meet.
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd.exe /d /s /c "` + line + `"`}
	return cmd
}

// Group makes a command, before it starts, the first of a group, so that what it
// starts can be ended with it.
func Group(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP
	cmd.SysProcAttr.HideWindow = true
}

// Session is Group: a group has no window here that something could wait at.
func Session(cmd *exec.Cmd) { Group(cmd) }

// Terminate ends all processes of a command's group: this system has no signal that
// asks programs without a window.
func Terminate(cmd *exec.Cmd) error { return Kill(cmd) }

// Kill ends a command and all that it started.
func Kill(cmd *exec.Cmd) error {
	if cmd.ProcessState != nil { // its number may be another's by now
		return os.ErrProcessDone
	}
	tree := exec.Command("taskkill", "/t", "/f", "/pid", strconv.Itoa(cmd.Process.Pid))
	if err := tree.Run(); err == nil {
		return nil
	}
	return cmd.Process.Kill()
}
