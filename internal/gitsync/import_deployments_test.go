package gitsync

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestImportEnvironmentTags: each tag of an environment is one release by whoever made
// it, in any layout, of the version that it names.
func TestImportEnvironmentTags(t *testing.T) {
	d := newDesk(t)
	d.commit(map[string]string{"prompts/bot.md": "one\n", "prompts/triage.md": "t\n"})
	d.tag("components/bot/v1.0.0", "")
	d.tag("components/bot/v1.0.1", "") // of the same commit
	d.commit(map[string]string{"prompts/bot.md": "two\n"})
	d.tag("components/bot/prod", "Deploy bot@v1.0.1 to prod")
	d.git("tag", "-f", "-a", "-m", "Deploy bot@v1.0.1 to prod", "components/bot/prod", "components/bot/v1.0.1") // a tag of a tag
	d.day++
	d.git("tag", "-a", "-m", "Promote triage from staging to production", "prompts/triage/production")
	d.git("tag", "components/prompts/bot/stage") // what no version holds, lightweight
	d.git("tag", "components/bot/elsewhere")
	s := newShop(t)
	o := asProgram(ImportOptions{Deployments: []Deployment{{}}})
	made := s.take(d.repo(), o)
	equal(t, "releases", releasesOf(made), []string{
		"staging#1 deploy by alice: bot=3", "production#1 deploy by alice: bot=v1.0.1", "production#2 deploy by alice: triage=1",
	})
	if r := made.Releases[2]; r.Reason != "Promote triage from staging to production" || !strings.HasSuffix(r.Cause, " for triage") || r.Commit != "" {
		t.Errorf("the release is %+v", r)
	}
	if again := s.take(d.repo(), o); len(again.Releases)+len(again.Versions) > 0 || again.Known.Releases != 3 {
		t.Errorf("a second import made %v and knew %d", releasesOf(again), again.Known.Releases)
	}
	// A tag that moved since is one more release.
	d.day++
	d.git("tag", "-f", "-a", "-m", "Deploy bot@v1.0.0 to prod", "components/bot/prod", "HEAD")
	equal(t, "releases", releasesOf(s.take(d.repo(), o)), []string{"production#3 deploy by alice: bot=3"})
	// One under the name of another environment.
	named := s.take(d.repo(), asProgram(ImportOptions{Deployments: []Deployment{{"elsewhere", "development"}}}))
	equal(t, "releases", releasesOf(named), []string{"development#1 deploy by alice: bot=3"})
}

// TestImportBranches of environments: what tags name, and what none does, in
// directories and files, that come and go.
func TestImportBranches(t *testing.T) {
	d := newDesk(t)
	d.commit(map[string]string{"prompts/bot.md": "one\n", "agents/help/a.md": "a\n", "agents/help/b.md": "b\n", "README.md": "read\n"})
	d.tag("components/bot/v1.0.0", "")
	d.commit(map[string]string{"README.md": "more\n"})
	d.commit(map[string]string{"prompts/bot.md": "two\n", "prompts/new.md": "new\n"})
	d.git("branch", "prod")
	d.commit(map[string]string{"prompts/bot.md": "", "components/prompts/bot.md": "two\n", "agents/help/b.md": ""})
	d.commit(map[string]string{"components/prompts/bot.md": "one\n", "agents/help/a.md": "", "prompts/new.md": ""})
	s := newShop(t)
	o := asProgram(ImportOptions{Deployments: []Deployment{{}, {"main", "staging"}}})
	made := s.take(d.repo(), o)
	equal(t, "releases", releasesOf(made), []string{
		"staging#1 deploy by alice: bot=v1.0.0 help=1", "production#1 deploy by alice: bot=v1.0.0 help=1",
		"staging#2 deploy by alice: bot=2 new=1", "production#2 deploy by alice: bot=2 new=1",
		"staging#3 deploy by alice: help=2", // the file that moved holds the same
		"staging#4 rollback by alice: bot=v1.0.0 help= new=",
	})
	if got := s.take(d.repo(), o); len(got.Releases) > 0 {
		t.Errorf("a second import made %v", releasesOf(got))
	}
	// Commits that came since go on.
	d.commit(map[string]string{"components/prompts/bot.md": "three\n"})
	equal(t, "releases", releasesOf(s.take(d.repo(), o)), []string{"staging#5 deploy by alice: bot=3"})
	// What was done here since stays on top.
	if _, err := s.Deploy(t.Context(), sluice.DeployRequest{Environment: "staging", Changes: []sluice.ChangeRequest{{Component: "bot", Version: "v1.0.0"}}}); err != nil {
		t.Fatal(err)
	}
	if got := s.take(d.repo(), o); len(got.Releases) > 0 {
		t.Errorf("nothing new made %v", releasesOf(got))
	}
	d.commit(map[string]string{"components/prompts/bot.md": "four\n"})
	s.refused(d, o, sluice.Conflict, "staging was live here already (staging#6 by importer")
}

// refused demands an error of an import, and that it released nothing.
func (s shop) refused(d *desk, o ImportOptions, code sluice.Code, words string) {
	s.t.Helper()
	made, err := New(d.repo(), s.Client, Config{}).Import(s.t.Context(), o)
	if sluice.CodeOf(err) != code || !strings.Contains(err.Error(), words) || len(sluice.AsError(err).Fixes) == 0 || len(made.Releases) > 0 {
		s.t.Errorf("%+v: got %v (fixes %q) with %v, want %s: %s", o.Deployments, err, sluice.AsError(err), releasesOf(made), code, words)
	}
}

func TestImportRefuses(t *testing.T) {
	d := newDesk(t)
	d.commit(map[string]string{"prompts/bot.md": "one\n", "notes/x.md": "x\n"})
	d.git("branch", "other")
	d.git("checkout", "--quiet", "--orphan", "rewritten")
	d.commit(map[string]string{"prompts/bot.md": "two\n"})
	d.git("checkout", "--quiet", "main")
	s := newShop(t)
	with := func(ds ...Deployment) ImportOptions { return asProgram(ImportOptions{Deployments: ds}) }
	s.refused(d, with(Deployment{"none", "production"}), sluice.NotFound, "there is no branch none")
	s.refused(d, with(Deployment{"main", "prodution"}), sluice.NotFound, "prodution")
	s.refused(d, with(Deployment{"other", ""}), sluice.NotFound, "other")
	s.refused(d, with(Deployment{"main", "production"}, Deployment{"other", "prod"}), sluice.Invalid, "main and other cannot both be the history of production")
	s.refused(d, ImportOptions{Commits: []string{"notes/*"}}, sluice.Invalid, "nothing says of which kind notes/x.md is")
	s.refused(d, ImportOptions{Commits: []string{"notes/["}}, sluice.Invalid, "is not a pattern of paths")
	made := s.take(d.repo(), with(Deployment{"main", ""})) // the default environment
	equal(t, "releases", releasesOf(made), []string{"production#1 deploy by alice: bot=1"})
	s.refused(d, with(Deployment{"rewritten", "production"}), sluice.Conflict, "production holds the import of another history")

	lived := newShop(t)
	lived.take(d.repo(), asProgram(ImportOptions{Commits: []string{"prompts/*.md"}}))
	if _, err := lived.Deploy(t.Context(), sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{{Component: "bot", Version: "1"}}}); err != nil {
		t.Fatal(err)
	}
	lived.refused(d, with(Deployment{"main", "production"}), sluice.Conflict, "production was live here already (production#1 by importer")
	// An environment of its own is made for it, in which nothing is inherited.
	if _, err := lived.Deploy(t.Context(), sluice.DeployRequest{Environment: "base", Changes: []sluice.ChangeRequest{{Component: "bot", Version: "1"}}}); err != nil {
		t.Fatal(err)
	}
	past := lived.take(d.repo(), with(Deployment{"main", "earlier"}))
	equal(t, "releases", releasesOf(past), []string{"earlier#1 deploy by alice: bot=1"})
	if again := lived.take(d.repo(), with(Deployment{"main", "earlier"})); len(again.Releases) > 0 || past.Releases[0].SourceAt != 0 {
		t.Errorf("a second import made %v after %+v", releasesOf(again), past.Releases[0])
	}
	if report, err := lived.Verify(t.Context(), sluice.VerifyRequest{}); err != nil || !report.Holds {
		t.Errorf("audit: %+v, %v", report, err)
	}
}

// TestImportIntoParents: a parent and its children get their releases in the order
// of time, so that what is inherited has its date too.
func TestImportIntoParents(t *testing.T) {
	d := newDesk(t)
	d.commit(map[string]string{"prompts/bot.md": "one\n"})
	d.git("branch", "live")
	d.commit(map[string]string{"prompts/shared.md": "s\n"})
	d.git("checkout", "--quiet", "live")
	d.commit(map[string]string{"prompts/bot.md": "two\n"})
	d.git("checkout", "--quiet", "main")
	d.commit(map[string]string{"prompts/shared.md": "s2\n"})
	s := newShop(t)
	o := asProgram(ImportOptions{Deployments: []Deployment{{"live", "production"}, {"main", "base"}}})
	made := s.take(d.repo(), o)
	equal(t, "releases", releasesOf(made), []string{
		"base#1 deploy by alice: bot=1", "production#2 deploy by alice: bot=1", "base#2 deploy by alice: shared=1",
		"production#4 deploy by alice: bot=2", "base#3 deploy by alice: shared=2",
	})
	m, err := s.State(t.Context(), sluice.EnvironmentRef{Name: "production", At: made.Releases[3].At})
	if err != nil || len(m.Slots) != 2 || m.Slots[0].Value.Version != 2 || m.Slots[1].Value.Version != 1 {
		t.Errorf("production was %+v, %v", m.Slots, err)
	}
	if again := s.take(d.repo(), o); len(again.Releases) > 0 {
		t.Errorf("a second import made %v", releasesOf(again))
	}
	if report, err := s.Verify(t.Context(), sluice.VerifyRequest{}); err != nil || !report.Holds {
		t.Errorf("audit: %+v, %v", report, err)
	}
}

// TestImportAll walks what merges brought in too, and branches.
func TestImportAll(t *testing.T) {
	d := newDesk(t)
	d.commit(map[string]string{"prompts/bot.md": "one\n"})
	d.git("checkout", "--quiet", "-b", "side")
	d.commit(map[string]string{"prompts/bot.md": "two\n"})
	d.commit(map[string]string{"prompts/bot.md": "three\n"})
	d.git("checkout", "--quiet", "main")
	d.day++
	d.git("merge", "--quiet", "--no-ff", "-m", "Merge side", "side")
	d.git("checkout", "--quiet", "-b", "unmerged")
	d.commit(map[string]string{"prompts/bot.md": "four\n", "prompts/.md": "nameless\n"})
	d.git("checkout", "--quiet", "main")
	o := asProgram(ImportOptions{Commits: []string{"prompts/*.md"}})
	notes := func(made Imported) (out []string) {
		for _, v := range made.Versions {
			out = append(out, v.Ref()+" "+v.Note)
		}
		return out
	}
	equal(t, "first parents", notes(newShop(t).take(d.repo(), o)), []string{"bot@1 Day 1", "bot@2 Merge side"})
	o.All = true
	made := newShop(t).take(d.repo(), o)
	equal(t, "all", notes(made), []string{"bot@1 Day 1", "bot@2 Day 2", "bot@3 Day 3", "bot@4 Day 5"})
	equal(t, "skipped", skippedOf(made), []string{"prompts/.md: its name cannot be a component's"})
	dry := o
	dry.DryRun = true
	s := newShop(t)
	if got := s.take(d.repo(), dry); !slices.Equal(notes(got), notes(made)) || s.all() != "" {
		t.Errorf("a dry run lists %q and leaves %q", notes(got), s.all())
	}
}
