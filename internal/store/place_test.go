package store

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// moves are ways in which a database is taken from under a server, each with what
// is said of it.
var moves = map[string]struct {
	move func(dir string) error
	says string
}{
	"the directory is renamed":   {func(dir string) error { return os.Rename(dir, dir+".old") }, "sluice.db is missing"},
	"the directory is removed":   {os.RemoveAll, "sluice.db is missing"},
	"the database is removed":    {func(dir string) error { return os.Remove(filepath.Join(dir, File)) }, "sluice.db is missing"},
	"the log is removed":         {func(dir string) error { return os.Remove(filepath.Join(dir, File+"-wal")) }, "sluice.db-wal is missing"},
	"the log's index is removed": {func(dir string) error { return os.Remove(filepath.Join(dir, File+"-shm")) }, "sluice.db-shm is missing"},
	"the directory is made anew": {func(dir string) error {
		if err := os.Rename(dir, dir+".old"); err != nil {
			return err
		}
		return copyInto(dir, dir+".old")
	}, "sluice.db is another file"},
	"a backup takes the place of the database": {func(dir string) error {
		path := filepath.Join(dir, File)
		return errors.Join(copyFile(path+".new", path), os.Rename(path+".new", path))
	}, "sluice.db is another file"},
	"the database is emptied": {func(dir string) error { return os.Truncate(filepath.Join(dir, File), 0) }, "sluice.db was overwritten"},
}

func copyInto(dir, from string) error {
	return errors.Join(os.Mkdir(dir, 0o700), copyFile(filepath.Join(dir, File), filepath.Join(from, File)))
}

// TestMoved takes the database from under an open store: nothing is acknowledged
// that would be gone with it.
func TestMoved(t *testing.T) {
	t.Parallel()
	for name, m := range moves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			db := open(t, Config{Dir: dir, Hold: true})
			update(t, db, func(tx *Tx) error { return note(tx, "kept") })
			heard := 0
			db.OnCommit(func(string, []sluice.Entry) { heard++ })
			if err := db.Check(t.Context()); err != nil {
				t.Fatalf("before: %v", err)
			}
			if err := m.move(dir); err != nil {
				t.Fatal(err)
			}
			refusal(t, db, m.says, "the change was not made")
			if err := db.Check(t.Context()); sluice.CodeOf(err) != sluice.Unavailable || !strings.Contains(err.Error(), m.says) {
				t.Errorf("the check says %v", err)
			}
			if heard > 0 {
				t.Errorf("watchers heard of %d changes", heard)
			}
		})
	}
}

// refusal makes a change that must be refused, with what to do.
func refusal(t *testing.T, db *DB, texts ...string) {
	t.Helper()
	err := db.Update(t.Context(), org, func(tx *Tx) error { return note(tx, "lost") })
	e := sluice.AsError(err)
	if e == nil || e.Code != sluice.Unavailable || len(e.Fixes) == 0 {
		t.Fatalf("got %v, want that it is unavailable, with a fix", err)
	}
	for _, text := range texts {
		if !strings.Contains(e.Message, text) {
			t.Errorf("got %q, want %q in it", e.Message, text)
		}
	}
}

// TestMovedWhileCommitting moves the directory after a change began: it is written
// to what is not there any more, and nobody is told that it was made.
func TestMovedWhileCommitting(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	db := open(t, Config{Dir: dir, Hold: true})
	db.OnCommit(func(string, []sluice.Entry) { t.Error("watchers heard of it") })
	err := db.Update(t.Context(), org, func(tx *Tx) error {
		return errors.Join(os.Rename(dir, dir+".old"), note(tx, "raced"))
	})
	if e := sluice.AsError(err); e == nil || e.Code != sluice.Unavailable || !strings.Contains(e.Message, "whether the change was made is not known") {
		t.Errorf("got %v", err)
	}
	db.OnCommit(func(string, []sluice.Entry) {})
	if err := os.Rename(dir+".old", dir); err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *Tx) error { return note(tx, "in its place again") })
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestMovedBesideOthers removes the log of a database, or its index, under a server.
// Nobody writes beside it, and at its end it takes nothing away that others wrote
// after its files were gone.
func TestMovedBesideOthers(t *testing.T) {
	t.Parallel()
	const child = "SLUICE_TEST_WRITES_BESIDE" // another process, since connections of one share the index
	if dir := os.Getenv(child); dir != "" {
		db := open(t, Config{Dir: dir})
		update(t, db, func(tx *Tx) error { return note(tx, "made beside") })
		t.Logf("%d entries", len(entries(t, db)))
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	writes := func(t *testing.T, dir, want string) {
		t.Helper()
		cmd := exec.Command(program, "-test.run=^TestMovedBesideOthers$", "-test.v")
		cmd.Env = append(os.Environ(), child+"="+dir)
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v, want %s: %s", err, want, out)
		}
	}
	for _, lost := range [][]string{{"-shm"}, {"-wal"}, {"-wal", "-shm"}} {
		t.Run(strings.Join(lost, ""), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			server := open(t, Config{Dir: dir, Hold: true})
			update(t, server, func(tx *Tx) error { return note(tx, "kept") })
			if _, err := server.Scrub(t.Context()); err != nil { // all is in the database
				t.Fatal(err)
			}
			for _, suffix := range lost {
				if err := os.Remove(filepath.Join(dir, File+suffix)); err != nil {
					t.Fatal(err)
				}
			}
			refused(t, Config{Dir: dir}, sluice.Unavailable, "has lost its files")
			// Another that holds the directory, as after its lock was lost too.
			if err := server.lock.Close(); err != nil {
				t.Fatal(err)
			}
			server.lock = nil
			writes(t, dir, "2 entries")
			if err := server.Close(); err != nil {
				t.Fatal(err)
			}
			writes(t, dir, "3 entries")
		})
	}
}

// TestLockFileRemoved keeps a second server out also when somebody removed the
// file that the first has locked.
func TestLockFileRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, Config{Dir: dir, Hold: true})
	if err := os.Remove(filepath.Join(dir, "lock")); err != nil {
		t.Fatal(err)
	}
	refused(t, Config{Dir: dir, Hold: true}, sluice.Conflict, "another Sluice server holds "+dir)
	update(t, db, func(tx *Tx) error { return note(tx, "as before") })
}

// TestLostDatabase has a directory whose database is gone, and what is beside it.
func TestLostDatabase(t *testing.T) {
	t.Parallel()
	const key = "master.key"
	header := sqliteHeader + strings.Repeat("\x00", 100)
	for name, c := range map[string]struct {
		files map[string]string
		text  string // "" when it opens
	}{
		"an empty directory":                     {nil, ""},
		"what a start that was killed has left":  {map[string]string{"lock": "", File: ""}, ""},
		"an empty database beside a master key":  {map[string]string{File: "", key: "secret"}, "sluice.db in DIR is empty, and master.key"},
		"no database beside a master key":        {map[string]string{key: "secret"}, "sluice.db in DIR is missing, and master.key"},
		"no database beside its log":             {map[string]string{File + "-wal": "frames"}, "sluice.db in DIR is missing, and sluice.db-wal"},
		"an empty database beside its log":       {map[string]string{File: "", File + "-wal": "frames"}, "sluice.db in DIR is empty, and sluice.db-wal"},
		"a database that is none beside the key": {map[string]string{File: header, key: "secret"}, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, content := range c.files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cfg := Config{Dir: dir, Beside: []string{key}}
			if c.text == "" {
				open(t, cfg)
				return
			}
			refused(t, cfg, sluice.Unavailable, strings.ReplaceAll(c.text, "DIR", dir))
			for file, content := range c.files {
				if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(got) != content {
					t.Errorf("%s holds %q (%v), want it as it was", file, got, err)
				}
			}
		})
	}
	t.Run("a database without tables beside a master key", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		probe := &DB{}
		if err := probe.openFile(filepath.Join(dir, File)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(probe.write.PingContext(t.Context()), probe.closeHandles()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, key), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, Config{Dir: dir, Beside: []string{key}}, sluice.Unavailable, "has no content")
		open(t, Config{Dir: dir}) // as a restoring does, for which the key is there first
	})
}

// TestLedgerReplaced puts another ledger where the opened one was.
func TestLedgerReplaced(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg Config) {
		db, other := open(t, cfg), open(t, cfg)
		update(t, other, func(tx *Tx) error { return tx.change("UPDATE meta SET value = 'another' WHERE name = 'ledger'") })
		refusal(t, db, "holds the ledger another", "the change was not made")
		if err := db.Check(t.Context()); sluice.CodeOf(err) != sluice.Unavailable {
			t.Errorf("the check says %v", err)
		}
	})
}

// copyFile makes a new file with the bytes of another.
func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}
