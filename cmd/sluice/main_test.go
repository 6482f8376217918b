package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/sandbox"
)

var update = flag.Bool("update", false, "rewrite the expected output of the scripts")

// TestMain makes this test binary the program sluice where a script calls it,
// and what else the stories need.
func TestMain(m *testing.M) {
	sandbox.Enter()
	testscript.Main(withPostgres{m}, map[string]func(){"sluice": main, "sql": statement, "proxy": proxy, "hangup": hangup})
}

// withPostgres ends the database cluster that stories used.
type withPostgres struct{ m *testing.M }

func (w withPostgres) Run() int { return pgtest.Run(w.m) }

// TestScript runs each story in testdata/script in a directory of its own, with
// a real installation in it.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		ContinueOnError:    true,
		Cmds: commands(map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			// database sets POSTGRES to the URL of an empty database, and POOLED to one that
			// leads to it through PgBouncer, where transactions share connections.
			"database": func(ts *testscript.TestScript, _ bool, _ []string) {
				dsn := pgtest.New(t)
				ts.Setenv("POSTGRES", dsn)
				ts.Setenv("POOLED", pgtest.Pooler(t, dsn, "transaction"))
			},
			// model sets MODEL to the address of a model that gives the same answer to all, and
			// ends it for the reason that is named: model length 'Dear Bob,'.
			"model": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 2 {
					ts.Fatalf("usage: model FINISH_REASON ANSWER")
				}
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					fmt.Fprintf(w, `{"choices": [{"index": 0, "finish_reason": %q, "message": {"role": "assistant", "content": %q}}]}`, args[0], args[1])
				}))
				ts.Defer(server.Close)
				ts.Setenv("MODEL", server.URL)
			},
		}),
		RequireExplicitExec: false,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SLUICE_ACTOR", "alice")
			e.Setenv("TZ", "UTC")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // else each program with the race detector ends a second late
			return nil
		},
	})
}

// exits runs a command and checks its exit status: exits 5 sluice deploy get nope.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM [ARGUMENT…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var status *exec.ExitError
		if !errors.As(err, &status) {
			ts.Fatalf("%v: %v", args[1:], err)
		}
		got = status.ExitCode()
	}
	if got != want {
		ts.Fatalf("%v: exit status %d, want %d", args[1:], got, want)
	}
}
