package gitrepo

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// OID names an object by the hash of its content: 40 hexadecimal digits, or 64
// in a SHA-256 repository, in lower case. "" is no object.
type OID string

// Short returns the first 12 digits, for people.
func (o OID) Short() string { return string(o[:min(12, len(o))]) }

// ParseOID reads an id. It is not one of this repository when the number of
// digits is not that of its format.
func (r *Repo) ParseOID(text string) (OID, bool) {
	return OID(text), len(text) == 2*r.newHash().Size() && isHex(text)
}

// SHA256 reports whether the repository names its objects by SHA-256.
func (r *Repo) SHA256() bool { return r.newHash().Size() == 32 }

// zero is what Git writes for no object.
func (r *Repo) zero() string { return strings.Repeat("0", 2*r.newHash().Size()) }

// isHex reports whether a text has lower case hexadecimal digits alone.
func isHex(text string) bool { return strings.Trim(text, "0123456789abcdef") == "" }

// Hash returns the id that content has as an object of a kind: "blob", "tree",
// "commit" or "tag".
func (r *Repo) Hash(kind string, content []byte) OID {
	sum := r.newHash()
	sum.Write(header(kind, content))
	sum.Write(content)
	return OID(hex.EncodeToString(sum.Sum(nil)))
}

// header is what stands before the content where an object is kept and hashed.
func header(kind string, content []byte) []byte {
	return []byte(kind + " " + strconv.Itoa(len(content)) + "\x00")
}

// Put writes content as an object of a kind, unless there is such a loose one
// already, and returns its id. It starts no process. The file is complete when
// it gets its name; it is on disk before [Repo.Update] has a ref point anywhere.
// [sluice.Unavailable] when it cannot be written.
func (r *Repo) Put(kind string, content []byte) (OID, error) {
	id := r.Hash(kind, content)
	path := r.loose(id)
	if touched(path) {
		r.unsettled.add(path)
		return id, nil
	}
	err := r.write(path, kind, content)
	if errors.Is(err, fs.ErrNotExist) { // git removes such a directory when it becomes empty
		err = r.write(path, kind, content)
	}
	if err != nil {
		return "", sluice.Errorf(sluice.Unavailable, "the repository cannot be written to: %w", err).
			Fix("see that the disk has room and that you may write in %s", filepath.Join(r.Common, "objects"))
	}
	r.unsettled.add(path)
	return id, nil
}

func (r *Repo) loose(id OID) string {
	return filepath.Join(r.Common, "objects", string(id[:2]), string(id[2:]))
}

// touched reports whether there is a loose object, and makes it young: git may
// remove old ones that nothing points at. An empty file is what a lost power
// supply leaves of an object, and none.
func touched(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	at := time.Now()
	return os.Chtimes(path, at, at) == nil
}

// write writes a loose object to a file beside it and gives it its name.
func (r *Repo) write(path, kind string, content []byte) error {
	var packed bytes.Buffer
	deflate, err := zlib.NewWriterLevel(&packed, zlib.BestSpeed)
	if err != nil {
		return err
	}
	// A buffer takes all that is written to it.
	_, _ = deflate.Write(header(kind, content))
	_, _ = deflate.Write(content)
	_ = deflate.Close()
	if err := r.makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	temporary := filepath.Join(filepath.Dir(path), fmt.Sprintf("tmp_obj_%08x%08x", rand.Uint32(), rand.Uint32())) // git sweeps such names
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	_, err = file.Write(packed.Bytes())
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = r.share(temporary)
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary)
	}
	return err
}

// makeDir makes a directory of the object store.
func (r *Repo) makeDir(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.share(dir)
}
