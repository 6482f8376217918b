package gitsync

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

var (
	importRuns = flag.Int("gitsync.imports", 12, "how many histories are made up and imported")
	importFrom = flag.Uint64("gitsync.imports.from", 1, "the first of them, to make one again")
)

// shop is an installation without a repository of its own.
type shop struct {
	t *testing.T
	*client.Client
}

func newShop(t *testing.T) shop {
	t.Helper()
	srv, err := openInstallation(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := client.New(client.Config{Server: "http://sluice", Transport: client.InProcess(srv.Local()), Actor: "importer"})
	if err != nil {
		t.Fatal(err)
	}
	return shop{t, c}
}

func (s shop) take(repo *gitrepo.Repo, o ImportOptions) Imported {
	s.t.Helper()
	out, err := New(repo, s.Client, Config{}).Import(s.t.Context(), o)
	if err != nil {
		s.t.Fatalf("import: %v", err)
	}
	return out
}

var fromCommits = ImportOptions{
	Commits: []string{"components/prompts/*", "prompts/**"}, Kind: "prompt", Deployments: []Deployment{{"main", "production"}},
}

// TestImportIsWhatGitHad imports made-up histories and holds what was live at the date
// of every commit against the commit itself.
func TestImportIsWhatGitHad(t *testing.T) {
	t.Parallel()
	for seed := *importFrom; seed < *importFrom+uint64(*importRuns); seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			p := newPast(seed)
			p.grow(40)
			const bot = "components/prompts/bot.md"
			tags := p.tagMain("bot", bot)
			repo := p.in(t)
			s := newShop(t)
			made := s.take(repo, fromCommits)
			if n := repo.Started(); n > 5 { // refs, objects, two logs and the dates
				t.Errorf("it started %d processes", n)
			}
			s.compare(p, "production", wanted)
			if again := s.take(repo, fromCommits); len(again.Versions)+len(again.Releases) > 0 {
				t.Errorf("a second import made %d versions and %d releases", len(again.Versions), len(again.Releases))
			}
			s.authors(repo, made)
			s.replays(made)
			labelled := s.take(repo, ImportOptions{Here: []Found{{"bot", bot, "prompt"}}, Deployments: []Deployment{{"main", "staging"}}})
			if got := len(labelled.Versions) + len(labelled.Skipped); got < tags {
				t.Errorf("%d tags became %d versions, or nothing", tags, got)
			}
			s.compare(p, "staging", func(tree pastTree) []string {
				if f, there := tree[bot]; there {
					return wanted(pastTree{bot: f})
				}
				return nil
			})
			if report, err := s.Verify(t.Context(), sluice.VerifyRequest{}); err != nil || !report.Holds {
				t.Errorf("audit: %+v, %v", report, err)
			}
		})
	}
}

// compare asks what was live at the date of each commit.
func (s shop) compare(p *past, environment string, wanted func(pastTree) []string) {
	s.t.Helper()
	texts := map[sluice.Digest]string{}
	for _, date := range slices.Sorted(maps.Keys(p.moments())) {
		m, err := s.State(s.t.Context(), sluice.EnvironmentRef{Name: environment, At: sluice.Time(date * 1e6)})
		if err != nil {
			s.t.Fatal(err)
		}
		var got []string
		for _, slot := range m.Components() {
			pin := slot.Value.Pin
			key := sluice.Digest(slot.Slot.Component()) + pin.Digest
			if _, known := texts[key]; !known {
				texts[key] = s.text(slot.Slot.Component(), pin.Version)
			}
			got = append(got, texts[key])
		}
		want := wanted(p.moments()[date].tree)
		if slices.Sort(got); !slices.Equal(got, want) {
			s.t.Fatalf("at %d %s has\n%q\nwant\n%q", date, environment, got, want)
		}
	}
}

// text is the one file of a version, with its name.
func (s shop) text(component string, number int) string {
	s.t.Helper()
	v, err := s.Version(s.t.Context(), component, strconv.Itoa(number))
	if err != nil || len(v.Files) != 1 {
		s.t.Fatalf("%s@%d: %+v, %v", component, number, v, err)
	}
	f, err := s.File(s.t.Context(), component, strconv.Itoa(number), v.Files[0].Path)
	if err != nil {
		s.t.Fatal(err)
	}
	return f.Path + ": " + string(f.Bytes())
}

// wanted is what of a tree can be components.
func wanted(tree pastTree) []string {
	out := []string{}
	for at, f := range tree {
		base := path.Base(at)
		name, _, _ := strings.Cut(base, ".")
		_, _, bad := sluice.CheckFiles([]sluice.File{sluice.NewFile(base, []byte(f.content))})
		in := strings.HasPrefix(at, "components/prompts/") || strings.HasPrefix(at, "prompts/")
		if in && f.mode != "120000" && sluice.CheckName("component", name) == nil && bad == nil && !strings.HasPrefix(f.content, string(largeFiles)) {
			out = append(out, base+": "+f.content)
		}
	}
	slices.Sort(out)
	return out
}

// authors compares who made the versions with what git says.
func (s shop) authors(repo *gitrepo.Repo, made Imported) {
	s.t.Helper()
	for _, v := range made.Versions {
		said := gitAs(s.t, repo.Dir, "alice", "log", "-1", "--format=%an|%at|%s", string(v.Commit))
		name, rest, _ := strings.Cut(said, "|")
		date, subject, _ := strings.Cut(rest, "|")
		if name = strings.ToValidUTF8(name, "\uFFFD"); name == "" {
			name = "nobody@example.com"
		}
		if v.At == v.RecordedAt { // it was committed tomorrow
			date = fmt.Sprint(v.At.Std().Unix())
		}
		if v.Author != name || fmt.Sprint(v.At.Std().Unix()) != date || v.Note != subject {
			s.t.Errorf("%s is by %q at %d (%q), and git says %q at %s (%q)", v.Ref(), v.Author, v.At.Std().Unix(), v.Note, name, date, subject)
		}
	}
}

// replays does what was imported again as deployments of today, and compares the
// two environments: a rollback must lead to the same in both.
func (s shop) replays(made Imported) {
	s.t.Helper()
	ctx := s.t.Context()
	if _, err := s.CreateEnvironment(ctx, sluice.CreateEnvironmentRequest{Name: "replay"}); err != nil {
		s.t.Fatal(err)
	}
	for _, r := range made.Releases {
		req := sluice.DeployRequest{Environment: "replay"}
		for _, c := range r.Changes {
			change := sluice.ChangeRequest{Component: c.Slot.Component(), Unset: !c.To.Live()}
			if c.To.Live() {
				change.Version = strconv.Itoa(c.To.Version)
			}
			req.Changes = append(req.Changes, change)
		}
		done, err := s.Deploy(ctx, req)
		if err != nil || done.Release == nil {
			s.t.Fatalf("replay of %s: %+v, %v", r.Ref(), done, err)
		}
		if done.Release.Action != r.Action {
			s.t.Errorf("%s is a %s, and doing the same is a %s", r.Ref(), r.Action, done.Release.Action)
		}
		if got, want := settings(r.Changes), settings(done.Release.Changes); got != want {
			s.t.Fatalf("%s has\n%s\nand doing the same\n%s", r.Ref(), got, want)
		}
	}
}

func settings(changes []sluice.SlotChange) string {
	text, err := json.Marshal(changes)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestImportGoesOn cuts imports short at every request, and demands that going on
// leads to what an undisturbed import makes.
func TestImportGoesOn(t *testing.T) {
	t.Parallel()
	p := newPast(99)
	p.grow(150)
	repo := p.in(t)
	whole := newShop(t)
	whole.take(repo, fromCommits)
	want := whole.all()
	for stop := 0; ; stop++ {
		s := newShop(t)
		cut := &cutShort{Services: s.Client, left: stop}
		_, err := New(repo, cut, Config{}).Import(t.Context(), fromCommits)
		if err == nil {
			t.Logf("%d requests", stop)
			break
		}
		if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		s.take(repo, fromCommits)
		if got := s.all(); got != want {
			t.Fatalf("cut short after %d requests:\n%s\nwant\n%s", stop, got, want)
		}
	}
}

// cutShort fails after so many requests of a few records.
type cutShort struct {
	sluice.Services
	left int
}

var errCut = errors.New("cut short")

func (c *cutShort) Record(ctx context.Context, req sluice.RecordRequest) (sluice.RecordReport, error) {
	var all sluice.RecordReport
	for some := range slices.Chunk(req.Records, 25) {
		if c.left--; c.left < 0 {
			return sluice.RecordReport{}, errCut
		}
		done, err := c.Services.Record(ctx, sluice.RecordRequest{Records: some})
		if err != nil {
			return all, err
		}
		all.Recorded = append(all.Recorded, done.Recorded...)
	}
	return all, nil
}

// all is everything that an import made, without what differs each time.
func (s shop) all() string {
	s.t.Helper()
	ctx := s.t.Context()
	var b strings.Builder
	components, err := s.Components(ctx, sluice.ComponentQuery{Paging: sluice.Paging{Limit: sluice.MaxPage}})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range components.Items {
		page, err := s.Versions(ctx, sluice.VersionQuery{Component: c.Name, Paging: sluice.Paging{Limit: sluice.MaxPage}})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, v := range page.Items {
			if v.At == v.RecordedAt { // a commit of tomorrow
				v.At = 0
			}
			fmt.Fprintln(&b, v.Ref(), v.Digest, v.Author, v.At, v.Commit, v.Note)
		}
	}
	page, err := s.Releases(ctx, sluice.ReleaseQuery{Environment: "production", Paging: sluice.Paging{Limit: sluice.MaxPage}})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range page.Items {
		fmt.Fprintln(&b, r.Ref(), r.At, r.Actor, r.Action, r.Cause, r.Reason, settings(r.Changes))
	}
	return b.String()
}
