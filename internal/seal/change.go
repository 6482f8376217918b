package seal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/system"
)

// AddIdentity puts a new key at the top of a key file. The older ones stay below
// it, since they open what was sealed before.
func AddIdentity(path string) error {
	return change(path, func(text string, _ *Master) (string, error) {
		key, err := NewIdentity()
		return key + "\n" + strings.TrimPrefix(text, header), err
	})
}

// change replaces the keys of a key file. Of several changes at once none is
// lost, since a data key may be wrapped under any of their keys by then.
func change(path string, next func(text string, m *Master) (string, error)) error {
	file, err := filepath.EvalSymlinks(path) // a link stays a link
	if err != nil {
		return unwritable(path, err)
	}
	locked, err := lockFile(file)
	if err != nil {
		return unwritable(path, err)
	}
	defer locked.Close() // which unlocks
	text, err := readKeyFile(file)
	if err != nil {
		return unwritable(path, err)
	}
	m, err := parse("the master key file "+path, text)
	if err != nil {
		return err
	}
	keys, err := next(text, m)
	if err != nil {
		return err
	}
	if len(header)+len(keys) > maxKeyBytes {
		return sluice.Errorf(sluice.Unavailable, "the master key file %s is full", path).Fix("remove the oldest keys from its end")
	}
	return write(file, header+keys, func(temporary string) error { return os.Rename(temporary, file) })
}

// lockFile opens a key file that no other changes until it is closed. A change
// replaces the file: who waited for one that is no longer in place begins anew.
func lockFile(path string) (*os.File, error) {
	if !system.ReplacesOpen { // then a file beside it is locked, which stays
		beside := path + ".lock"
		return openLocked(beside, func() (*os.File, error) { return os.OpenFile(beside, os.O_CREATE|os.O_RDWR, 0o600) })
	}
	return openLocked(path, func() (*os.File, error) {
		f, err := os.OpenFile(path, os.O_RDWR, 0) // what is on NFS can be locked only so
		if errors.Is(err, os.ErrPermission) {
			f, err = os.Open(path)
		}
		return f, err
	})
}

// openLocked opens and locks the file of a path, again when it was replaced meanwhile.
func openLocked(path string, open func() (*os.File, error)) (*os.File, error) {
	for {
		f, err := open()
		if err != nil {
			return nil, err
		}
		current, err := lockInPlace(f, path)
		if err == nil && current {
			return f, nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

// lockInPlace locks an open file, and reports whether it is still that of its path.
func lockInPlace(f *os.File, path string) (bool, error) {
	if err := system.Lock(context.Background(), f); err != nil {
		return false, err
	}
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, there), err
}
