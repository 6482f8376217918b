package githost

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Bounds on what is read of a webhook, before it is known who sent it. The ref stands
// near the beginning; a push of so many commits that they take more is found by the
// next look that the server takes by itself.
const (
	maxBody = 1 << 20
	maxHead = 64 << 10
)

// host is how a Git host tells that something was pushed.
type host struct {
	event  string          // the header that names the event
	pushes map[string]bool // the events that a look is due for
	signed func(h http.Header, mac []byte, secret string) bool
}

// hosts are those that there are, as they stand in the path.
//
// GitHub signs the body, in X-Hub-Signature-256: "sha256=" and the HMAC in hex
// (https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries).
//
// Gitea does too, in X-Gitea-Signature, without a word before it, and in
// X-Hub-Signature-256 (https://docs.gitea.com/usage/repository/webhooks).
//
// GitLab sends the secret itself, in X-Gitlab-Token
// (https://docs.gitlab.com/user/project/integrations/webhooks/).
var hosts = map[string]host{
	"github": {
		event: "X-GitHub-Event", pushes: set("push", "create", "delete"),
		signed: func(h http.Header, mac []byte, _ string) bool {
			return fits(h.Get("X-Hub-Signature-256"), "sha256=", mac)
		},
	},
	"gitea": {
		event: "X-Gitea-Event", pushes: set("push", "create", "delete"),
		signed: func(h http.Header, mac []byte, _ string) bool {
			if own := h.Get("X-Gitea-Signature"); own != "" {
				return fits(own, "", mac)
			}
			return fits(h.Get("X-Hub-Signature-256"), "sha256=", mac)
		},
	},
	"gitlab": {
		event: "X-Gitlab-Event", pushes: set("Push Hook", "Tag Push Hook", "System Hook"),
		signed: func(h http.Header, _ []byte, secret string) bool {
			// Of hashes, so that the time does not tell how long the secret is.
			given, want := sha256.Sum256([]byte(h.Get("X-Gitlab-Token"))), sha256.Sum256([]byte(secret))
			return subtle.ConstantTimeCompare(given[:], want[:]) == 1
		},
	},
}

func set(words ...string) map[string]bool {
	out := map[string]bool{}
	for _, w := range words {
		out[w] = true
	}
	return out
}

// fits reports whether a header holds a signature.
func fits(header, prefix string, mac []byte) bool {
	digits, ok := strings.CutPrefix(header, prefix)
	given, err := hex.DecodeString(digits)
	return ok && err == nil && hmac.Equal(given, mac)
}

// body is what is kept of a webhook's body.
type body struct {
	head []byte
	mac  []byte
}

// read reads a body to its end, and keeps its beginning and its signature.
func read(r io.Reader, secret string) (body, error) {
	mac := hmac.New(sha256.New, []byte(secret))
	head := &beginning{}
	if _, err := io.Copy(io.MultiWriter(mac, head), r); err != nil {
		return body{}, err
	}
	return body{head: head.kept.Bytes(), mac: mac.Sum(nil)}, nil
}

// beginning keeps the first bytes that are written to it.
type beginning struct{ kept bytes.Buffer }

func (b *beginning) Write(p []byte) (int, error) {
	b.kept.Write(p[:min(len(p), maxHead-b.kept.Len())])
	return len(p), nil
}

// ref is the field of that name in the object that the body is.
func (b body) ref() string {
	tokens := json.NewDecoder(bytes.NewReader(b.head))
	if first, err := tokens.Token(); err != nil || first != json.Delim('{') {
		return ""
	}
	for {
		key, err := tokens.Token()
		if err != nil || key == json.Delim('}') {
			return ""
		}
		if key == "ref" {
			value, _ := tokens.Token()
			ref, _ := value.(string)
			return ref
		}
		if !skip(tokens) {
			return ""
		}
	}
}

// skip goes over one value.
func skip(tokens *json.Decoder) bool {
	for depth := 0; ; {
		token, err := tokens.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return true
		}
	}
}
