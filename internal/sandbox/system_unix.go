//go:build unix && !linux

package sandbox

import (
	"os"
	"syscall"
	"time"
)

const workingDirectory = "/"

// program is the file that this process was started from.
func program() string { return executable() }

// systemEnvironment is what a process needs on this system.
func systemEnvironment() []string { return nil }

// attributes put a child in a group of its own, so that no signal from a terminal
// reaches it. Its input ends when this process does, and its watchdog looks for a
// parent while it works.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// harden lowers the limits that these systems share. Memory is left to the
// watchdog: what can be bounded here counts what Go only reserves.
func harden(class) {
	none := &syscall.Rlimit{}
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, none)
	_ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, none)
}

// input is where the requests come from.
func input() *os.File { return os.Stdin }

// boundMemory leaves the memory to the watchdog.
func boundMemory(limit, base int64) {}

// mapped is not known.
func mapped() int64 { return 0 }

// boundCPU leaves the processor to the deadline of the parent.
func boundCPU(time.Duration) {}

func executable() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}
