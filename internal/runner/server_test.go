package runner_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// outside is what blocks speak to. It counts what it is asked.
type outside struct {
	*httptest.Server
	mu     sync.Mutex
	asked  map[string]int // by path
	came   chan string    // paths, as they are asked for
	inside int            // requests in /gate
	most   int            // of them at once
	turned chan struct{}  // closed when the gate opens
}

func newOutside(t *testing.T) *outside {
	o := &outside{asked: map[string]int{}, came: make(chan string, 10_000), turned: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("/say/{word}", o.say)
	mux.HandleFunc("/status/{codes}/", o.status)
	mux.HandleFunc("/gate/{room}/", o.gate)
	mux.HandleFunc("/second", o.second)
	mux.HandleFunc("/broken", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/never", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/v1/chat/completions", o.chat)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.count(r.URL.Path)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		o.CloseClientConnections()
		o.Close()
	})
	return o
}

func (o *outside) count(path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[path]++
	o.came <- path
}

// await waits until a path is asked for.
func (o *outside) await(path string) {
	for came := range o.came {
		if came == path {
			return
		}
	}
}

func (o *outside) times(path string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[path]
}

func (o *outside) mostInside() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.most
}

// say answers with the word, the body and how often it was asked.
func (o *outside) say(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"word": r.PathValue("word"), "body": string(body), "key": r.Header.Get("Authorization")})
}

// status answers with one status after the other, and with the last from then
// on: /status/503-503-200/.
func (o *outside) status(w http.ResponseWriter, r *http.Request) {
	codes := strings.Split(r.PathValue("codes"), "-")
	n := min(o.times(r.URL.Path), len(codes))
	code, err := strconv.Atoi(codes[n-1])
	if err != nil {
		code = http.StatusTeapot
	}
	if after := r.URL.Query().Get("after"); after != "" {
		w.Header().Set("Retry-After", after)
	}
	w.WriteHeader(code)
	fmt.Fprintf(w, "answer %d", o.times(r.URL.Path))
}

// second leaves the first request without an answer and answers the others.
func (o *outside) second(w http.ResponseWriter, r *http.Request) {
	if o.times(r.URL.Path) == 1 {
		<-r.Context().Done()
		return
	}
	fmt.Fprint(w, "answered")
}

// gate lets requests go on as soon as so many are inside at once, and notes how
// many there were at most.
func (o *outside) gate(w http.ResponseWriter, r *http.Request) {
	room, err := strconv.Atoi(r.PathValue("room"))
	if err != nil {
		http.Error(w, "no room", http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	o.inside++
	o.most = max(o.most, o.inside)
	turned := o.turned
	if o.inside == room {
		close(o.turned)
		o.turned, o.inside = make(chan struct{}), 0
	}
	o.mu.Unlock()
	select {
	case <-turned:
		fmt.Fprint(w, "through")
	case <-r.Context().Done():
	}
}

// chat answers as a language model would that repeats the last message.
func (o *outside) chat(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Model    string
		Messages []struct{ Role, Content string }
		Format   any `json:"response_format"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.Messages) == 0 {
		http.Error(w, "cannot read it", http.StatusBadRequest)
		return
	}
	answer := asked.Model + " heard: " + asked.Messages[len(asked.Messages)-1].Content
	if asked.Format != nil && asked.Model == "structured" {
		whole, _ := json.Marshal(map[string]any{"heard": answer, "score": 0.5})
		answer = string(whole)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"id": "c1", "object": "chat.completion", "model": asked.Model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": answer}}},
		"usage":   map[string]any{"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
	})
}
