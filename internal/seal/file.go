package seal

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
)

// header says what a key file is, to who finds it.
const header = `# Sluice master key. Whoever has it and the database can read every secret;
# without it nobody can. Keep a copy apart from the backups.
`

// readFile reads a key file; a missing one is made when that is asked for.
func readFile(cfg Config) (*Master, error) {
	text, err := readKeyFile(cfg.File)
	if errors.Is(err, fs.ErrNotExist) && cfg.Make {
		if err := makeFile(cfg.File); err != nil {
			return nil, err
		}
		text, err = readKeyFile(cfg.File)
	}
	var known *sluice.Error
	switch {
	case errors.As(err, &known):
		return nil, err
	case errors.Is(err, fs.ErrNotExist):
		return nil, sluice.Errorf(sluice.Unavailable, "the master key file %s is missing", cfg.File).
			Fix("restore it from where it is kept; without it what is sealed cannot be read")
	case err != nil:
		return nil, sluice.Errorf(sluice.Unavailable, "the master key file %s cannot be read: %w", cfg.File, reason(err)).
			Fix("check its owner and mode: `ls -l %s`", cfg.File)
	}
	return parse("the master key file "+cfg.File, text)
}

func readKeyFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.Mode().IsRegular() && info.Mode()&0o077 != 0 {
		return "", sluice.Errorf(sluice.Unavailable, "the master key file %s can be read by others (mode %04o)", path, info.Mode().Perm()).Fix("close it: `chmod 600 %s`", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyBytes+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxKeyBytes {
		return "", sluice.Errorf(sluice.Unavailable, "%s is too large to be a master key file", path).Fix("name the right file")
	}
	return string(b), nil
}

// reason is an error without the path, which the sentence has.
func reason(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Err
	}
	return err
}

// makeFile makes a key file unless there is one; of several that try at once, one
// does.
func makeFile(path string) error {
	key, err := NewIdentity()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return unwritable(path, err)
	}
	return write(path, header+key+"\n", func(temporary string) error {
		if err := os.Link(temporary, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return placeUnlinked(temporary, path)
		}
		return os.Remove(temporary)
	})
}

// placeUnlinked puts a file in place, unless there is one, where the file system
// has no hard links. A lock keeps off others that do the same. It is that of a file:
// the directory's own is held by the server whose data is in it.
func placeUnlinked(temporary, path string) error {
	placing := path + ".placing"
	f, err := openLocked(placing, func() (*os.File, error) { return os.OpenFile(placing, os.O_CREATE|os.O_RDWR, 0o600) })
	if err != nil {
		return err
	}
	defer f.Close() // which unlocks
	defer os.Remove(placing)
	if _, err := os.Lstat(path); err == nil {
		return os.Remove(temporary)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(temporary, path)
}

// write writes a text to a temporary file for its owner alone, on disk, and has
// it put in place.
func write(path, text string, place func(temporary string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return unwritable(path, err)
	}
	defer os.Remove(f.Name()) // which is gone when all went well
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = place(f.Name())
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return unwritable(path, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func unwritable(path string, err error) error {
	var known *sluice.Error
	if errors.As(err, &known) {
		return err
	}
	return sluice.Errorf(sluice.Unavailable, "the master key file %s cannot be written: %w", path, reason(err)).
		Fix("make its directory writable, or name another with SLUICE_MASTER_KEY_FILE")
}
