package crashtest

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// site is the outside that runs act on. It keeps every request, and whether it
// has acted on it: answered as a server does that has done what was asked.
type site struct {
	*httptest.Server
	mu       sync.Mutex
	changed  *sync.Cond
	requests []*arrival
	open     map[net.Conn]bool
	holds    map[string]*hold
}

// arrival is one request as it came. Paths are /RUN/BLOCK or /RUN/BLOCK/ITEM.
type arrival struct {
	method, path, key, body string
	acted                   bool
}

// hold keeps the next request to a path from being answered.
type hold struct {
	acts    bool // before it waits; otherwise only once it is let go
	arrived chan struct{}
	release chan struct{}
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{open: map[net.Conn]bool{}, holds: map[string]*hold{}}
	s.changed = sync.NewCond(&s.mu)
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch state {
		case http.StateNew:
			s.open[c] = true
		case http.StateClosed, http.StateHijacked:
			delete(s.open, c)
		}
		s.changed.Broadcast()
	}
	s.Config.SetKeepAlivesEnabled(false) // so that whoever lives keeps none open
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// ServeHTTP notes a request, holds it when that was asked for, and answers.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // it did not arrive whole
	}
	if r.URL.Path == "/" {
		return
	}
	got := &arrival{method: r.Method, path: r.URL.Path, key: r.Header.Get("Idempotency-Key"), body: string(body)}
	s.mu.Lock()
	s.requests = append(s.requests, got)
	held := s.holds[got.path]
	delete(s.holds, got.path)
	got.acted = held == nil || held.acts
	s.mu.Unlock()
	if held != nil {
		close(held.arrived)
		select {
		case <-held.release:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
		s.mu.Lock()
		got.acted = true
		s.mu.Unlock()
	}
	s.answer(w, got)
}

// answer depends on the path alone, but for a block that fails at first.
func (s *site) answer(w http.ResponseWriter, got *arrival) {
	name := strings.SplitN(got.path, "/", 3)[2]
	switch {
	case name == "missing":
		http.Error(w, "there is nothing", http.StatusNotFound)
	case name == "flaky" && len(s.to(got.path)) == 1:
		http.Error(w, "later", http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answerTo(name))
	}
}

// answerTo is what a request to a block's path is answered with.
func answerTo(name string) []byte {
	out, _ := json.Marshal(map[string]any{"did": name})
	return out
}

// to are the requests to a path that arrived so far, in their order.
func (s *site) to(path string) (out []arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if r.path == path {
			out = append(out, *r)
		}
	}
	return out
}

// of are the requests of one run.
func (s *site) of(run string) (out []arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if strings.HasPrefix(r.path, "/"+run+"/") {
			out = append(out, *r)
		}
	}
	return out
}

// holdNext holds the next request to a path.
func (s *site) holdNext(path string, acts bool) *hold {
	h := &hold{acts: acts, arrived: make(chan struct{}), release: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holds[path] = h
	return h
}

// holdNoLonger lets the next request to a path through, if it is still to come.
func (s *site) holdNoLonger(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.holds, path)
}

// arrives waits for the request that is held.
func (h *hold) arrives(t *testing.T) {
	t.Helper()
	select {
	case <-h.arrived:
	case <-time.After(patience):
		t.Fatal("the request does not come")
	}
}

// settle waits until everything that dead clients had sent was read: a connection
// is accepted after those before it, and closed after what came on it.
func (s *site) settle(t *testing.T) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	late := false
	timer := time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.changed.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.open) > 0 && !late {
		s.changed.Wait()
	}
	if late {
		t.Errorf("%d connections stay open", len(s.open))
	}
}
