package githost

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"testing"
)

// TestRef finds the ref in what hosts send, wherever it stands in the object.
func TestRef(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"ref":"refs/tags/components/a/prod","before":"1"}`:             "refs/tags/components/a/prod",
		`{"object_kind":"push","x":{"ref":"no"},"ref":"refs/heads/main"`: "refs/heads/main",
		`{"commits":[{"ref":1},[{}]],"ref":"components/a/v1.0.0"}`:       "components/a/v1.0.0",
		`{"repository":{"ref":"refs/heads/main"}}`:                       "",
		`{"ref":null}`: "",
		`{"ref":`:      "",
		`["ref","x"]`:  "",
		`"ref"`:        "",
		``:             "",
		`{"a":"` + strings.Repeat("x", maxHead) + `","ref":"refs/heads/main"}`: "",
	} {
		b, err := read(strings.NewReader(body), "secret")
		if got := b.ref(); err != nil || got != want {
			t.Errorf("%.80s: got %q, %v; want %q", body, got, err, want)
		}
	}
}

// FuzzBody reads any body: it never fails, keeps no more than it may, and signs all of it.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"ref":"refs/heads/main"}`))
	f.Add([]byte(`{"a":[{"b":{}}],"ref":7}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := read(bytes.NewReader(text), "secret")
		if err != nil || len(b.head) > maxHead {
			t.Fatalf("%q: %v, %d bytes kept", text, err, len(b.head))
		}
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write(text)
		if !hmac.Equal(b.mac, mac.Sum(nil)) {
			t.Errorf("%q has another signature", text)
		}
		b.ref()
	})
}
