package gitsync

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

const someDigest = sluice.Digest("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")

func TestNamesOfRefs(t *testing.T) {
	t.Parallel()
	const hex = "9f86d081884c7d65"
	for want, got := range map[string]string{
		"refs/tags/components/my-prompt/v1.0.0":                   VersionTag("my-prompt", "v1.0.0"),
		"refs/tags/components/my-prompt/prod":                     EnvironmentTag("my-prompt", "prod"),
		"refs/sluice/versions/my-prompt/" + hex:                   VersionRef("my-prompt", someDigest),
		"refs/sluice/environments/prod-us-west":                   EnvironmentRef("prod-us-west"),
		"refs/sluice/superseded/prod/0123456789ab":                SupersededRef("prod", "0123456789abcdef0123456789abcdef01234567"),
		"refs/sluice/remotes/origin/tags/components/x/prod":       must(RemoteRef("origin", EnvironmentTag("x", "prod"))),
		"refs/sluice/remotes/origin/environments/prod":            must(RemoteRef("origin", EnvironmentRef("prod"))),
		"refs/sluice/remotes/origin/versions/x/" + hex:            must(RemoteRef("origin", VersionRef("x", someDigest))),
		"refs/sluice/remotes/origin/superseded/prod/0123456789ab": must(RemoteRef("origin", SupersededRef("prod", someCommit))),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func must(ref string, ok bool) string {
	if !ok {
		return "not exchanged"
	}
	return ref
}

func TestOnlySomeLabelsAreTaggable(t *testing.T) {
	t.Parallel()
	for label, want := range map[sluice.Label]bool{"v1.0.0": true, "v1.0.0-rc.1": true, "": false, "v1.0.0-rc.lock": false} {
		if got := Taggable(label); got != want {
			t.Errorf("label %q: got %t, want %t", label, got, want)
		}
	}
}

func TestRefsAreReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name, display, digest := aName(t, "name"), aWord(t, "display"), aDigest(t, "digest")
		if n, ok := ParseVersionRef(VersionRef(name, digest)); n != name || !ok {
			t.Fatalf("the ref of %s %s is read as %s %t", name, digest, n, ok)
		}
		if d, ok := ParseEnvironmentRef(EnvironmentRef(display)); d != display || !ok {
			t.Fatalf("the ref of %s is read as %s %t", display, d, ok)
		}
	})
}

func TestRefsOfOthersAreNotRead(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{
		"", "refs/heads/main", "refs/sluice/environments/", "refs/sluice/environments/a/b", "refs/sluice/environments/latest",
		"refs/sluice/environments/v1.0.0", "refs/sluice/versions/x", "refs/sluice/versions/x/", "refs/sluice/versions/x/12",
		"refs/sluice/versions/x/" + strings.Repeat("G", 16), "refs/sluice/versions/.x/" + strings.Repeat("0", 16), "refs/sluice/versions/x/" + strings.Repeat("0", 17),
	} {
		if display, ok := ParseEnvironmentRef(ref); ok {
			t.Errorf("%q is the history of %q", ref, display)
		}
		if name, ok := ParseVersionRef(ref); ok {
			t.Errorf("%q is a version of %s", ref, name)
		}
	}
}

// TestRemoteRef: what a remote has and what is here are each found from the other, and
// two remotes never share a ref.
func TestRemoteRef(t *testing.T) {
	t.Parallel()
	remotes := rapid.SampledFrom([]string{
		"origin", "a", "a/tags", "a/environments", "upstream.2", "https://example.com/team/repo.git", "../other", "git@example.com:x", "at-1", "x.lock", "",
	})
	rapid.Check(t, func(t *rapid.T) {
		remote, other := gitrepo.Remote(remotes.Draw(t, "remote")), gitrepo.Remote(remotes.Draw(t, "other remote"))
		ref := rapid.SampledFrom([]string{
			EnvironmentTag("x", "prod"), "refs/tags/components/prompts/x/v1.0.0", EnvironmentRef("prod"), EnvironmentRef("environments"), VersionRef("x", someDigest), SupersededRef("prod", someCommit),
		}).Draw(t, "ref")
		tracking, ok := RemoteRef(remote, ref)
		if back, found := LocalRef(remote, tracking); !ok || !found || back != ref {
			t.Fatalf("%s of %q is %s, which is %q", ref, remote, tracking, back)
		}
		if back, found := LocalRef(other, tracking); found && other != remote {
			t.Fatalf("%s of %q is %s, which is also %s of %q", ref, remote, tracking, back, other)
		}
	})
	for _, ref := range []string{"refs/heads/main", "refs/tags/v1.0.0", "refs/tags/components/", "refs/sluice/remotes/origin/tags/components/x/y"} {
		if tracking, ok := RemoteRef("origin", ref); ok {
			t.Errorf("%s is exchanged, as %s", ref, tracking)
		}
	}
	for _, tracking := range []string{"refs/remotes/origin/main", "refs/sluice/remotes/origin/heads/main", "refs/sluice/remotes/origin/environments/", "refs/sluice/remotes/originals/environments/prod"} {
		if ref, ok := LocalRef("origin", tracking); ok {
			t.Errorf("%s is %s of origin", tracking, ref)
		}
	}
}

func TestFetchSpecs(t *testing.T) {
	t.Parallel()
	want := "+refs/tags/components/*:refs/sluice/remotes/origin/tags/components/* " +
		"+refs/sluice/environments/*:refs/sluice/remotes/origin/environments/* +refs/sluice/versions/*:refs/sluice/remotes/origin/versions/* " +
		"+refs/sluice/superseded/*:refs/sluice/remotes/origin/superseded/*"
	if got := strings.Join(FetchSpecs("origin"), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Generators of names that are valid.

func aName(t *rapid.T, what string) string {
	return rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,20}`).Filter(func(s string) bool { return sluice.CheckName("name", s) == nil }).Draw(t, what)
}

func aWord(t *rapid.T, what string) string {
	return rapid.StringMatching(`[A-Za-z][A-Za-z0-9._-]{0,20}`).Filter(func(s string) bool { return sluice.CheckWord("word", s) == nil }).Draw(t, what)
}

func aLabel(t *rapid.T, what string) sluice.Label {
	return sluice.Label(rapid.StringMatching(`v[1-9]?[0-9]\.[0-9]\.[0-9](-(rc|alpha)\.[1-9])?`).Filter(func(s string) bool {
		l, err := sluice.ParseLabel(s)
		return err == nil && string(l) == s
	}).Draw(t, what))
}

func aDigest(t *rapid.T, what string) sluice.Digest {
	return sluice.Digest("sha256:" + rapid.StringMatching(`[0-9a-f]{64}`).Draw(t, what))
}

func aTime(t *rapid.T, what string) sluice.Time {
	return sluice.Time(rapid.Int64Range(31_536_000_000_000, 4_102_444_800_000_000).Draw(t, what))
}
