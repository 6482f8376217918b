package sandbox

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

const workingDirectory = "/"

// maxData bounds what a child can map for writing, above what the watchdog lets
// it use: for one allocation that is too large to wait for it.
const maxData = 1 << 30

// program is what this process runs, also when its file has been replaced since.
func program() string { return "/proc/self/exe" }

// systemEnvironment is what a process needs on this system.
func systemEnvironment() []string { return nil }

// attributes put a child in a group of its own, so that no signal from a terminal
// reaches it, and have the kernel kill it when this process ends in any way.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// The limits of the kernel that package syscall does not name.
const (
	rlimitNice = 5 // steps that a child yields to others
)

// harden takes from this process what it does not need. A limit that cannot be
// lowered is left: the watchdog and the parent's deadline stand above all of
// them. The number of processes is left alone, since it is counted for the whole
// user and the runtime ends a process that gets no thread.
func harden() {
	closeInherited()
	lower(syscall.RLIMIT_DATA, maxData)
	lower(syscall.RLIMIT_NOFILE, 16)
	lower(syscall.RLIMIT_FSIZE, 0)
	lower(syscall.RLIMIT_CORE, 0)
	_ = syscall.Setpriority(syscall.PRIO_PGRP, 0, rlimitNice)
}

func lower(resource int, limit uint64) {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(resource, &now); err != nil {
		return
	}
	limit = min(limit, now.Max)
	_ = syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit})
}

// boundCPU ends this process when the job takes the processor for much longer
// than its time. The parent is sooner, unless it is stopped.
func boundCPU(limit time.Duration) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return
	}
	spent := used.Utime.Sec + used.Stime.Sec
	seconds := uint64(spent) + uint64(limit/time.Second) + 2
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CPU, &now); err != nil {
		return
	}
	_ = syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: min(seconds, now.Max), Max: now.Max})
}

// closeInherited closes files that this process was started with beside its
// pipes. What the runtime has opened since is marked to be closed in children,
// and so stays.
func closeInherited() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		flags, _, failed := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
		if failed == 0 && flags&syscall.FD_CLOEXEC == 0 {
			_ = syscall.Close(fd)
		}
	}
}
