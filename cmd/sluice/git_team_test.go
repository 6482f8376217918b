package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// gitCommands are those of the stories that run in Git repositories.
var gitCommands = map[string]func(*testscript.TestScript, bool, []string){
	"team": team, "publish": publish, "equal": equal, "agree": agree, "clone": clone, "lines": lines, "hang": hang,
}

// team makes remote.git, an empty repository that all share, and a clone of it for
// the first person, with the files of the directory project in it, and goes there:
// team alice. Who acts is whom Git names.
func team(ts *testscript.TestScript, _ bool, args []string) {
	home := ts.MkAbs("home")
	ts.Check(os.MkdirAll(home, 0o755))
	for _, set := range [][2]string{
		{"HOME", home},
		{"XDG_CONFIG_HOME", home},
		{"GIT_CONFIG_NOSYSTEM", "1"},
		{"SLUICE_ACTOR", ""},
		{"GIT_PAGER", "cat"},
		{"REMOTE", ts.MkAbs("remote.git")},
	} {
		ts.Setenv(set[0], set[1])
	}
	for _, key := range [][2]string{
		{"init.defaultBranch", "main"}, {"advice.detachedHead", "false"}, {"protocol.file.allow", "always"}, {"core.abbrev", "7"},
	} {
		ts.Check(ts.Exec("git", "config", "--global", key[0], key[1]))
	}
	ts.Check(ts.Exec("git", "init", "-q", "--bare", ts.Getenv("REMOTE")))
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(ts.MkAbs("project"), 0o755))
	ts.Check(os.Rename(ts.MkAbs("project"), dir))
	in(ts, dir, "git", "init", "-q")
	in(ts, dir, "git", "remote", "add", "origin", "../remote.git")
	named(ts, dir, args[0])
	in(ts, dir, "git", "add", ".")
	in(ts, dir, "git", "commit", "-q", "--allow-empty", "-m", "Start")
	in(ts, dir, "git", "push", "-q", "-u", "origin", "main")
	in(ts, dir, "git", "remote", "set-head", "origin", "main") // as in a clone
	ts.Check(ts.Chdir(dir))
}

// hang has a remote at an address where connections are taken and nothing is said:
// hang origin.
func hang(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	var held []net.Conn // the collector closes what nobody has
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			held = append(held, conn)
		}
	}()
	ts.Defer(func() {
		_ = listener.Close()
		<-closed
		for _, conn := range held {
			_ = conn.Close()
		}
	})
	ts.Check(ts.Exec("git", "remote", "set-url", args[0], "http://"+listener.Addr().String()+"/x.git"))
}

// clone makes a clone for a person: clone bob [ARGUMENT…].
func clone(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(ts.Getenv("WORK") + "/" + args[0])
	ts.Check(ts.Exec("git", append(append([]string{"clone", "-q"}, args[1:]...), "file://"+ts.Getenv("REMOTE"), dir)...))
	named(ts, dir, args[0])
}

func named(ts *testscript.TestScript, dir, name string) {
	in(ts, dir, "git", "config", "user.name", name)
	in(ts, dir, "git", "config", "user.email", name+"@example.com")
}

// publish commits a text as the file of a component, at a time, and gives it a tag:
// publish my-prompt v1.0.0 2024-11-08T10:00:00Z components/prompts/my-prompt.md [TEXT].
func publish(ts *testscript.TestScript, _ bool, args []string) {
	name, label, at, path := args[0], args[1], args[2], args[3]
	text := label + " of " + name
	if len(args) > 4 {
		text = args[4]
	}
	ts.Check(os.WriteFile(ts.MkAbs(path), []byte(text+"\n"), 0o644))
	ts.Setenv("GIT_AUTHOR_DATE", at)
	ts.Setenv("GIT_COMMITTER_DATE", at)
	defer ts.Setenv("GIT_AUTHOR_DATE", "")
	defer ts.Setenv("GIT_COMMITTER_DATE", "")
	ts.Check(ts.Exec("git", "commit", "-q", "-m", "Write "+name+" "+label, "--", path))
	ts.Check(ts.Exec("sluice", "tag", "create", name, label, "--at", at))
}

// equal checks that the remote has the tags, versions and histories of a clone, as
// they are there, and no others: equal [DIR].
func equal(ts *testscript.TestScript, _ bool, args []string) {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	const format = "--format=%(objectname) %(refname)"
	shared := []string{"refs/tags", "refs/sluice/environments", "refs/sluice/versions"}
	here := in(ts, ts.MkAbs(dir), "git", append([]string{"for-each-ref", format}, shared...)...)
	there := in(ts, ts.Getenv("REMOTE"), "git", append([]string{"for-each-ref", format}, shared...)...)
	if here != there {
		ts.Fatalf("%s has\n%s\nand the remote\n%s", dir, here, there)
	}
}

// agree has each clone synchronise, makes those that are not there yet, and checks
// that all give the answers of the first: agree alice bob fresh [at=DATE…].
func agree(ts *testscript.TestScript, _ bool, args []string) {
	var dirs, dates []string
	for _, a := range args {
		if at, is := strings.CutPrefix(a, "at="); is {
			dates = append(dates, at)
		} else {
			dirs = append(dirs, a)
		}
	}
	var want []string
	for i, name := range dirs {
		dir := ts.MkAbs(ts.Getenv("WORK") + "/" + name)
		if _, err := os.Stat(dir); err != nil {
			clone(ts, false, []string{name})
		}
		in(ts, dir, "sluice", "git", "sync")
		got := answers(ts, dir, dates)
		if i == 0 {
			want = got
		} else if !slices.Equal(got, want) {
			ts.Fatalf("%s answers\n%s\nand %s\n%s", dirs[0], strings.Join(want, "\n"), name, strings.Join(got, "\n"))
		}
		if second := in(ts, dir, "sluice", "git", "sync"); second != "nothing new\n" {
			ts.Fatalf("%s: a second sync says %q", name, second)
		}
	}
}

// answers are what a clone says to all questions about what is and was live.
func answers(ts *testscript.TestScript, dir string, dates []string) []string {
	var out []string
	ask := func(args ...string) string {
		answer := in(ts, dir, "sluice", args...)
		out = append(out, "$ sluice "+strings.Join(args, " ")+"\n"+answer)
		return answer
	}
	var components []struct {
		Name         string
		Environments map[string]string
	}
	ts.Check(json.Unmarshal([]byte(ask("components", "list", "--format", "json")), &components))
	ask("components", "list", "--format", "tree")
	for _, at := range dates {
		ask("history", "--date", at)
		ask("history", "--date", at, "--format", "json")
	}
	for _, c := range components {
		ask("tag", "list", c.Name)
		for _, e := range slices.Sorted(maps.Keys(c.Environments)) {
			ask("history", c.Name, "--from", e)
			if got := ask("deploy", "get", c.Name, "--from", e); got != c.Environments[e]+"\n" {
				ts.Fatalf("%s: %s is %q in %s, and the list says %q", dir, c.Name, got, e, c.Environments[e])
			}
		}
	}
	return out
}

// in runs a program in a directory and returns what it prints.
func in(ts *testscript.TestScript, dir, program string, args ...string) string {
	err := ts.Exec("sh", append([]string{"-c", `cd "$0" && exec "$@"`, dir, program}, args...)...)
	if err != nil {
		ts.Fatalf("in %s: %s %q: %v", dir, program, args, err)
	}
	return ts.ReadFile("stdout")
}

// lines checks how many lines the last output has: lines 3.
func lines(ts *testscript.TestScript, _ bool, args []string) {
	if got := fmt.Sprint(strings.Count(ts.ReadFile("stdout"), "\n")); got != args[0] {
		ts.Fatalf("%s lines, want %s", got, args[0])
	}
}

// commands adds those of the stories in Git repositories to others.
func commands(others map[string]func(*testscript.TestScript, bool, []string)) map[string]func(*testscript.TestScript, bool, []string) {
	maps.Copy(others, gitCommands)
	return others
}
