package block_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/value"
)

// exact is a value that maps would sort and floats would round.
const exact = `{"z":18446744073709551615,"a":{"reasoning":"<b>","answer":[3544790567247868102,1.0,0.10]},"10":-0.0,"9":1e2}`

func decoded(t *testing.T, text string) *value.Object {
	t.Helper()
	o := new(value.Object)
	if err := o.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestBodiesAreSentAsWritten sends an object, and reads it from the answer.
func TestBodiesAreSentAsWritten(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		seen <- string(text) + " " + r.URL.RawQuery
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	})
	got := run(t, t.Context(), "http", block.Call{Settings: value.Pairs(
		"url", server.URL+"/?z=0&m=1", "method", "POST", "body", decoded(t, exact), "query", decoded(t, `{"z":[18446744073709551615,2],"a":1.0}`),
	)})
	if got.err != nil {
		t.Fatal(got.err)
	}
	if sent := <-seen; sent != exact+" m=1&z=18446744073709551615&z=2&a=1.0" {
		t.Errorf("sent %s", sent)
	}
	if text := value.Text(got.Output); text != exact {
		t.Errorf("the answer became %s, want %s", text, exact)
	}
}

// TestModelsSeeTheAuthorsOrder asks a model with a schema and tools: it answers in
// the order in which their properties come.
func TestModelsSeeTheAuthorsOrder(t *testing.T) {
	t.Parallel()
	schema := `{"type":"object","properties":{"reasoning":{"type":"string"},"answer":{"type":"integer","maximum":18446744073709551615}},"required":["reasoning","answer"],"additionalProperties":false}`
	tools := `[{"type":"function","function":{"name":"find","parameters":{"type":"object","properties":{"why":{},"id":{}}}}}]`
	answer := `{"reasoning":"<so>","answer":18446744073709551614}`
	url, questions := modelServer(t, 200, "text/event-stream", stream(delta(answer), stopped, done))
	got := run(t, t.Context(), "llm", block.Call{
		Settings: value.Pairs("model", "small", "prompt", "hello", "base_url", url, "api_key", "sk-alice", "parameters", decoded(t, `{"tools":`+tools+`,"seed":9007199254740993}`)),
		Raw:      map[string]any{"schema": decoded(t, schema)},
	})
	if got.err != nil {
		t.Fatal(got.err)
	}
	question := (*questions)[0].body
	for _, part := range []string{`"schema":` + schema, `"strict":true`, `"tools":` + tools, `"seed":9007199254740993`} {
		if !strings.Contains(question, part) {
			t.Errorf("asked %s\nwant in it %s", question, part)
		}
	}
	if text := value.Text(got.Output); text != answer {
		t.Errorf("the output is %s, want %s", text, answer)
	}
	if request := string(got.effects[0].Request); request != question {
		t.Errorf("the tape has %s, want what was asked, %s", request, question)
	}
}
