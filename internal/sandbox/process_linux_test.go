package sandbox_test

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestChildHasNothing looks at a child as the kernel sees it.
func TestChildHasNothing(t *testing.T) {
	t.Parallel()
	leak, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer leak.Close()
	if _, _, failed := syscall.Syscall(syscall.SYS_FCNTL, leak.Fd(), syscall.F_SETFD, 0); failed != 0 {
		t.Fatal(failed) // a file that children inherit
	}
	p := pool(t, 1)
	works(t, p)
	dir := fmt.Sprintf("/proc/%d/", p.Children()[0].PID)
	environment, err := os.ReadFile(dir + "environ")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimRight(string(environment), "\x00"), "\x00"); len(got) != 5 || got[0] != "SLUICE_SANDBOX=checks" {
		t.Errorf("its environment is %q, want five variables of its own", got)
	}
	if cwd, err := os.Readlink(dir + "cwd"); cwd != "/" {
		t.Errorf("it works in %q, %v, want /", cwd, err)
	}
	files, err := os.ReadDir(dir + "fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if to, _ := os.Readlink(dir + "fd/" + f.Name()); !strings.HasPrefix(to, "pipe:") && !strings.HasPrefix(to, "anon_inode:") {
			t.Errorf("its file %s is %s, want pipes and what the runtime opened", f.Name(), to)
		}
	}
	limits, err := os.ReadFile(dir + "limits")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Max address space", "Max file size", "Max core file size", "Max open files", "Max cpu time"} {
		line := lineWith(string(limits), name)
		if strings.Fields(strings.TrimPrefix(line, name))[0] == "unlimited" {
			t.Errorf("not bounded: %s", line)
		}
	}
}

func lineWith(text, start string) string {
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, start) {
			return line
		}
	}
	return start + " unlimited"
}

// TestChildEndsWithItsParent kills a parent, which can then tell nobody, while its
// child is busy.
func TestChildEndsWithItsParent(t *testing.T) {
	t.Parallel()
	cmd := again(t, "parent")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the child is busy", func() bool { _, ticks := state(pid); return ticks > 20 })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	await(t, "the child ends", func() bool { s, _ := state(pid); return s == "" || s == "Z" || s == "X" })
}

// await looks until something has come true, or the test's time is over.
func await(t *testing.T, what string, true func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for range 4000 {
		<-look.C
		if true() {
			return
		}
	}
	t.Fatalf("not seen: %s", what)
}

// state is the state of a process, "" when there is none, and the ticks of
// processor time that it has used.
func state(pid int) (letter string, ticks int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	ticks, _ = strconv.Atoi(fields[11])
	return fields[0], ticks
}
