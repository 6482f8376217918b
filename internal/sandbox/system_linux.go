package sandbox

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const workingDirectory = "/"

// headroom is what a child can map above what the watchdog lets a job use: the
// heap is larger than what is in use of it, and so are the stacks that grow.
const headroom = 256 << 20

// program is what this process runs, also when its file has been replaced since.
func program() string { return "/proc/self/exe" }

// systemEnvironment is what a process needs on this system.
func systemEnvironment() []string { return nil }

// attributes put a child in a group of its own, so that no signal from a terminal
// reaches it, and have the kernel kill it when this process ends in any way.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// niceness is how far a child stands back when the processors are busy. Runs stand
// back behind the checks, for which somebody waits.
var niceness = [classes]int{checks: 3, runs: 10}

// input is the standard input as a file that the runtime polls: a thread that
// waits in a read loses its turn, and getting it back takes longer than most jobs.
func input() *os.File {
	const stdin = 0
	if err := syscall.SetNonblock(stdin, true); err != nil {
		return os.Stdin
	}
	return os.NewFile(stdin, "stdin")
}

// harden takes from this process what it does not need. A limit that cannot be
// lowered is left: the watchdog and the parent's deadline stand above all of
// them. The number of processes is left alone, since it is counted for the whole
// user and the runtime ends a process that gets no thread.
func harden(of class) {
	closeInherited()
	lower(syscall.RLIMIT_NOFILE, 16)
	lower(syscall.RLIMIT_FSIZE, 0)
	lower(syscall.RLIMIT_CORE, 0)
	_ = syscall.Setpriority(syscall.PRIO_PGRP, 0, niceness[of])
}

func lower(resource int, limit uint64) {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(resource, &now); err != nil {
		return
	}
	limit = min(limit, now.Max)
	_ = syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit})
}

// boundMemory bounds what this process maps, for one allocation that is too large
// to wait for the watchdog. It is the address space that counts: Go maps memory
// over what it has reserved, which the kernel does not count as data.
func boundMemory(limit, base int64) {
	if base == 0 {
		return
	}
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &now); err != nil {
		return
	}
	_ = syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: min(uint64(base+limit+headroom), now.Max), Max: now.Max})
}

// mapped is how many bytes of address space this process has, most of it only
// reserved, or 0 when that is not known.
func mapped() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _, _ := strings.Cut(string(statm), " ")
	n, err := strconv.ParseInt(pages, 10, 64)
	if err != nil {
		return 0
	}
	return n * int64(os.Getpagesize())
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
