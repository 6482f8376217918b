package scout_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// event is one event of a stream, as a client has it.
type event struct {
	reply
	name string // of the line before the data
}

// readLines reads a stream as Scout's TypeScript client does: each line by itself,
// only those with data: in them, and up to any that holds [DONE].
func readLines(t testing.TB, text string) (events []event, done bool) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 32<<20)
	for lines.Scan() {
		line := lines.Text()
		_, data, found := strings.Cut(line, "data:")
		if !found {
			continue
		}
		if strings.Contains(line, "[DONE]") {
			return events, true
		}
		e := event{reply: reply{text: data}}
		if err := json.Unmarshal([]byte(data), &e.json); err != nil {
			t.Errorf("a line is not JSON: %q: %v", line, err)
		}
		if e.name, _ = e.at("name").(string); e.name != "" && e.at("event_type") != e.name {
			t.Errorf("the types differ: %s", line)
		}
		events = append(events, e)
	}
	return events, false
}

// readEvents reads a stream as Scout's Python client does: lines end where Unicode
// says that one does, an empty one ends an event, and what is not JSON is dropped.
func readEvents(text string) (events []event) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\x1c", "\n", "\x1d", "\n", "\x1e", "\n",
		"\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	e, data := event{}, []string{}
	for line := range strings.SplitSeq(text, "\n") {
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			e.text = strings.Join(data, "\n")
			if json.Unmarshal([]byte(e.text), &e.json) == nil {
				events = append(events, e)
			}
			e, data = event{}, nil
		case field == "event":
			e.name = value
		case field == "data":
			data = append(data, value)
		}
	}
	return events
}

// names are the names of events in their order.
func names(events []event) string {
	list := make([]string, len(events))
	for i, e := range events {
		list[i] = e.name
	}
	return strings.Join(list, " ")
}

// streamed asks for a stream and reads it to its end, as both clients do.
func (in *installation) streamed(method, path, body string) []event {
	in.Helper()
	got := in.want(method, path, body)
	if kind := got.head.Get("Content-Type"); kind != "text/event-stream" {
		in.Errorf("%s %s: the type is %s", method, path, kind)
	}
	events, done := readLines(in, got.text)
	if !done || !strings.HasSuffix(got.text, "\n\ndata: [DONE]\n\n") {
		in.Errorf("%s %s: the stream has no end: %s", method, path, got.text)
	}
	other := readEvents(got.text)
	if len(other) != len(events) {
		in.Fatalf("%s %s: one client reads %d events, another %d: %s", method, path, len(events), len(other), got.text)
	}
	for i, e := range other {
		if strings.TrimSpace(e.text) != strings.TrimSpace(events[i].text) || e.name != events[i].name {
			in.Errorf("%s %s: one client reads %s %s, another %s %s", method, path, events[i].name, events[i].text, e.name, e.text)
		}
	}
	return events
}

// opened is a stream that is still being written.
type opened struct {
	*bufio.Reader
	head  http.Header
	close func()
}

// open begins to read a stream.
func (in *installation) open(method, path, body string) opened {
	in.Helper()
	r, err := http.NewRequestWithContext(in.Context(), method, in.url+path, strings.NewReader(body))
	if err != nil {
		in.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+in.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		in.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		in.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return opened{bufio.NewReader(resp.Body), resp.Header, func() { resp.Body.Close() }}
}

// until reads lines until one holds a text.
func (o opened) until(t testing.TB, text string) {
	t.Helper()
	for {
		line, err := o.ReadString('\n')
		if err != nil {
			t.Fatalf("before %q: %v", text, err)
		}
		if strings.Contains(line, text) {
			return
		}
	}
}
