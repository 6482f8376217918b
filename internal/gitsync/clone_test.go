package gitsync

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/sandbox"
)

// TestMain takes the configuration of whoever runs the tests out of play.
func TestMain(m *testing.M) {
	sandbox.Enter()
	for key, value := range map[string]string{
		"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.DevNull, "LC_ALL": "C", "GIT_CEILING_DIRECTORIES": os.TempDir(),
	} {
		if err := os.Setenv(key, value); err != nil {
			panic(err)
		}
	}
	if order := os.Getenv(orderVariable); order != "" {
		os.Exit(carryOut(order))
	}
	os.Exit(m.Run())
}

// clone is a repository with an installation of its own, as one person has it.
type clone struct {
	t      *testing.T
	dir    string
	actor  string
	client *client.Client
	bridge *Bridge
	close  func()
}

// gitAs runs git in a directory, as one person.
func gitAs(t *testing.T, dir, who string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(
		os.Environ(),
		"GIT_AUTHOR_NAME="+who, "GIT_AUTHOR_EMAIL="+who+"@example.com", "GIT_COMMITTER_NAME="+who, "GIT_COMMITTER_EMAIL="+who+"@example.com",
	)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// bare is an empty remote.
func bare(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "remote.git")
	gitAs(t, ".", "git", "init", "--quiet", "--bare", dir)
	return dir
}

func newClone(t *testing.T, remote, actor string) *clone {
	t.Helper()
	dir := filepath.Join(t.TempDir(), actor)
	gitAs(t, ".", actor, "clone", "--quiet", remote, dir)
	return openClone(t, dir, actor)
}

// openClone opens what is in a directory, with an installation in .sluice.
func openClone(t *testing.T, dir, actor string) *clone {
	t.Helper()
	c := &clone{t: t, dir: dir, actor: actor}
	if err := c.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	return c
}

// open opens what is in the clone's directory.
func (c *clone) open() error {
	srv, err := openInstallation(context.Background(), filepath.Join(c.dir, ".sluice"))
	if err != nil {
		return err
	}
	c.close = func() {
		if err := srv.Close(); err != nil {
			c.t.Error(err)
		}
	}
	if c.client, err = client.New(client.Config{Server: "http://sluice", Transport: client.InProcess(srv.Local()), Actor: c.actor}); err != nil {
		return err
	}
	repo, err := gitrepo.Open(c.dir)
	if err != nil {
		return err
	}
	c.bridge = New(repo, c.client, Config{Remote: "origin", Place: func(component string) (string, string) {
		return "components/prompts/" + component + ".md", "prompt"
	}})
	return nil
}

// publish makes a labelled version of a prompt.
func (c *clone) publish(name, label, text string) {
	c.t.Helper()
	if _, err := c.client.Publish(c.t.Context(), sluice.PublishRequest{
		Component: name, Kind: "prompt", Label: label, Files: []sluice.File{sluice.NewFile(name+".md", []byte(text))},
	}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clone) deploy(environment, name, version string) sluice.Outcome {
	c.t.Helper()
	out, err := c.client.Deploy(c.t.Context(), sluice.DeployRequest{
		Environment: environment, Create: sluice.CreateAlways, Changes: []sluice.ChangeRequest{{Component: name, Version: version}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *clone) export() Exported {
	c.t.Helper()
	out, err := c.bridge.Export(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *clone) sync(o SyncOptions) Synced {
	c.t.Helper()
	out, err := c.bridge.Sync(c.t.Context(), o)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *clone) push() Pushed {
	c.t.Helper()
	out, err := c.bridge.Push(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *clone) git(args ...string) string {
	c.t.Helper()
	return gitAs(c.t, c.dir, c.actor, args...)
}
