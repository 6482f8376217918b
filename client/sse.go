package client

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Bounds on what a stream may make the client hold: an event, and what is set
// aside for one from the start.
const (
	maxEvent = 64 << 20 // a snapshot of 10,000 components is about 4 MiB
	firstBuf = 64 << 10
)

// message is one Server-Sent Event.
// Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
type message struct {
	id, event string
	data      []byte
}

// messages reads a stream of events until it ends, fails, or yield says stop.
// Lines end with LF, CR LF or CR; comments and unknown fields are skipped; an
// event without data is none, though its id counts, as the specification says.
// No line and no event may be longer than limit.
func messages(r io.Reader, limit int, yield func(message) bool) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, min(firstBuf, limit)), limit)
	lines.Split(splitLine)
	var m message
	hasData, first := false, true
	for lines.Scan() {
		line := lines.Bytes()
		if first {
			line, first = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")), false
		}
		if len(line) == 0 {
			if hasData && !yield(m) {
				return nil
			}
			m, hasData = message{id: m.id}, false
			continue
		}
		field, value, _ := strings.Cut(string(line), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			if !strings.ContainsRune(value, 0) {
				m.id = value
			}
		case "event":
			m.event = value
		case "data":
			if hasData {
				m.data = append(m.data, '\n')
			}
			if len(m.data)+len(value) > limit {
				return tooLarge(limit)
			}
			m.data, hasData = append(m.data, value...), true
		}
	}
	if lines.Err() == bufio.ErrTooLong {
		return tooLarge(limit)
	}
	return lines.Err()
}

func tooLarge(limit int) error {
	return sluice.Errorf(sluice.LimitExceeded, "an event of the stream is larger than %d bytes", limit).
		Fix("watch an environment with fewer components")
}

// splitLine splits at LF, CR LF or CR.
func splitLine(data []byte, atEOF bool) (advance int, token []byte, err error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case i < 0 && atEOF && len(data) > 0:
		return len(data), data, nil
	case i < 0:
		return 0, nil, nil
	case data[i] == '\n':
		return i + 1, data[:i], nil
	case i+1 < len(data):
		if data[i+1] == '\n' {
			return i + 2, data[:i], nil
		}
		return i + 1, data[:i], nil
	case atEOF:
		return i + 1, data[:i], nil
	}
	return 0, nil, nil // whether the CR stands alone shows with the next byte
}
