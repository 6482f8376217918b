package block_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/block"
)

func TestHTTPStatuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		ok     []any
		code   sluice.Code // "" for success
		class  string
	}{
		{200, nil, "", ""},
		{201, nil, "", ""},
		{204, nil, "", ""},
		{304, nil, sluice.Invalid, "error"},
		{400, nil, sluice.Invalid, "error"},
		{401, nil, sluice.Denied, "error"},
		{403, nil, sluice.Denied, "error"},
		{404, nil, sluice.NotFound, "error"},
		{404, []any{int64(200), int64(404)}, "", ""},
		{200, []any{int64(404)}, sluice.Invalid, "error"},
		{409, nil, sluice.Conflict, "error"},
		{429, nil, sluice.LimitExceeded, "rate_limit"},
		{429, []any{int64(429)}, "", ""},
		{500, nil, sluice.Unavailable, "server"},
		{503, nil, sluice.Unavailable, "server"},
		{599, nil, sluice.Unavailable, "server"},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			if tt.status != 204 && tt.status != 304 {
				io.WriteString(w, "because\n"+strings.Repeat("é", 1000))
			}
		})
		got := run(t, t.Context(), "http", block.Call{
			Settings: obj(map[string]any{"url": server.URL + "/x?token=hidden"}), Raw: map[string]any{"ok": tt.ok},
		})
		if tt.code == "" {
			if got.err != nil || got.Extra.Get("status_code") != int64(tt.status) {
				t.Errorf("%d with ok %v: %v, want success", tt.status, tt.ok, got.err)
			}
			continue
		}
		wantError(t, got.err, tt.code, tt.class, true, "GET "+server.URL+"/x answered ")
		if got.err.Status != tt.status || len(got.err.Message) > 450 || strings.Contains(got.err.Message, "hidden") {
			t.Errorf("status %d: %d, %s", tt.status, got.err.Status, got.err.Message)
		}
		if len(got.effects) != 1 || got.effects[0].Error != got.err.Message || len(got.effects[0].Response) == 0 {
			t.Errorf("status %d: effects %+v, want one with the error and the response", tt.status, got.effects)
		}
	}
}

func TestHTTPRetryAfter(t *testing.T) {
	t.Parallel()
	date := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
	for value, want := range map[string][2]time.Duration{
		"7": {7 * time.Second, 7 * time.Second}, "0.5": {500 * time.Millisecond, 500 * time.Millisecond}, " 3 ": {3 * time.Second, 3 * time.Second},
		"-1": {}, "": {}, "soon": {}, "NaN": {}, "Inf": {time.Hour, time.Hour}, "1e300": {time.Hour, time.Hour}, "999999999999": {time.Hour, time.Hour},
		date: {time.Second, 90 * time.Second}, "Mon, 02 Jan 2006 15:04:05 GMT": {}, "Fri, 31 Dec 9999 23:59:59 GMT": {time.Hour, time.Hour},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		got := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": server.URL})})
		if got.err.RetryAfter < want[0] || got.err.RetryAfter > want[1] {
			t.Errorf("Retry-After %q: wait %v, want %v to %v", value, got.err.RetryAfter, want[0], want[1])
		}
	}
}

func TestHTTPTimesOut(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"before the answer": "", "within the answer": "half"} {
		ctx := expires(t)
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if first != "" {
				io.WriteString(w, first)
				w.(http.Flusher).Flush()
			}
			ctx.expire()
			<-r.Context().Done()
		})
		got := run(t, ctx, "http", block.Call{Settings: obj(map[string]any{"url": server.URL})})
		wantError(t, got.err, sluice.TimedOut, "timeout", true, "did not answer in time")
		if len(got.effects) != 1 {
			t.Errorf("%s: %d effects, want one", name, len(got.effects))
		}
	}
}

func TestHTTPIsStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	got := run(t, ctx, "http", block.Call{Settings: obj(map[string]any{"url": server.URL})})
	wantError(t, got.err, sluice.TimedOut, "error", true, "the run was stopped")
}

func TestHTTPWithoutAConnectionIsNotSent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	listener.Close()
	tls := httptest.NewUnstartedServer(http.HandlerFunc(mirror))
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	t.Cleanup(tls.Close)
	plain := serve(t, mirror)
	for url, message := range map[string]string{
		closed:                            "cannot connect: connect: connection refused",
		tls.URL:                           "certificate",
		"https" + plain.URL[len("http"):]: "cannot connect",
	} {
		got := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": url + "/?token=hidden", "method": "POST"})})
		wantError(t, got.err, sluice.Unavailable, "connection", false, message)
		if strings.Contains(got.err.Message, "hidden") {
			t.Errorf("the message shows the query: %s", got.err.Message)
		}
	}
	refused := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": "http://169.254.169.254/", "method": "POST"})})
	wantError(t, refused.err, sluice.Denied, "error", false, "requests to 169.254.169.254 (link-local) are refused")
}

func TestHTTPBrokenAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"none":                  "",
		"no status":             "hello\r\n\r\n\x00",
		"half a head":           "HTTP/1.1 200 OK\r\nContent-Ty\x00",
		"half a body":           "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf\x00",
		"half a chunk":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf\x00",
		"no last chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n\x00",
		"a chunk without size":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n\x00",
		"a body that is no zip": "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf\x00",
	} {
		url := rawServer(t, func(*http.Request) string { return answer })
		got := run(t, t.Context(), "http", block.Call{Settings: obj(map[string]any{"url": url, "method": "POST", "body": "x"})})
		if got.err == nil {
			t.Errorf("%s: it succeeded with %v", name, got.Output)
			continue
		}
		wantError(t, got.err, sluice.Unavailable, "connection", true, "")
		if got.err.Status != 0 {
			t.Errorf("%s: status %d, want none, because whether it happened is not known", name, got.err.Status)
		}
	}
}

// TestHTTPSendsAPostOnce has a server that hangs up on the second request of a
// connection after reading it: the library must not send it again by itself.
func TestHTTPSendsAPostOnce(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", "Idempotency-Key", "X-Idempotency-Key"} {
		var seen atomic.Int32
		url := rawServer(t, func(r *http.Request) string {
			io.Copy(io.Discard, r.Body)
			if r.Method == http.MethodPost {
				seen.Add(1)
				return ""
			}
			return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
		})
		shared := client(t)
		if got := run(t, t.Context(), "http", block.Call{Client: shared, Settings: obj(map[string]any{"url": url})}); got.err != nil {
			t.Fatal(got.err)
		}
		settings := map[string]any{"url": url, "method": "POST", "body": "x"}
		if header != "" {
			settings["headers"] = map[string]any{header: "mine"}
		}
		got := run(t, t.Context(), "http", block.Call{Client: shared, Settings: obj(settings)})
		wantError(t, got.err, sluice.Unavailable, "connection", true, "the connection broke")
		if seen.Load() != 1 {
			t.Errorf("with header %q the server got the request %d times, want once", header, seen.Load())
		}
	}
}
