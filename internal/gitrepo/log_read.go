package gitrepo

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Bounds on one entry of a log.
const (
	maxLogField   = 1 << 20
	maxLogChanges = 100_000
	maxLogPaths   = 16 << 20 // bytes of all paths
)

// logFormat is the fields of a commit, each ended by NUL, which none can hold.
const logFormat = "--format=tformat:%H%x00%T%x00%P%x00%an <%ae> %ad%x00%cn <%ce> %cd%x00%B%x00"

// logReader reads what `git log` prints in logFormat.
type logReader struct {
	in *bufio.Reader
}

var errLog = errors.New("git log printed what is no log")

// next returns the next commit, or io.EOF.
func (l *logReader) next() (LogEntry, error) {
	var e LogEntry
	fields := [6]string{}
	for i := range fields {
		value, cut, err := l.field()
		if errors.Is(err, io.EOF) && i > 0 {
			err = errLog
		}
		if err != nil {
			return e, err
		}
		fields[i], e.Cut = value, e.Cut || cut
	}
	if len(fields[0]) < 40 || !isHex(fields[0]) {
		return e, errLog
	}
	e.ID, e.Tree = OID(fields[0]), OID(fields[1])
	for parent := range strings.FieldsSeq(fields[2]) {
		e.Parents = append(e.Parents, OID(parent))
	}
	e.Author, e.Committer = parseSignature(fields[3]), parseSignature(fields[4])
	e.Message = text([]byte(fields[5]))
	if end, err := l.in.ReadByte(); err != nil || end != 0 {
		return e, errLog
	}
	return e, l.changes(&e)
}

// changes reads what follows a commit: a line's end and its changes, or at once
// the next commit.
func (l *logReader) changes(e *LogEntry) error {
	next, err := l.in.Peek(1)
	if err != nil || next[0] != '\n' {
		return nil // an end is seen by the next one
	}
	_, _ = l.in.Discard(1)
	for size := 0; ; {
		if next, err := l.in.Peek(1); err != nil || next[0] != ':' {
			slices.SortFunc(e.Changes, func(a, b PathChange) int { return strings.Compare(a.Path, b.Path) })
			return nil
		}
		head, _, err := l.field()
		if err != nil {
			return errLog
		}
		path, cut, err := l.field()
		change, ok := parseChange(head, path)
		if err != nil || !ok {
			return errLog
		}
		if size += len(path); cut || size > maxLogPaths || len(e.Changes) >= maxLogChanges {
			e.Cut = true
			continue
		}
		e.Changes = append(e.Changes, change)
	}
}

// parseChange reads ":<old mode> <new mode> <old id> <new id> <letter>".
func parseChange(head, path string) (c PathChange, ok bool) {
	fields := strings.Fields(strings.TrimPrefix(head, ":"))
	if len(fields) != 5 {
		return c, false
	}
	before, err := strconv.ParseUint(fields[0], 8, 32)
	after, afterErr := strconv.ParseUint(fields[1], 8, 32)
	c = PathChange{Path: path, Old: present(fields[2]), New: present(fields[3]), OldMode: Mode(before), NewMode: Mode(after)}
	return c, err == nil && afterErr == nil
}

// field reads up to the next NUL; of what is longer than a field may be, the
// beginning.
func (l *logReader) field() (value string, cut bool, err error) {
	var whole []byte
	for {
		part, err := l.in.ReadSlice(0)
		part = bytes.TrimSuffix(part, []byte{0})
		if room := maxLogField - len(whole); len(part) > room {
			part, cut = part[:room], true
		}
		whole = append(whole, part...)
		switch {
		case err == nil:
			return string(whole), cut, nil
		case errors.Is(err, io.EOF) && len(whole) > 0:
			return "", false, errLog
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", false, err
		}
	}
}

// present is an id, or "" for the zeros that stand for none.
func present(id string) OID {
	if strings.Trim(id, "0") == "" {
		return ""
	}
	return OID(id)
}
