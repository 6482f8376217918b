package openai_test

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// theKey is the one key that the server takes.
const theKey = "sk-alice"

// answer is what the server does with a question that is right.
type answer func(http.ResponseWriter, *http.Request)

// server speaks the documented protocol to anybody, and refuses what is not in its
// documentation.
type server struct {
	url      string // with the /v1 that a base URL ends in
	protocol *protocol

	mutex  sync.Mutex // guards what follows
	answer answer
	heard  []heard
}

// heard is one request as it came over the wire. Fault is why it was refused.
type heard struct {
	header http.Header
	body   []byte
	fault  string
}

// serve starts a server that answers each right question alike.
func serve(t testing.TB, a answer) *server {
	t.Helper()
	p, err := newProtocol()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{protocol: p, answer: a}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	s.url = listening.URL + "/v1"
	return s
}

// say changes what the server answers from now on.
func (s *server) say(a answer) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.answer = a
}

// take hands out what was heard since the last time.
func (s *server) take() []heard {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	all := s.heard
	s.heard = nil
	return all
}

// ServeHTTP refuses as the service does, and otherwise answers.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return // who asks has gone
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	fault, status, code := "", http.StatusBadRequest, ""
	switch {
	case r.URL.Path != "/v1/chat/completions" || r.URL.RawQuery != "":
		fault, status, code = "Invalid URL ("+r.Method+" "+r.URL.Path+")", http.StatusNotFound, "unknown_url"
	case r.Method != http.MethodPost:
		fault, status = "Not allowed to "+r.Method, http.StatusMethodNotAllowed
	case r.Header.Get("Authorization") != "Bearer "+theKey:
		fault, status, code = "Incorrect API key provided", http.StatusUnauthorized, "invalid_api_key"
	case kind != "application/json":
		fault = "The body is of type " + kind
	default:
		fault = s.protocol.fault(text)
	}
	s.mutex.Lock()
	s.heard = append(s.heard, heard{r.Header.Clone(), text, fault})
	answer := s.answer
	s.mutex.Unlock()
	if fault != "" {
		refuse(status, code, fault[:min(len(fault), 200)])(w, r)
		return
	}
	answer(w, r)
}

// refuse answers with an error in the documented form, and headers as name, value.
func refuse(status int, code, message string, headers ...string) answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(encode(map[string]any{"error": map[string]any{
			"message": message, "type": "invalid_request_error", "param": nil, "code": code,
		}})) // who asks may have gone
	}
}

// encode writes what is known to be JSON.
func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
