package crashtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/sluice-dev/sluice/internal/store"
)

// onServers runs a test with a server's configuration for each engine.
func onServers(t *testing.T, test func(*testing.T, server.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, server.Config{Data: t.TempDir()})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		test(t, server.Config{Data: dir, Postgres: pgtest.New(t), MasterKeyFile: newKeyFile(t, dir)})
	})
}

// served is a server that is asked over HTTP, with all that it ever says.
type served struct {
	*testing.T
	*server.Server
	cfg       server.Config
	stop      func()
	transport *http.Transport

	mu       sync.Mutex
	log      bytes.Buffer
	said     []reply
	revealed []reply // what may hold secrets
}

// reply is one answer.
type reply struct {
	to     string
	status int
	body   []byte // with the head before it
}

// Write takes what is logged.
func (s *served) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(b)
}

// serve runs a server until the test ends or it is stopped.
func serve(t *testing.T, cfg server.Config) *served {
	t.Helper()
	s := &served{T: t, transport: http.DefaultTransport.(*http.Transport).Clone()}
	cfg.Listen = "127.0.0.1:0"
	cfg.Log = slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.cfg = cfg
	s.Server = must[*server.Server](t)(server.Open(t.Context(), cfg))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		s.transport.CloseIdleConnections()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

// store is how the database is reached past the server.
func (s *served) store() store.Config {
	if s.cfg.Postgres != "" {
		return store.Config{Postgres: s.cfg.Postgres}
	}
	return store.Config{Dir: s.cfg.Data}
}

// as returns a client that brings a token.
func (s *served) as(token string) *client.Client {
	s.Helper()
	return must[*client.Client](s.T)(client.New(client.Config{Server: "http://" + s.Addr(), Token: token, Transport: s, Tries: 1}))
}

// token makes a token and returns its secret.
func (s *served) token(name string, environments []string, roles ...sluice.Role) string {
	s.Helper()
	made := must[sluice.Token](s.T)(s.as(s.FirstToken()).CreateToken(s.Context(), sluice.CreateTokenRequest{Name: name, Roles: roles, Environments: environments}))
	return made.Secret
}

// RoundTrip sends a request and keeps the answer.
func (s *served) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := s.transport.RoundTrip(req)
	if err != nil || resp.Header.Get("Content-Type") == "text/event-stream" {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	path := req.URL.Path
	r := reply{to: req.Method + " " + path, status: resp.StatusCode, body: append(fmt.Appendln(nil, resp.Header), body...)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasSuffix(path, "/reveal") && r.status == http.StatusOK || path == "/v1/tokens" {
		s.revealed = append(s.revealed, r)
	} else {
		s.said = append(s.said, r)
	}
	return resp, nil
}

// ask sends a request as it stands: the path as it is written, and a body that
// need not be JSON. Head is names and values.
func (s *served) ask(token, method, path, body string, head ...string) (int, string) {
	s.Helper()
	req := must[*http.Request](s.T)(http.NewRequestWithContext(s.Context(), method, "http://"+s.Addr()+path, strings.NewReader(body)))
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(head); i += 2 {
		req.Header.Set(head[i], head[i+1])
	}
	resp := must[*http.Response](s.T)((&http.Client{Transport: s}).Do(req))
	return resp.StatusCode, string(must[[]byte](s.T)(io.ReadAll(resp.Body)))
}

// stream is a watch as it arrives.
type stream struct {
	lines chan string
	all   strings.Builder
}

// follow opens a watch of an environment.
func (s *served) follow(token, environment string) *stream {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	s.Cleanup(cancel)
	req := must[*http.Request](s.T)(http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/v1/watch?environment="+environment, nil))
	req.Header.Set("Authorization", "Bearer "+token)
	resp := must[*http.Response](s.T)((&http.Client{Transport: s}).Do(req))
	out := &stream{lines: make(chan string, 100_000)}
	go func() {
		defer close(out.lines)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			out.lines <- lines.Text()
		}
	}()
	return out
}

// until reads on until a line holds a text, and returns all that came so far.
func (w *stream) until(t *testing.T, text string) []byte {
	t.Helper()
	for line := range w.lines {
		w.all.WriteString(line + "\n")
		if strings.Contains(line, text) {
			return []byte(w.all.String())
		}
	}
	t.Fatalf("the watch ended before %q came", text)
	return nil
}

// newKeyFile writes a new master key into a directory.
func newKeyFile(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(dir, "master.key")
	writeKey(t, file, newKey(t)+"\n")
	return file
}
