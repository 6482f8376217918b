package gitsync

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// desk is a repository with a work tree that a test commits to, day by day.
type desk struct {
	t   *testing.T
	dir string
	day int
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir()}
	d.git("init", "--quiet", "--initial-branch=main")
	return d
}

func (d *desk) git(args ...string) string {
	d.t.Helper()
	date := fmt.Sprintf("2024-05-%02dT12:00:00Z", 1+d.day)
	args = append([]string{"-c", "user.name=alice", "-c", "user.email=alice@example.com"}, args...)
	d.t.Setenv("GIT_AUTHOR_DATE", date)
	d.t.Setenv("GIT_COMMITTER_DATE", date)
	return gitAs(d.t, d.dir, "alice", args...)
}

// commit writes files, of which an empty text takes one away, and commits them a day
// later.
func (d *desk) commit(files map[string]string) string {
	d.t.Helper()
	d.day++
	for name, text := range files {
		at := filepath.Join(d.dir, name)
		if text == "" {
			d.git("rm", "--quiet", name)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			d.t.Fatal(err)
		}
	}
	d.git("add", "--all", "--force")
	d.git("commit", "--quiet", "--allow-empty", "-m", fmt.Sprintf("Day %d", d.day))
	return d.git("rev-parse", "HEAD")
}

// tag tags HEAD a minute, so to speak, after it.
func (d *desk) tag(name, message string) { d.t.Helper(); d.git("tag", "-a", "-m", message, name) }

func (d *desk) repo() *gitrepo.Repo {
	d.t.Helper()
	r, err := gitrepo.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// asProgram are options as the command line gives them.
func asProgram(o ImportOptions) ImportOptions {
	found := func(list []config.Component) (out []Found) {
		for _, c := range list {
			out = append(out, Found{c.Name, c.Path, c.Kind})
		}
		return out
	}
	o.Default = "production"
	o.Project = func(content []byte) ([]Found, error) {
		p, err := config.ParseProject(config.ProjectFile, content)
		if err != nil {
			return nil, err
		}
		return found(p.Components), nil
	}
	o.Scan = func(tree fs.FS) ([]Found, error) {
		f, err := config.Scan(tree, nil)
		return found(f.Components), err
	}
	return o
}

// versionsOf are the versions that were made, as lines.
func versionsOf(made Imported) (out []string) {
	for _, v := range made.Versions {
		out = append(out, fmt.Sprintf("%s %s %s", v.Ref(), v.Author, v.At.Std().Format("2006-01-02")))
	}
	return out
}

// releasesOf are the releases that were made, as lines.
func releasesOf(made Imported) (out []string) {
	for _, r := range made.Releases {
		line := fmt.Sprintf("%s %s by %s:", r.Ref(), r.Action, r.Actor)
		for _, c := range r.Changes {
			line += " " + c.Slot.Component() + "=" + c.To.String()
		}
		out = append(out, line)
	}
	return out
}

func skippedOf(made Imported) (out []string) {
	for _, s := range made.Skipped {
		out = append(out, firstWord(strings.TrimPrefix(s.Ref, "refs/tags/"), s.Path, "-")+": "+s.Reason)
	}
	return out
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestImportTags reads the tags of versions in all layouts, and finds the files of
// each where its own commit says that they are.
func TestImportTags(t *testing.T) {
	d := newDesk(t)
	d.commit(map[string]string{"prompts/bot.md": "one\n"}) // found by where it is
	d.tag("components/bot/v1.0.0", "first")
	d.git("tag", "components/bot/v0.9.0")               // lightweight: by who committed
	d.tag("prompts/bot/v1.0.1-rc.1", "same again")      // another layout
	d.tag("components/prompts/bot-prompt/v1.0.0", "it") // as Edgit calls it
	d.commit(map[string]string{
		"prompts/bot.md": "", "text/one.md": "two\n", "text/agent/a.md": "agent\n", "text/agent/b.md": "b\n",
		"sluice.yaml": "components:\n  bot: {path: text/one.md, kind: prompt}\n  helper: {path: text/agent, kind: agent}\n",
	})
	d.tag("components/bot/v1.1.0", "moved")
	d.tag("components/helper/v1.0.0", "")
	d.commit(map[string]string{
		"sluice.yaml": "", "text/one.md": "", "deep/three.md": "three\n",
		".edgit/components.json": `{"version":"3.0.0","components":{"bot":{"path":"./deep/three.md","type":"prompt"},"odd name":{"path":"x","type":"prompt"}}}`,
	})
	d.tag("logic/prompts/bot/v1.2.0", "registered")
	d.commit(map[string]string{"prompts/big.md": strings.Repeat("x", sluice.MaxFileBytes+1), "prompts/lfs.md": string(largeFiles) + "v1\n"})
	d.tag("components/big/v1.0.0", "")
	d.tag("components/lfs/v1.0.0", "")
	d.tag("components/nowhere/v1.0.0", "")
	d.tag("components/bot/v1.3.0+build", "")
	d.tag("components/bot/stable", "not an environment")
	d.tag("v9.9.9", "of the repository")
	d.git("tag", "components/blob/v1.0.0", d.git("hash-object", "-w", "prompts/big.md"))
	s := newShop(t)
	made := s.take(d.repo(), asProgram(ImportOptions{}))
	equal(t, "versions", versionsOf(made), []string{
		"bot@v0.9.0 alice 2024-05-02", "bot@v1.0.0 alice 2024-05-02", "bot@v1.0.1-rc.1 alice 2024-05-02", "bot-prompt@v1.0.0 alice 2024-05-02",
		"bot@v1.1.0 alice 2024-05-03", "helper@v1.0.0 alice 2024-05-03", "bot@v1.2.0 alice 2024-05-04",
	})
	if got := s.text("bot", 4); got != "one.md: two\n" {
		t.Errorf("bot@v1.1.0 is %q", got)
	}
	if v, err := s.Version(t.Context(), "helper", "v1.0.0"); err != nil || len(v.Files) != 2 || string(v.Commit) != d.git("rev-parse", "components/helper/v1.0.0^{commit}") {
		t.Errorf("helper is %+v, %v", v, err)
	}
	skipped := skippedOf(made)
	slices.Sort(skipped)
	for i, want := range []string{
		"components/big/v1.0.0: file prompts/big.md is 1048577 bytes", "components/blob/v1.0.0: ", `components/bot/v1.3.0+build: "v1.3.0+build" is no semantic version`,
		"components/lfs/v1.0.0: prompts/lfs.md is kept in Git LFS", "components/nowhere/v1.0.0: nothing says where the files of nowhere are",
	} {
		if len(skipped) != 5 || !strings.HasPrefix(skipped[i], want) {
			t.Fatalf("skipped\n%s\nwant at %d %q", strings.Join(skipped, "\n"), i, want)
		}
	}
	again := s.take(d.repo(), asProgram(ImportOptions{}))
	if len(again.Versions) > 0 || again.Known.Versions != 7 {
		t.Errorf("a second import made %v and knew %d", versionsOf(again), again.Known.Versions)
	}
}

// TestImportKeepsLabels: a label that has other content here stays as it is.
func TestImportKeepsLabels(t *testing.T) {
	d := newDesk(t)
	d.commit(map[string]string{"prompts/bot.md": "there\n"})
	d.tag("components/bot/v1.0.0", "")
	d.commit(map[string]string{"prompts/bot.md": "next\n"})
	d.tag("components/bot/v1.1.0", "")
	s := newShop(t)
	if _, err := s.Publish(t.Context(), sluice.PublishRequest{Component: "Bot", Kind: "prompt", Label: "v1.0.0", Files: []sluice.File{sluice.NewFile("bot.md", []byte("here\n"))}}); err != nil {
		t.Fatal(err)
	}
	made := s.take(d.repo(), asProgram(ImportOptions{}))
	equal(t, "versions", versionsOf(made), []string{"Bot@v1.1.0 alice 2024-05-03"})
	if got := skippedOf(made); len(got) != 1 || !strings.Contains(got[0], "Bot@v1.0.0 has other content here") {
		t.Errorf("skipped %q", got)
	}
	if got := s.text("Bot", 1); got != "bot.md: here\n" {
		t.Errorf("v1.0.0 became %q", got)
	}
}

// TestImportAsksForSignatures where the policy does.
func TestImportAsksForSignatures(t *testing.T) {
	d := newDesk(t)
	d.commit(map[string]string{"prompts/bot.md": "one\n"})
	d.tag("components/bot/v1.0.0", "")
	// A signature that fits nothing.
	raw := gitAs(t, d.dir, "alice", "cat-file", "tag", "components/bot/v1.0.0")
	forged := strings.Replace(raw, "v1.0.0", "v1.1.0", 1) + "\n\n-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"
	file := filepath.Join(t.TempDir(), "tag")
	if err := os.WriteFile(file, []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	d.git("update-ref", "refs/tags/components/bot/v1.1.0", d.git("hash-object", "-t", "tag", "-w", "--literally", file))
	for policy, want := range map[string]int{VerifyOff: 2, VerifyRequired: 0} {
		s := newShop(t)
		made, err := New(d.repo(), s.Client, Config{Verify: policy}).Import(t.Context(), asProgram(ImportOptions{}))
		if err != nil || len(made.Versions) != want || len(made.Skipped) != 2-want {
			t.Errorf("%s: made %v, skipped %v, %v", policy, versionsOf(made), skippedOf(made), err)
		}
	}
}

func TestImportRefusesShallowClones(t *testing.T) {
	d := newDesk(t)
	d.commit(map[string]string{"prompts/bot.md": "one\n"})
	d.commit(map[string]string{"prompts/bot.md": "two\n"})
	shallow := filepath.Join(t.TempDir(), "shallow")
	gitAs(t, ".", "alice", "clone", "--quiet", "--depth=1", "file://"+d.dir, shallow)
	repo, err := Clone(t.Context(), shallow, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(repo, newShop(t).Client, Config{}).Import(t.Context(), asProgram(ImportOptions{}))
	if sluice.CodeOf(err) != sluice.Invalid || !strings.Contains(strings.Join(sluice.Texts(sluice.AsError(err).Fixes), ""), "--unshallow") {
		t.Errorf("got %v", err)
	}
	if _, err := Clone(t.Context(), filepath.Join(t.TempDir(), "none"), t.TempDir()); sluice.CodeOf(err) != sluice.Unavailable {
		t.Errorf("what is not there: %v", err)
	}
	if _, err := Clone(t.Context(), "--upload-pack=touch x", t.TempDir()); sluice.CodeOf(err) != sluice.Unavailable {
		t.Errorf("an option: %v", err)
	}
}
