package cli

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestWaitingEndsWithItsCommand reads from where nothing ever comes.
func TestWaitingEndsWithItsCommand(t *testing.T) {
	t.Parallel()
	never, keep := io.Pipe()
	defer keep.Close()
	begun := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	got, err := waiting(ctx, func() (string, error) {
		close(begun)
		return readAtMost(never, "standard input", 1<<20)
	})
	if got != "" || !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, %v, want that it gave up", got, err)
	}
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	const encodeBytes = "write it in UTF-8; encode binary values, for example in base64"
	for text, want := range map[string]struct{ message, fix string }{
		"{\"a\": \"\xe4\"}":         {"it is not text: line 1, column 8: this byte is not UTF-8", encodeBytes},
		"{\n\"a\": \"ä\xff\"}":      {"it is not text: line 2, column 8: this byte is not UTF-8", encodeBytes},
		`{"a": "\ud800"}`:           {`it is not text: line 1, column 8: \ud800 is half of a character`, encodeBytes},
		`{'a': 1}`:                  {"it is not JSON: line 1, column 2: invalid character '\\'' looking for beginning of object key string", `put names and texts in double quotes: {"name": "value"}`},
		" ":                         {"it is empty, and should be JSON", "without any input, write {}"},
		`{"a": "ä"} `:               {},
		"\ufeff{\"a\": \"\ufffd\"}": {},
	} {
		err := checkJSON([]byte(text), "it")
		if err == nil {
			if want.message != "" {
				t.Errorf("%q: nothing, want %q", text, want.message)
			}
			continue
		}
		known := sluice.AsError(err)
		if known.Message != want.message || len(known.Fixes) != 1 || known.Fixes[0].Text != want.fix {
			t.Errorf("%q: got %q with %q, want %q with %q", text, known.Message, known.Fixes, want.message, want.fix)
		}
	}
}
