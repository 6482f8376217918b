package pgtest

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// childVariable makes this test program play a test process that gets killed.
const childVariable = "SLUICE_PGTEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(playKilledProcess())
	}
	os.Exit(Run(m))
}

func TestNew(t *testing.T) {
	t.Parallel()
	t.Run("each call gives another, empty database", func(t *testing.T) {
		first, second := New(t), New(t)
		if first == second {
			t.Fatalf("New returned %s twice", first)
		}
		execute(t, first, "CREATE TABLE releases (number BIGINT)")
		if n := query[int](t, second, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); n != 0 {
			t.Errorf("tables in a new database: got %d, want 0", n)
		}
	})
	t.Run("the database is gone after the test, even when still in use", func(t *testing.T) {
		var dsn string
		t.Run("test", func(t *testing.T) {
			dsn = New(t)
			if err := open(t, dsn).Ping(); err != nil { // not closed on purpose until the end
				t.Fatal(err)
			}
		})
		err := open(t, dsn).Ping()
		if got := code(err); got != "3D000" {
			t.Errorf("connect to a dropped database: got %v, want SQLSTATE 3D000", err)
		}
	})
	t.Run("commits are durable and text sorts by language", func(t *testing.T) {
		dsn := New(t)
		for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			if got := query[string](t, dsn, "SHOW "+setting); got != "on" {
				t.Errorf("%s: got %s, want on", setting, got)
			}
		}
		if version := query[int](t, dsn, "SELECT current_setting('server_version_num')::int"); version >= 150000 {
			if !query[bool](t, dsn, "SELECT 'a'::text < 'B'::text") {
				t.Error("'a' < 'B': got false, want true: the cluster sorts by byte")
			}
		}
	})
}

func TestCluster(t *testing.T) {
	t.Parallel()
	c := Start(t)
	dsn := c.New(t)
	execute(t, dsn, "CREATE TABLE releases (number BIGINT)")
	execute(t, dsn, "INSERT INTO releases VALUES (41)")

	if err := c.Crash(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dsn).Ping(); err == nil {
		t.Error("connect to a crashed server: got no error")
	}
	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := query[int](t, dsn, "SELECT number FROM releases"); got != 41 {
		t.Errorf("committed before the crash: got %d, want 41", got)
	}
}

func TestServerOfOthers(t *testing.T) {
	t.Parallel()
	host := Start(t)
	c, err := useServer(host.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	dsn := c.New(t)
	if got, want := query[string](t, dsn, "SELECT current_database()"), "sluice_"; !strings.HasPrefix(got, want) {
		t.Errorf("database: got %s, want one that starts with %s", got, want)
	}
	if err := c.Crash(); err == nil {
		t.Error("crash of a server that is not ours: got no error")
	}
	if _, err := useServer("localhost:5432"); err == nil || !strings.Contains(err.Error(), ServerVariable) {
		t.Errorf("not a URL: got %v, want an error that names %s", err, ServerVariable)
	}
}

// TestKilledProcess kills a test process that uses a cluster, and waits until
// its directory is gone, which is the last thing that its keeper does.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=1")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	dir, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child said nothing: %v", err)
	}
	dir = strings.TrimSpace(dir)
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("the child's cluster: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed: its status tells nothing

	deadline := time.After(time.Minute)
	for tick := time.Tick(10 * time.Millisecond); ; {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return
		}
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("%s is still there a minute after its process was killed", dir)
		}
	}
}

func TestByVersion(t *testing.T) {
	t.Parallel()
	found := []string{"/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/9/bin", "/usr/lib/postgresql/14/bin"}
	if got, want := slices.MaxFunc(found, byVersion), found[0]; got != want {
		t.Errorf("newest of %q: got %s, want %s", found, got, want)
	}
}

// playKilledProcess starts a cluster, says where, and waits for its end.
func playKilledProcess() int {
	c, err := startCluster()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(c.dir)
	select {}
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execute(t *testing.T, dsn, statement string) {
	t.Helper()
	if _, err := open(t, dsn).Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func query[T any](t *testing.T, dsn, statement string) (value T) {
	t.Helper()
	if err := open(t, dsn).QueryRow(statement).Scan(&value); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
