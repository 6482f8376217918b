package gitsync

import (
	"testing"
)

func TestTwoClones(t *testing.T) {
	t.Parallel()
	remote := bare(t)
	alice := newClone(t, remote, "alice")
	alice.publish("my-prompt", "v1.0.0", "one\n")
	alice.publish("my-prompt", "v1.1.0", "two\n")
	alice.deploy("production", "my-prompt", "v1.0.0")
	alice.deploy("production", "my-prompt", "v1.1.0")
	t.Logf("%+v", alice.export())
	t.Log(alice.git("for-each-ref"))
	t.Log(alice.git("log", "--stat", "refs/sluice/environments/prod"))
	t.Log(alice.git("show", "components/my-prompt/prod"))
	t.Log(alice.git("show", "refs/sluice/environments/prod:sluice.manifest.json"))
	t.Logf("%+v", alice.push())
	alice.git("fsck", "--strict")

	bob := newClone(t, remote, "bob")
	t.Logf("%+v", bob.sync(SyncOptions{}))
	t.Log(bob.git("for-each-ref"))
	bob.deploy("production", "my-prompt", "v1.0.0")
	t.Logf("%+v", bob.export())
	t.Logf("%+v", bob.push())
	t.Logf("%+v", alice.sync(SyncOptions{}))
	if a, b := alice.git("log", "refs/sluice/environments/prod"), bob.git("log", "refs/sluice/environments/prod"); a != b {
		t.Errorf("got %s\nwant %s", a, b)
	}
}
