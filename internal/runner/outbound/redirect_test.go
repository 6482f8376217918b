package outbound_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/outbound"
)

func TestRedirectsAreJudgedAsRequestsAre(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(http.StatusFound)
	})
	client := newClient(t, outbound.Config{})
	for to, want := range map[string]string{
		"http://169.254.169.254/latest":     "169.254.169.254 (link-local)",
		"//169.254.169.254/latest":          "169.254.169.254 (link-local)",
		"http://[::ffff:169.254.169.254]/":  "(link-local)",
		"http://2852039166/":                "(a number",
		"http://metadata.google.internal/":  "(cloud metadata)",
		"file:///etc/passwd":                `"file"`,
		"gopher://127.0.0.1:70/":            `"gopher"`,
		"http://alice:secret@example.com/x": "with a user or password",
	} {
		wantRefused(t, client, server.URL+"/?to="+to, want)
	}
}

func TestFiveRedirectsAreFollowed(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		left, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if left == 0 {
			io.WriteString(w, "here")
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/%d", left-1), http.StatusFound)
	})
	client := newClient(t, outbound.Config{})
	if got := get(t, client, server.URL+"/5"); got != "here" {
		t.Errorf("after five redirects: %q, want here", got)
	}
	response, err := client.Get(server.URL + "/6")
	var failed *sluice.Error
	if !errors.As(err, &failed) || !strings.Contains(failed.Message, "redirected more than 5 times") {
		response.Body.Close()
		t.Errorf("after six redirects: %v, want an error that says so", err)
	}
}

func TestKeysStayWhereTheyWereMeantFor(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s|%s|%s|%s", r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), r.Header.Get("Accept"), r.Referer())
	}
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if back := r.URL.Query().Get("back"); back != "" {
			http.Redirect(w, r, back, http.StatusFound)
			return
		}
		echo(w, r)
	})
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/", http.StatusFound)
		case "/round":
			http.Redirect(w, r, other.URL+"/?back=http://"+r.Host+"/echo", http.StatusFound)
		case "/near":
			http.Redirect(w, r, "/echo", http.StatusFound)
		default:
			echo(w, r)
		}
	})
	client := newClient(t, outbound.Config{})
	for path, want := range map[string]string{
		"/near?key=k":  "Bearer k|k|text/x|" + first.URL + "/near?key=k",
		"/away?key=k":  "||text/x|",
		"/round?key=k": "||text/x|",
	} {
		request, _ := http.NewRequest(http.MethodGet, first.URL+path, nil)
		request.Header = http.Header{"Authorization": {"Bearer k"}, "X-Api-Key": {"k"}, "Accept": {"text/x"}}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if string(body) != want {
			t.Errorf("GET %s arrived with %q, want %q", path, body, want)
		}
	}
}
