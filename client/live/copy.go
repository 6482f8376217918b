package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-dev/sluice"
)

// copyTag starts the first line of the copy on disk; the digest of what follows
// that line is the rest of it.
const copyTag = "sluice-live-1 "

// saved is the copy on disk after its first line.
type saved struct {
	Environment string          `json:"environment"` // as the program named it
	Event       string          `json:"event"`
	Confirmed   sluice.Time     `json:"confirmed"`
	Manifest    sluice.Manifest `json:"manifest"`
}

// restore starts from the copy on disk, if there is one that can be trusted.
func (c *Client) restore() {
	if c.cfg.File == "" {
		return
	}
	s, err := readCopy(c.cfg.File, c.cfg.Environment)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		c.cfg.Log.Warn("the copy of what was live is of no use", "file", c.cfg.File, "error", err)
		return
	}
	c.confirmed.Store(s.Confirmed.Std().UnixNano())
	c.install(&s.Manifest, s.Event)
}

func readCopy(file, environment string) (saved, error) {
	var s saved
	content, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	head, body, _ := bytes.Cut(content, []byte("\n"))
	if string(head) != copyTag+string(sluice.DigestBytes(body)) {
		return s, errors.New("its checksum does not hold")
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return s, err
	}
	if s.Environment != environment {
		return s, fmt.Errorf("it is of environment %s", s.Environment)
	}
	return s, nil
}

// keep writes the copy whenever the state moved, once for changes that come
// close together, and a last time at the end.
func (c *Client) keep() {
	for {
		select {
		case <-c.dirty:
		case <-c.ctx.Done():
			select {
			case <-c.dirty:
				c.write()
			default:
			}
			return
		}
		select {
		case <-time.After(c.cfg.Settle):
		case <-c.ctx.Done():
		}
		select {
		case <-c.dirty:
		default:
		}
		c.write()
	}
}

// write keeps the contents first, so that a copy names what is there with it.
func (c *Client) write() {
	c.keepContents()
	t := c.table.Load()
	s := saved{Environment: c.cfg.Environment, Event: t.id, Confirmed: sluice.TimeOf(c.Since()), Manifest: *t.manifest}
	if err := writeCopy(c.cfg.File, s); err != nil {
		c.cfg.Log.Warn("what is live could not be kept on disk", "file", c.cfg.File, "error", err)
	}
}

// writeCopy replaces the file at once, so that whoever reads it finds the old
// or the new state whole, also after a loss of power.
func writeCopy(file string, s saved) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return replaceFile(file, append([]byte(copyTag+string(sluice.DigestBytes(body))+"\n"), body...))
}

// temporary is in the names of files that are not whole yet.
const temporary = ".new-"

// replaceFile writes a file whole, on disk, and gives it its name then.
func replaceFile(file string, content []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+temporary+"*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name()) // the first error says what went wrong
		}
	}()
	_, err = temp.Write(content)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}
