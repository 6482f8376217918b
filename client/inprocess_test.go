package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/client"
)

func get(t *testing.T, ctx context.Context, h http.HandlerFunc) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sluice/a%2Fb?c=d", strings.NewReader("question"))
	if err != nil {
		t.Fatal(err)
	}
	return client.InProcess(h).RoundTrip(req)
}

// TestInProcessStreams reads each part before the handler writes the next.
func TestInProcessStreams(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	resp, err := get(t, t.Context(), func(w http.ResponseWriter, r *http.Request) {
		question, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Method+" "+r.RequestURI+" "+r.Host+" "+string(question))
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Seen", "too late")
		for _, part := range []string{"one", "two"} {
			<-next
			_, _ = io.WriteString(w, part)
			_ = http.NewResponseController(w).Flush()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("X-Seen"); got != "POST /a%2Fb?c=d sluice question" || resp.StatusCode != http.StatusTeapot {
		t.Errorf("got %s and %q", resp.Status, got)
	}
	for _, want := range []string{"one", "two"} {
		next <- struct{}{}
		got := make([]byte, 3)
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("at the end: got %q, %v", rest, err)
	}
}

func TestInProcessEnds(t *testing.T) {
	t.Parallel()
	t.Run("the handler's context with the body", func(t *testing.T) {
		t.Parallel()
		ended := make(chan error)
		resp, err := get(t, t.Context(), func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			_, err := io.WriteString(w, "too late")
			ended <- err
		})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if err := <-ended; !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("writing to nobody: got %v", err)
		}
	})
	t.Run("the body with the caller's context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := get(t, ctx, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		cancel()
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Errorf("got %v, want the end", err)
		}
	})
	t.Run("an answer without a word", func(t *testing.T) {
		t.Parallel()
		resp, err := get(t, t.Context(), func(http.ResponseWriter, *http.Request) {})
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("got %v, %v, want 200", resp, err)
		}
		resp.Body.Close()
	})
	t.Run("a handler that gives up", func(t *testing.T) {
		t.Parallel()
		resp, err := get(t, t.Context(), func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half of")
			panic(http.ErrAbortHandler)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got, err := io.ReadAll(resp.Body); string(got) != "half of" || err == nil {
			t.Errorf("got %q, %v, want half and an error", got, err)
		}
	})
}
