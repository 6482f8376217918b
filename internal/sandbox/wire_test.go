package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/sluice-dev/sluice/internal/expr"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	message, err := encode(request{Run: &expr.Script{Code: "return '<a>'", Scope: map[string]any{"n": int64(9007199254740993)}}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := receive(bufio.NewReader(bytes.NewReader(message)), len(message))
	if err != nil {
		t.Fatal(err)
	}
	var got request
	if err := decode(body, &got); err != nil || got.Run.Code != "return '<a>'" {
		t.Errorf("got %+v, %v", got, err)
	}
	n, err := expr.Canonical(got.Run.Scope["n"])
	if n != int64(9007199254740993) {
		t.Errorf("the number came as %v, %v", n, err)
	}
	if _, err := receive(bufio.NewReader(bytes.NewReader(message)), len(message)-6); !errors.Is(err, errTooLong) {
		t.Errorf("a message over the bound: got %v", err)
	}
	if _, err := receive(bufio.NewReader(bytes.NewReader(message[:9])), len(message)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half a message: got %v", err)
	}
}

// FuzzReceive reads what a child could write, none of which may cost more than the
// bound or end the process.
func FuzzReceive(f *testing.F) {
	for _, v := range []any{reply{}, reply{Problem: &expr.Problem{Kind: expr.Time}}, reply{Rendered: &expr.Rendered{Tree: []any{1.5}}}} {
		message, err := encode(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(message)
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, '{'})
	f.Fuzz(func(t *testing.T, message []byte) {
		body, err := receive(bufio.NewReader(bytes.NewReader(message)), 1<<16)
		if err != nil {
			return
		}
		var r reply
		if decode(body, &r) == nil && r.Rendered != nil {
			_, _ = expr.Canonical(r.Rendered.Tree)
		}
	})
}
