package client

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sluice-dev/sluice"
)

func parse(r io.Reader) (all []message, err error) {
	err = messages(r, 1<<20, func(m message) bool {
		all = append(all, m)
		return true
	})
	return all, err
}

func TestMessages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, stream string
		want         []message
	}{
		{"nothing", "", nil},
		{"one event", "id: l-1\nevent: release\ndata: {}\n\n", []message{{"l-1", "release", []byte("{}")}}},
		{"lines that end as in HTTP", "id: l-1\r\nevent: release\r\ndata: {}\r\n\r\n", []message{{"l-1", "release", []byte("{}")}}},
		{"lines that end as on old machines", "event: a\rdata: x\r\r", []message{{"", "a", []byte("x")}}},
		{"no space after the colon", "data:x\n\n", []message{{"", "", []byte("x")}}},
		{"one space is not data, two are", "data:  x\n\n", []message{{"", "", []byte(" x")}}},
		{"several lines of data", "data: a\ndata: b\ndata\n\n", []message{{"", "", []byte("a\nb\n")}}},
		{"comments and unknown fields", ": hello\nretry: 10\nfoo: bar\ndata: x\n\n", []message{{"", "", []byte("x")}}},
		{"an id stays for what follows", "id: 1\ndata: a\n\ndata: b\n\n", []message{{"1", "", []byte("a")}, {"1", "", []byte("b")}}},
		{"an id with a zero byte counts for nothing", "id: 1\x002\ndata: a\n\n", []message{{"", "", []byte("a")}}},
		{"an event without data is none, and its type is forgotten", "event: a\n\ndata: b\n\n", []message{{"", "", []byte("b")}}},
		{"what breaks off is no event", "data: a\n\ndata: b\n", []message{{"", "", []byte("a")}}},
		{"a mark of the byte order", "\ufeffdata: a\n\n", []message{{"", "", []byte("a")}}},
	} {
		for how, r := range map[string]io.Reader{
			"at once": strings.NewReader(test.stream), "byte by byte": iotest.OneByteReader(strings.NewReader(test.stream)),
		} {
			got, err := parse(r)
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%s, %s: got %q, %v, want %q", test.name, how, got, err, test.want)
			}
		}
	}
}

func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	line := "data: " + strings.Repeat("x", 1<<10) + "\n"
	for name, r := range map[string]io.Reader{
		"a line without an end":   endless("x"),
		"an event without an end": endless(line),
	} {
		if _, err := parse(r); sluice.CodeOf(err) != sluice.LimitExceeded {
			t.Errorf("%s: got %v, want limit_exceeded", name, err)
		}
	}
}

// endless repeats a text.
type endless string

// Read fills b.
func (e endless) Read(b []byte) (n int, err error) {
	for n < len(b) {
		n += copy(b[n:], e)
	}
	return n, nil
}

func FuzzMessages(f *testing.F) {
	for _, seed := range []string{"id: l-1\nevent: release\ndata: {}\n\n", "data\r\r\n\n:x\rid", "\ufeffdata: a\n\n", "data: \x00\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, err := parse(bytes.NewReader(stream))
		if err != nil {
			t.Fatalf("%q: %v", stream, err)
		}
		pieces, err := parse(iotest.OneByteReader(bytes.NewReader(stream)))
		if err != nil || !reflect.DeepEqual(pieces, whole) {
			t.Fatalf("%q: got %q byte by byte and %q at once (%v)", stream, pieces, whole, err)
		}
		var again bytes.Buffer
		for _, m := range whole {
			if strings.ContainsAny(m.id+m.event, "\r\n") || bytes.ContainsRune(m.data, '\r') {
				t.Fatalf("%q: a line's end inside of %q", stream, m)
			}
			again.WriteString("id: " + m.id + "\nevent: " + m.event + "\ndata: " + strings.ReplaceAll(string(m.data), "\n", "\ndata: ") + "\n\n")
		}
		back, err := parse(&again)
		if err != nil || !reflect.DeepEqual(back, whole) {
			t.Fatalf("%q: written again it reads %q, not %q (%v)", stream, back, whole, err)
		}
	})
}
