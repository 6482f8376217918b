package gitrepo

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestShown hides what gives access in every form of an address, alone and within
// what git says, and leaves the rest.
func TestShown(t *testing.T) {
	for _, test := range []struct{ said, want string }{
		{"https://example.com/team/x.git", "https://example.com/team/x.git"},
		{"git@example.com:team/x.git", "git@example.com:team/x.git"},
		{"/srv/git/a?b#c.git", "/srv/git/a?b#c.git"},
		{"https://alice:hunter2@example.com/x.git", "https://example.com/x.git"},
		{"https://hunter2@example.com/x@v1.git", "https://example.com/x@v1.git"},
		{"https://alice:hunter2@home@example.com:8443/x.git", "https://example.com:8443/x.git"},
		{"https://alice:hun/hunter2@example.com/x.git", "https://example.com/x.git"},
		{"https://alice:hun?hunter2@example.com/x.git", "https://example.com/x.git"},
		{"http://[::1]:80/x.git?token=hunter2", "http://[::1]:80/x.git"},
		{"https://example.com/x.git?token=hunter2&private_token=hunter2", "https://example.com/x.git"},
		{"https://example.com/x.git#access_token=hunter2", "https://example.com/x.git"},
		{"https://example.com?token=hunter2", "https://example.com"},
		{"fatal: unable to access 'http://127.0.0.1:1/x.git?token=hunter2/': Failed", "fatal: unable to access 'http://127.0.0.1:1/x.git': Failed"},
		{"fatal: unable to access 'http://127.0.0.1:1/x.git?token=hun'hunter2/': Failed", "fatal: unable to access 'http://127.0.0.1:1/x.git': Failed"},
		{"To https://bob:hunter2@a.example/x.git\nwarning: redirecting to https://b.example/x?t=hunter2\n", "To https://a.example/x.git\nwarning: redirecting to https://b.example/x\n"},
		{"see `git ls-remote https://a.example/x?t=hunter2` works", "see `git ls-remote https://a.example/x` works"},
	} {
		if got := Shown(test.said); got != test.want {
			t.Errorf("Shown(%q) is %q, want %q", test.said, got, test.want)
		}
	}
	secret := Remote("https://alice:hunter2@exa mple.com/x.git?token=hunter2 hunter2")
	encoded, err := json.Marshal(secret)
	if printed := fmt.Sprintf("%s %v %+v %#v %q %s %v", secret, secret, secret, secret, secret, encoded, err); strings.Contains(printed, "hunter2") {
		t.Errorf("a remote prints as %s", printed)
	}
}
