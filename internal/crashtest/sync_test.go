package crashtest

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/store"

	"github.com/sluice-dev/sluice/internal/pgtest"
)

// TestSyncBeforeReply reads the system calls of a writing child: between the
// last write to SQLite's log and each reply, the log was synced.
func TestSyncBeforeReply(t *testing.T) {
	t.Parallel()
	cfg := store.Config{Dir: t.TempDir()}
	next := prepare(t, cfg)
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("strace", "-f", "-y", "-s", "16", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", trace, must[string](t)(os.Executable()))
	o := order{Dir: cfg.Dir, Start: next[:1], Count: 10}
	cmd.Env = append(os.Environ(), childVariable+"="+string(must[[]byte](t)(json.Marshal(o))))
	if out, err := cmd.Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f := must[*os.File](t)(os.Open(trace))
	defer f.Close()
	var order syncOrder
	for lines := bufio.NewScanner(f); lines.Scan(); {
		order.line(t, lines.Text())
	}
	if order.replies != 10 || order.syncs < 10 {
		t.Errorf("%d replies and %d syncs of the log", order.replies, order.syncs)
	}
}

var call = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(write|pwrite64|fsync|fdatasync)(?:\(\d+<([^>]*)>| resumed>)(.*)$`)

// syncOrder follows one log through a trace. A sync counts for what was written
// before it began, once it has returned.
type syncOrder struct {
	clock, written, synced int
	began                  map[string]int // by thread, where a sync of the log stands unfinished
	replies, syncs         int
	unsynced               bool // something was written since the last reply
}

func (s *syncOrder) line(t *testing.T, text string) {
	m := call.FindStringSubmatch(text)
	if m == nil {
		return
	}
	s.clock++
	thread, name, path, rest := m[1], m[2], m[3], m[4]
	log := strings.HasSuffix(path, store.File+"-wal")
	switch {
	case name == "pwrite64" && log:
		s.written, s.unsynced = s.clock, true
	case strings.HasSuffix(name, "sync") && log && strings.Contains(rest, "<unfinished"):
		if s.began == nil {
			s.began = map[string]int{}
		}
		s.began[thread] = s.clock
	case strings.HasSuffix(name, "sync") && log:
		s.synced, s.syncs = s.clock, s.syncs+1
	case strings.HasSuffix(name, "sync") && path == "" && s.began[thread] > 0:
		s.synced, s.syncs = max(s.synced, s.began[thread]), s.syncs+1
		delete(s.began, thread)
	case name == "write" && strings.HasPrefix(rest, `, "ack `):
		s.replies++
		if !s.unsynced {
			t.Errorf("reply %d without a write to the log", s.replies)
		}
		if s.synced < s.written {
			t.Errorf("reply %d before the log was synced", s.replies)
		}
		s.unsynced = false
	}
}

// TestPostgresIsDurable checks that the cluster under these tests does not
// answer before its own log is on disk.
func TestPostgresIsDurable(t *testing.T) {
	t.Parallel()
	db := raw(t, store.Config{Postgres: pgtest.New(t)})
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var v string
		if err := db.QueryRow("SHOW " + setting).Scan(&v); err != nil || v != "on" {
			t.Errorf("%s is %s (%v)", setting, v, err)
		}
	}
}
