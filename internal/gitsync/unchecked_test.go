package gitsync

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestUncheckedInGit: a version that was published although it has mistakes says so in
// its tag, and whoever takes the tag in marks the version by what it holds.
func TestUncheckedInGit(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	alice := newClone(t, remote, "alice")
	alice.publish("sound", "v1.0.0", "Hi {{ name }}\n")
	if _, err := alice.client.Publish(t.Context(), sluice.PublishRequest{
		Component: "broken", Kind: "prompt", Label: "v1.0.0", Unchecked: true, Files: []sluice.File{{Path: "broken.md", Text: "Hi {{ name\n"}},
	}); err != nil {
		t.Fatal(err)
	}
	alice.export()
	alice.push()
	for name, want := range map[string]bool{"sound": false, "broken": true} {
		message := alice.git("cat-file", "tag", "refs/tags/components/"+name+"/v1.0.0")
		if got := strings.Contains(message+"\n", "\nUnchecked: true\n"); got != want {
			t.Errorf("the tag of %s is marked: %t, want %t:\n%s", name, got, want, message)
		}
	}
	// What a tag says is not believed where the content can be read.
	alice.git("tag", "-a", "-m", "By hand", "components/broken/v1.1.0", "components/broken/v1.0.0^{}")
	alice.git("push", "-q", "origin", "components/broken/v1.1.0")

	bob := newClone(t, remote, "bob")
	bob.sync(SyncOptions{})
	for ref, want := range map[string]int{"sound@v1.0.0": 0, "broken@v1.0.0": 1} {
		name, label, _ := strings.Cut(ref, "@")
		v, err := bob.client.Version(t.Context(), name, label)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		if v.Unchecked != nil {
			got = v.Unchecked.Mistakes
		}
		if got != want || v.ReadAs != sluice.KindPrompt {
			t.Errorf("%s has %d mistakes, read as %q; want %d", ref, got, v.ReadAs, want)
		}
	}
}
