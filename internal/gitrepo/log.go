package gitrepo

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
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
	args = append(args, from...)
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
