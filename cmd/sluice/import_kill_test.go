package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestImportIsKilled kills imports at random moments and starts them again, until
// one comes to its end. What is there then is what an undisturbed import makes.
func TestImportIsKilled(t *testing.T) {
	t.Parallel()
	repo := promptHistory(t, 700)
	whole := filepath.Join(t.TempDir(), "whole")
	began := time.Now()
	if err := importInto(t, repo, whole).Run(); err != nil {
		t.Fatal(err)
	}
	long := time.Since(began)
	want := imported(t, whole)
	kills := 0
	for round := range 3 {
		data := filepath.Join(t.TempDir(), fmt.Sprint(round))
		for done := false; !done; {
			cmd := importInto(t, repo, data)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(rand.N(long), func() { _ = cmd.Process.Kill() })
			err := cmd.Wait()
			if done = err == nil; !done && timer.Stop() {
				t.Fatalf("it failed without being killed: %v", err)
			}
			timer.Stop()
			if !done {
				kills++
			}
		}
		if got := imported(t, data); got != want {
			t.Fatalf("after %d kills there is\n%s\nwant\n%s", kills, got, want)
		}
		if out, err := sluiceOn(t, data, "audit", "verify").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "holds") {
			t.Errorf("audit verify: %v\n%s", err, out)
		}
	}
	t.Logf("%d kills", kills)
}

// promptHistory makes a repository in which some prompts were edited so many times.
func promptHistory(t *testing.T, commits int) string {
	t.Helper()
	dir := t.TempDir()
	var stream bytes.Buffer
	for i := range commits {
		text := fmt.Sprintf("Text %d\n", i-i%11) // now and then what it was before
		fmt.Fprintf(&stream, "commit refs/heads/main\nmark :%d\ncommitter %s <x@example.com> %d +0000\ndata 4\nedit\n", i+1, []string{"alice", "bob"}[i%2], 1714564800+i/3*60)
		if i > 0 {
			fmt.Fprintf(&stream, "from :%d\n", i)
		}
		fmt.Fprintf(&stream, "M 100644 inline components/prompts/prompt-%d.md\ndata %d\n%s\n", i%7, len(text), text)
		if i%50 == 49 {
			fmt.Fprintf(&stream, "D components/prompts/prompt-%d.md\n", i%5)
		}
	}
	for _, args := range [][]string{{"init", "--quiet", "--initial-branch=main"}, {"fast-import", "--quiet"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Stdin = dir, &stream
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
		if args[0] == "init" {
			cmd.Stdin = nil
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}

// sluiceOn is a command line that works on a directory of data.
func sluiceOn(t *testing.T, data string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sluice", args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "SLUICE_DATA="+data, "SLUICE_ACTOR=importer", "SLUICE_CONFIG="+os.DevNull, "TZ=UTC",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	return cmd
}

func importInto(t *testing.T, repo, data string) *exec.Cmd {
	t.Helper()
	cmd := sluiceOn(t, data, "git", "import", "--commits", "components/prompts/*.md", "--deployments=main=production")
	cmd.Dir = repo
	return cmd
}

// imported is all releases and versions that an installation has, without what is
// its own alone.
func imported(t *testing.T, data string) string {
	t.Helper()
	var b strings.Builder
	queries := [][]string{{"history", "--from", "production"}}
	for i := range 7 {
		queries = append(queries, []string{"version", "list", fmt.Sprintf("prompt-%d", i)})
	}
	for _, args := range queries {
		out, err := sluiceOn(t, data, append(args, "-o", "json")...).Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		var list []map[string]any
		if err := json.Unmarshal(out, &list); err != nil {
			t.Fatal(err)
		}
		for _, item := range list {
			delete(item, "epoch")
			delete(item, "recorded_at")
		}
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, string(text))
	}
	return b.String()
}
