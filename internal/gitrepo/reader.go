package gitrepo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/sluice-dev/sluice"
)

// Bounds on what is read: of one object, of the name of one, and of a directory.
const (
	maxObject = 8 << 20
	maxRev    = 8 << 10
	maxFiles  = 100_000
	maxTrees  = 10_000
)

// Object is one object with its content.
type Object struct {
	ID    OID
	Kind  string // "blob", "tree", "commit" or "tag"
	Bytes []byte
}

// Reader reads objects through one git process, which starts at the first use.
// It is safe for concurrent use, one question at a time; the process ends with
// its context or with Close.
type Reader struct {
	ctx  context.Context
	repo *Repo

	mu      sync.Mutex
	child   *child
	answers *bufio.Reader
	closed  bool
}

// Reader returns a reader. Close must follow.
func (r *Repo) Reader(ctx context.Context) *Reader { return &Reader{ctx: ctx, repo: r} }

// Close ends the process. It is safe to repeat; reading after it is an error.
func (rd *Reader) Close() error {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	rd.closed = true
	return rd.end()
}

// Object returns what a rev names: an id, the full name of a ref, or
// "<commit>:<path>". Found is false when there is no such object.
// [sluice.LimitExceeded] when it has more than 8 MiB; [sluice.Invalid] when the
// rev has a line's end in it or names several objects.
func (rd *Reader) Object(rev string) (o Object, found bool, err error) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	h, found, err := rd.ask("contents", rev)
	if err != nil || !found {
		return Object{}, false, err
	}
	if h.size > maxObject {
		rd.abandon() // rather than have git write all of it
		return Object{}, false, sluice.Errorf(sluice.LimitExceeded, "%s has %d bytes in Git, more than the %d MiB that Sluice reads", shortened(rev), h.size, maxObject>>20).
			Fix("make it smaller, or keep it elsewhere and name it in the component")
	}
	content := make([]byte, h.size+1) // and the line's end
	if _, err := io.ReadFull(rd.answers, content); err != nil {
		return Object{}, false, rd.broken(err)
	}
	return Object{h.id, h.kind, content[:h.size]}, true, nil
}

// Info returns what Object would, except for the content, of an object of any
// size; the size is in bytes.
func (rd *Reader) Info(rev string) (id OID, kind string, size int64, found bool, err error) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	h, found, err := rd.ask("info", rev)
	if err == nil && found && rd.repo.noBatchCommand.Load() {
		if _, discardErr := io.CopyN(io.Discard, rd.answers, h.size+1); discardErr != nil {
			err = rd.broken(discardErr)
		}
	}
	if err != nil || !found {
		return "", "", 0, false, err
	}
	return h.id, h.kind, h.size, true, nil
}

// objectHead is the line before an object's content.
type objectHead struct {
	id   OID
	kind string
	size int64
}

var answerLine = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64}) (blob|tree|commit|tag) (\d{1,18})$`)

// ask puts a question and reads the line that answers it.
func (rd *Reader) ask(command, rev string) (a objectHead, found bool, err error) {
	if rev == "" || len(rev) > maxRev || strings.ContainsAny(rev, "\n\r\x00") {
		return objectHead{}, false, sluice.Errorf(sluice.Invalid, "%q cannot be the name of an object", shortened(rev)).Fix("name a commit, a tag, or COMMIT:PATH")
	}
	line, err := rd.exchange(command, rev)
	var failure *Failure
	if errors.As(err, &failure) && failure.Status == 129 && rd.repo.noBatchCommand.CompareAndSwap(false, true) {
		line, err = rd.exchange(command, rev) // a git before 2.36
	}
	if err != nil {
		return objectHead{}, false, err
	}
	if m := answerLine.FindStringSubmatch(line); m != nil {
		a.id, a.kind = OID(m[1]), m[2]
		a.size, _ = strconv.ParseInt(m[3], 10, 64) // of at most 18 digits
		return a, true, nil
	}
	switch {
	case line == rev+" missing" || line == rev+" submodule": // what is not there, and what is only named there
		return objectHead{}, false, nil
	case strings.HasSuffix(line, " ambiguous"):
		return objectHead{}, false, sluice.Errorf(sluice.Invalid, "%q is the beginning of several objects' ids", shortened(rev)).Fix("write more digits of it")
	}
	rd.abandon()
	return objectHead{}, false, fmt.Errorf("git cat-file answered %q to %q", shortened(line), shortened(rev))
}

// exchange writes a question and reads a line, with a process that runs.
func (rd *Reader) exchange(command, rev string) (line string, err error) {
	if err := rd.begin(); err != nil {
		return "", err
	}
	question := command + " " + rev + "\n"
	if rd.repo.noBatchCommand.Load() {
		question = rev + "\n"
	}
	_, err = io.WriteString(rd.child.stdin, question)
	if err == nil {
		line, err = rd.answers.ReadString('\n')
	}
	if err != nil {
		return "", rd.broken(err)
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// begin starts the process unless it runs.
func (rd *Reader) begin() error {
	if rd.closed {
		return sluice.Errorf(sluice.Internal, "a reader of Git objects was used after it was closed")
	}
	if err := rd.ctx.Err(); err != nil {
		return err
	}
	if rd.child != nil {
		return nil
	}
	mode := "--batch-command"
	if rd.repo.noBatchCommand.Load() {
		mode = "--batch"
	}
	c, err := rd.repo.start(rd.ctx, process{args: []string{"cat-file", mode}, asks: true})
	if err != nil {
		return err
	}
	rd.child, rd.answers = c, bufio.NewReaderSize(c.stdout, 32<<10)
	return nil
}

// end ends the process when it runs.
func (rd *Reader) end() error {
	if rd.child == nil {
		return nil
	}
	c := rd.child
	rd.child, rd.answers = nil, nil
	_ = c.stdin.Close()
	return c.wait()
}

// abandon ends a process whose answers nobody reads any more.
func (rd *Reader) abandon() {
	if rd.child != nil {
		rd.child.kill()
		_ = rd.end()
	}
}

// broken ends a process that stopped answering and says why.
func (rd *Reader) broken(cause error) error {
	if err := rd.end(); err != nil {
		return err
	}
	return sluice.Errorf(sluice.Unavailable, "git stopped in the middle of an answer").Fix("see what `git fsck` says").Because(cause)
}
