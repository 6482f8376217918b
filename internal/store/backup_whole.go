package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// A backup ends with one line: this form with the digest of all bytes before it.
// SQLite reads only as many pages as its own header says, so that the line does
// not disturb it. The line and the table of digests inside are witnesses of each
// other: a file that has only one of them was damaged or cut short, and one that
// has neither was made before there were digests.
const lastLine = "sluice-backup-1 sha256:%x\n"

// lastLineBytes is how long the line is.
var lastLineBytes = int64(len(fmt.Sprintf(lastLine, sha256.Sum256(nil))))

// lastLineBegin is what every such line begins with.
var lastLineBegin = strings.TrimSuffix(lastLine, "%x\n")

// writeWhole copies a file, and the line with its digest behind it.
func writeWhole(w io.Writer, file io.Reader) error {
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), file); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, lastLine, sum.Sum(nil))
	return err
}

// wholeness is what the last line of a backup says of the bytes before it.
type wholeness int

const (
	unsaid    wholeness = iota // there is no such line
	unchanged                  // they are those that were written
	changed                    // they are not
)

// copyWhole copies a backup without its last line, and compares the digest.
func copyWhole(to, from string) (said wholeness, err error) {
	in, err := os.Open(from)
	if err != nil {
		return unsaid, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return unsaid, err
	}
	size := info.Size()
	end := make([]byte, lastLineBytes)
	if _, err := in.ReadAt(end, max(0, size-lastLineBytes)); err != nil && !errors.Is(err, io.EOF) {
		return unsaid, err
	}
	if strings.HasPrefix(string(end), lastLineBegin) {
		size -= lastLineBytes
		said = changed
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return unsaid, err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, sum), io.LimitReader(in, size)); err != nil {
		out.Close()
		return unsaid, err
	}
	if said == changed && string(end) == fmt.Sprintf(lastLine, sum.Sum(nil)) {
		said = unchanged
	}
	return said, out.Close()
}
