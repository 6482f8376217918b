package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	message, err := encode(request{Run: &expr.Script{Code: "return '<a>'"}}, nil, value.Pairs("z", value.Number("18446744073709551615"), "a", "<"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := receive(bufio.NewReader(bytes.NewReader(message)), len(message))
	if err != nil {
		t.Fatal(err)
	}
	var got request
	values, err := decode(body, &got)
	if err != nil || !got.takes(values) || got.Run.Code != "return '<a>'" {
		t.Errorf("got %+v with %v, %v", got, values, err)
	}
	if scope, err := value.Encode(got.Run.Scope); string(scope) != `{"z":18446744073709551615,"a":"<"}` {
		t.Errorf("the scope came as %s, %v", scope, err)
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
	for _, v := range []reply{{}, {Problem: &expr.Problem{Kind: expr.Time}}, {Rendered: &expr.Rendered{}}} {
		message, err := encode(v, []any{1.5})
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
		values, err := decode(body, &r)
		if _, wrong := value.Encode(values); err == nil && wrong != nil {
			t.Errorf("%v was read, and cannot be written: %v", values, wrong)
		}
	})
}
