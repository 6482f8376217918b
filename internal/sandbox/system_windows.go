package sandbox

import (
	"os"
	"syscall"
	"time"
)

// workingDirectory is the parent's: there is no directory that every system has.
const workingDirectory = ""

// program is the file that this process was started from.
func program() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// systemEnvironment is what a process needs on this system.
func systemEnvironment() []string { return []string{"SYSTEMROOT=" + os.Getenv("SYSTEMROOT")} }

// attributes keep a child out of the console's signals.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP, HideWindow: true}
}

// harden does nothing: the watchdog bounds the memory, the deadline of the parent
// the time.
func harden(class) {}

// input is where the requests come from.
func input() *os.File { return os.Stdin }

// boundMemory leaves the memory to the watchdog.
func boundMemory(limit, base int64) {}

// mapped is not known.
func mapped() int64 { return 0 }

// boundCPU leaves the processor to the deadline of the parent.
func boundCPU(time.Duration) {}
