package api_test

import (
	"net/http/httptest"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
)

// BenchmarkNew is what a command that runs in process pays before its question.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		api.New(api.Config{Trusted: true})
	}
}

// BenchmarkDocument is what the document costs, which is made once and only when
// somebody asks for it.
func BenchmarkDocument(b *testing.B) {
	for b.Loop() {
		h := api.New(api.Config{Trusted: true})
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/openapi.json", nil))
	}
}

// nobody answers nothing: what is measured is the handler alone.
type nobody struct{ sluice.Services }

// BenchmarkFirst is a new handler and its first question.
func BenchmarkFirst(b *testing.B) {
	for b.Loop() {
		h := api.New(api.Config{Trusted: true, Services: nobody{}})
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/healthz", nil))
	}
}
