package block_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/runner/outbound"
	"github.com/sluice-dev/sluice/internal/value"
)

// ran is what became of one attempt.
type ran struct {
	block.Result
	err     *block.Error
	effects []sluice.Effect
	partial []string
}

// run makes one attempt at a block of a kind. Whatever fails is a *block.Error.
func run(t testing.TB, ctx context.Context, kind string, call block.Call) (r ran) {
	t.Helper()
	call.Attempt, call.Key = 1, "run-7-step-2"
	call.Record = func(e sluice.Effect) { r.effects = append(r.effects, e) }
	call.Partial = func(text string) { r.partial = append(r.partial, text) }
	if call.Client == nil {
		call.Client = client(t)
	}
	raw := map[string]any{}
	for name, v := range call.Raw {
		raw[name] = of(v)
	}
	call.Raw = raw
	result, err := block.Table()[kind].Run(ctx, call)
	r.Result = result
	if err != nil && !errors.As(err, &r.err) {
		t.Fatalf("%s failed with %T %v, want a *block.Error", kind, err, err)
	}
	return r
}

// obj makes an object of what a test writes down.
func obj(m map[string]any) *value.Object {
	o, _ := of(m).(*value.Object)
	return o
}

func of(v any) any {
	out, err := value.Of(v)
	if err != nil {
		panic(err)
	}
	return out
}

// same compares what a block gave with what a test writes down.
func same(got, want any) bool {
	if o, ok := got.(*value.Object); ok && o == nil {
		got = nil
	}
	return value.Equal(got, of(want))
}

// client is the one that the server gives to blocks.
func client(t testing.TB) *http.Client {
	t.Helper()
	c, err := outbound.New(outbound.Config{Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func serve(t testing.TB, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server
}

// rawServer answers each request on a connection with bytes of the test's own, and
// hangs up after an answer of "". It returns its URL.
func rawServer(t testing.TB, answer func(*http.Request) string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go talk(conn, answer)
		}
	}()
	return "http://" + listener.Addr().String()
}

func talk(conn net.Conn, answer func(*http.Request) string) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		text := answer(request)
		if text == "" {
			return
		}
		body, hangUp := strings.CutSuffix(text, "\x00")
		if _, err := conn.Write([]byte(body)); err != nil || hangUp {
			return
		}
	}
}

// wantError compares the parts of a failure that others act on.
func wantError(t testing.TB, got *block.Error, code sluice.Code, class string, sent bool, message string) {
	t.Helper()
	if got == nil {
		t.Fatalf("it succeeded, want %s, class %s, with %q", code, class, message)
	}
	if got.Code != code || got.Class != class || got.Sent != sent || !strings.Contains(got.Message, message) {
		t.Errorf("failed with %s, class %s, sent %v: %s\nwant %s, class %s, sent %v: %s",
			got.Code, got.Class, got.Sent, got.Message, code, class, sent, message)
	}
}

// expiring is a context whose time is up when the test says so.
type expiring struct {
	context.Context
	up   chan struct{}
	once *sync.Once
}

func expires(t *testing.T) expiring {
	return expiring{t.Context(), make(chan struct{}), &sync.Once{}}
}

func (e expiring) expire()               { e.once.Do(func() { close(e.up) }) }
func (e expiring) Done() <-chan struct{} { return e.up }

func (e expiring) Err() error {
	select {
	case <-e.up:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
