package gitrepo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

// LogOptions say which commits a log goes through, and in which order: newest
// first unless said otherwise.
type LogOptions struct {
	From        []string // where to begin: full names of refs, or ids; none is HEAD
	Not         []string // what is left out with all that it can reach
	Paths       []string // only commits that change one of these files or what is below these directories, and only those changes
	FirstParent bool     // follow only the first parent, and show of a merge all that it brought in
	Reverse     bool     // oldest first; git then holds all ids before it begins
	ByDate      bool     // strictly by the time of the commits, as far as parents come after children
	Limit       int      // at most so many, counted before Reverse; 0 is all
}

// LogEntry is one commit of a log with what it changed.
type LogEntry struct {
	Commit               // without Signed
	Changes []PathChange // sorted by path; none of a merge, unless FirstParent
	Cut     bool         // a message over 1 MiB, or changes over 100,000 or 16 MiB of paths, were cut
}

// PathChange is one file that a commit added, changed or deleted. A rename is a
// deletion and an addition.
type PathChange struct {
	Path             string // as it stands in the tree, which need not be valid UTF-8
	Old, New         OID    // of the content; "" when the file was not there or is not any more
	OldMode, NewMode Mode   // 0 where there is no file
}

// Bounds on one entry of a log.
const (
	maxLogField   = 1 << 20
	maxLogChanges = 100_000
	maxLogPaths   = 16 << 20 // bytes of all paths
)

// logFormat is the fields of a commit, each ended by NUL, which none can hold.
const logFormat = "--format=tformat:%H%x00%T%x00%P%x00%an <%ae> %ad%x00%cn <%ce> %cd%x00%B%x00"

// Log goes through history with one git process that runs as long as the caller
// takes entries; memory does not grow with their number. A repository without
// any commit has none. The error, if there is one, comes last: [sluice.NotFound]
// when a name of From or Not is none, [sluice.Invalid] when it is malformed,
// otherwise those of [Repo.Run]. In a shallow clone the log ends where the
// clone does, and the last commit there seems to add all that it holds.
func (r *Repo) Log(ctx context.Context, options LogOptions) iter.Seq2[LogEntry, error] {
	return func(yield func(LogEntry, error) bool) {
		args, err := options.arguments()
		if err != nil {
			yield(LogEntry{}, err)
			return
		}
		stopped := errors.New("the caller has seen enough")
		err = r.stream(ctx, process{args: args}, func(stdout io.Reader) error {
			read := logReader{in: bufio.NewReaderSize(stdout, 64<<10)}
			for {
				entry, err := read.next()
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return err
				}
				if !yield(entry, nil) {
					return stopped
				}
			}
		})
		if err = logTrouble(err, options); err != nil && !errors.Is(err, stopped) {
			yield(LogEntry{}, err)
		}
	}
}

// arguments are those of the git process. They take out of play whatever a user
// may have set up for how a log looks.
func (o LogOptions) arguments() ([]string, error) {
	args := []string{
		"--literal-pathspecs", "log", "--raw", "-z", "-r", "--root", "--no-renames", "--no-abbrev", "--no-relative", "--no-ext-diff", "--no-textconv",
		"--no-follow", "--no-show-signature", "--no-notes", "--no-color", "--no-decorate", "--ignore-submodules=none", "--encoding=UTF-8", "--date=raw", logFormat,
	}
	if o.FirstParent {
		args = append(args, "--first-parent", "--diff-merges=first-parent")
	} else {
		args = append(args, "--diff-merges=off")
	}
	if o.Reverse {
		args = append(args, "--reverse")
	}
	if o.ByDate {
		args = append(args, "--date-order")
	}
	if o.Limit > 0 {
		args = append(args, "--max-count="+strconv.Itoa(o.Limit))
	}
	from := o.From
	if len(from) == 0 {
		from = []string{"HEAD"}
	}
	args = append(args, "--end-of-options")
	for _, name := range from {
		args = append(args, name)
	}
	for _, name := range o.Not {
		args = append(args, "^"+name)
	}
	for _, name := range append(from[:len(from):len(from)], o.Not...) {
		id := (len(name) == 40 || len(name) == 64) && isHex(name)
		if !id && name != "HEAD" && CheckRef(name) != nil {
			return nil, sluice.Errorf(sluice.Invalid, "%q is neither an id nor the full name of a ref", shortened(name)).Fix("names begin with refs/")
		}
	}
	args = append(args, "--")
	for _, path := range o.Paths {
		args = append(args, strings.Trim(path, "/"))
	}
	return args, nil
}

// logTrouble tells a name that is none from other ends.
func logTrouble(err error, options LogOptions) error {
	var failure *Failure
	if !errors.As(err, &failure) {
		return err
	}
	said := failure.Stderr
	if len(options.From) == 0 && strings.Contains(said, "bad revision 'HEAD'") {
		return nil // nothing was committed yet
	}
	if strings.Contains(said, "bad revision") || strings.Contains(said, "unknown revision") || strings.Contains(said, "bad object") {
		return sluice.Errorf(sluice.NotFound, "there is no such commit here: %s", lastWords(said)).
			Fix("fetch it, or see what there is with `git for-each-ref`").Because(err)
	}
	return err
}

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
