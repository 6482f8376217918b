package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestRightsBeforeBodies asks for every operation as nobody and as a viewer, with a
// body that must not be read: what the roles of who asks do not allow anywhere is
// refused before that.
func TestRightsBeforeBodies(t *testing.T) {
	t.Parallel()
	h := New(Config{Auth: viewers{}}).(*handler)
	changes := 0
	for pattern, op := range h.operations {
		if op.public {
			continue
		}
		if reads := op.needs == sluice.MayRead; reads && op.Method != http.MethodGet && !strings.Contains(op.Path, "/reveal") && !strings.Contains(op.Path, "/audit/") {
			t.Errorf("%s needs no more than to read", pattern)
		}
		path := strings.NewReplacer("{", "", "}", "").Replace(op.Path)
		for token, want := range map[string]int{"": http.StatusUnauthorized, "viewer": http.StatusForbidden} {
			if token != "" && op.needs == sluice.MayRead {
				continue
			}
			r := httptest.NewRequest(op.Method, path, unreadable{t, pattern})
			r.Host = "localhost"
			r.ContentLength = 5 << 20
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%s with token %q: got %d, want %d: %s", pattern, token, w.Code, want, w.Body)
			}
			changes++
		}
	}
	if changes < 60 {
		t.Errorf("%d requests were made", changes)
	}
}

// viewers are all who bring a token.
type viewers struct{}

func (viewers) Authenticate(context.Context, string) (sluice.Actor, error) {
	return sluice.Actor{Name: "eve", Org: "default", Roles: []sluice.Role{sluice.RoleViewer}}, nil
}

// unreadable is a body that must not be read.
type unreadable struct {
	t       *testing.T
	pattern string
}

func (u unreadable) Read([]byte) (int, error) {
	u.t.Errorf("the body of %s was read", u.pattern)
	return 0, http.ErrBodyReadAfterClose
}

// away is a database that cannot be reached.
type away struct{}

func (away) Authenticate(context.Context, string) (sluice.Actor, error) {
	return sluice.Actor{}, sluice.Errorf(sluice.Unavailable, "PostgreSQL cannot be reached").Fix("see that it runs")
}

// TestWhatBecameOfAChange: a change whose caller could not be looked up was not made,
// and says so; a read has nothing to say.
func TestWhatBecameOfAChange(t *testing.T) {
	t.Parallel()
	h := New(Config{Auth: away{}})
	for method, want := range map[string]bool{"GET": false, "PUT": true} {
		r := httptest.NewRequest(method, "/v1/environments/production/variables/A", strings.NewReader(`{"value":"x"}`))
		r.Host = "localhost"
		r.Header.Set("Authorization", "Bearer token")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		said := w.Body.String()
		if w.Code != 503 || !strings.Contains(said, "see that it runs") ||
			strings.Contains(said, "the change was not made") != want || strings.Contains(said, "the same idempotency key") != want {
			t.Errorf("%s is answered with %d: %s", method, w.Code, said)
		}
	}
}
