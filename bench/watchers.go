package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/sluice-dev/sluice"
)

// openFiles raises the limit of open files as far as this user may, and returns
// it.
func openFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	if raised := (syscall.Rlimit{Cur: 1 << 16, Max: max(limit.Max, 1<<16)}); limit.Cur < raised.Cur {
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
			return int(raised.Cur)
		}
		raised = syscall.Rlimit{Cur: limit.Max, Max: limit.Max}
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
			return int(raised.Cur)
		}
	}
	return int(limit.Cur)
}

// watchers is the process that watches.
type watchers struct {
	process *exec.Cmd
	stdin   io.Closer
	lines   *bufio.Reader
}

func buildWatchers(ctx context.Context) (program string, err error) {
	dir, err := os.MkdirTemp("", "sluice-bench")
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "watchers")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/sluice-dev/sluice/bench/watchers")
	if out, err := build.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("building watchers: %w: %s", err, out)
	}
	return program, nil
}

func startWatchers(ctx context.Context, program, address string, count int) (*watchers, error) {
	cmd := exec.CommandContext(ctx, program, address, strconv.Itoa(count))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &watchers{process: cmd, stdin: stdin, lines: bufio.NewReader(stdout)}
	if line, err := w.lines.ReadString('\n'); err != nil || line != "ready\n" {
		w.stop()
		return nil, fmt.Errorf("the watchers said %q: %w", line, err)
	}
	return w, nil
}

// applied waits until all watchers have applied a round.
func (w *watchers) applied(round int) (p50, p99 int64, err error) {
	line, err := w.lines.ReadString('\n')
	if err != nil {
		return 0, 0, err
	}
	var got int
	if _, err := fmt.Sscan(line, &got, &p50, &p99); err != nil {
		return 0, 0, err
	}
	if got != round {
		return 0, 0, fmt.Errorf("the watchers are at round %d, not %d", got, round)
	}
	return p50, p99, nil
}

func (w *watchers) stop() {
	if w == nil {
		return
	}
	_ = w.stdin.Close()
	_ = w.process.Wait()
}

// fixedLedger is an environment of ten components in memory: what the disk
// costs is measured elsewhere.
type fixedLedger struct {
	id       string
	seq      int64
	manifest *sluice.Manifest
}

func newFixedLedger() *fixedLedger {
	l := &fixedLedger{id: "0197f0a2-7c1e-7d6a-b1f0-5a6f3c1f2e11", manifest: &sluice.Manifest{Environment: "production"}}
	for i := range 10 {
		l.manifest.Slots = append(l.manifest.Slots, sluice.Setting{Slot: slotOf(i), Value: valueOf(1)})
	}
	l.manifest.Root = sluice.RootHash(l.manifest.Slots)
	return l
}

func slotOf(i int) sluice.Slot { return sluice.ComponentSlot(fmt.Sprintf("component-%03d", i)) }

func valueOf(version int) sluice.Value {
	digest := sluice.DigestBytes([]byte(strconv.Itoa(version)))
	return sluice.Settle(sluice.Pin{Version: version, Label: sluice.Label(fmt.Sprintf("v1.0.%d", version)), Digest: digest})
}

// release is the entry of the next release, not yet committed.
func (l *fixedLedger) release(round int) sluice.Entry {
	r := sluice.Release{
		Environment: "production", Number: l.manifest.Release + 1, Epoch: l.seq + 1, Ticket: strconv.Itoa(round),
		Action: sluice.ActionRollback, Actor: "alice", Reason: "answers became worse",
		Changes: []sluice.SlotChange{{Slot: slotOf(round % 10), From: valueOf(1), To: valueOf(round)}},
	}
	r.Root = sluice.RootHash(l.manifest.Apply(r).Slots)
	body, err := json.Marshal(r)
	if err != nil { // no field of a release can fail to encode
		panic(err)
	}
	return sluice.Entry{Seq: r.Epoch, Kind: sluice.EntryRelease, Subject: r.Ref(), Payload: body}
}

// append commits an entry.
func (l *fixedLedger) append(e sluice.Entry) sluice.Entry {
	r, err := e.Release()
	if err != nil { // it was made here
		panic(err)
	}
	l.seq, l.manifest = e.Seq, l.manifest.Apply(r)
	return e
}

// Position implements live.Source.
func (l *fixedLedger) Position(context.Context) (sluice.Position, error) {
	return sluice.Position{Ledger: l.id, Seq: l.seq}, nil
}

// Entries implements live.Source: nobody else commits.
func (l *fixedLedger) Entries(context.Context, int64, int) ([]sluice.Entry, error) { return nil, nil }

// Manifest implements live.Source.
func (l *fixedLedger) Manifest(context.Context, string) (sluice.Manifest, error) {
	return *l.manifest, nil
}

// ReleasesAfter implements live.Source: nobody comes back.
func (l *fixedLedger) ReleasesAfter(context.Context, string, int64, int) ([]sluice.Release, error) {
	return nil, nil
}
