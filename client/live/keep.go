package live

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// contentTag is the form of a kept content: one JSON array of files. Its name is
// the digest of the files, against which it is checked whenever it is read.
const contentTag = "sluice-content-1\n"

// contentPatience bounds how long the copy of what is live waits for contents
// that are still to be fetched.
const contentPatience = 30 * time.Second

// contentFile is where a content is kept, beside the copy of what is live.
func (c *Client) contentFile(digest sluice.Digest) string {
	return filepath.Join(c.contentDir(), strings.ReplaceAll(string(digest), ":", "-"))
}

func (c *Client) contentDir() string { return c.cfg.File + ".content" }

// wanted are the contents that run now or that a rollback of a split leads to.
func (t *table) wanted() map[contentKey]sluice.Pin {
	out := map[contentKey]sluice.Pin{}
	for name, v := range t.values {
		for _, pin := range append(v.Pins(), v.Pin) {
			if pin.Version != 0 {
				out[contentKey{name, pin.Digest}] = pin
			}
		}
	}
	return out
}

// keepContents brings the contents on disk to what is live. What is there already
// is fetched by nobody; what was live before stays while there is room, so that a
// rollback finds it.
func (c *Client) keepContents() {
	ctx, cancel := context.WithTimeout(c.ctx, contentPatience)
	defer cancel()
	wanted := c.table.Load().wanted()
	total := int64(0)
	live := map[string]bool{}
	keys := slices.SortedFunc(maps.Keys(wanted), func(a, b contentKey) int {
		return cmp.Or(cmp.Compare(a.component, b.component), cmp.Compare(a.digest, b.digest))
	})
	for _, at := range keys {
		pin := wanted[at]
		file := c.contentFile(at.digest)
		if live[file] {
			continue // two components with one content
		}
		size, err := c.keepContent(ctx, at, pin, c.cfg.ContentBytes-total)
		if err != nil {
			if code := sluice.CodeOf(err); code == sluice.Unavailable || code == sluice.TimedOut {
				c.lacking.Store(true)
			}
			if c.ctx.Err() == nil {
				c.cfg.Log.Warn("a content that is live is not kept on disk", "component", at.component, "version", pin.Version, "error", err)
			}
			continue
		}
		live[file] = true
		total += size
	}
	if err := c.sweep(live, c.cfg.ContentBytes-total); err != nil {
		c.cfg.Log.Warn("contents that are not live could not be removed", "directory", c.contentDir(), "error", err)
	}
}

// keepContent has one content on disk, and returns how large that is.
func (c *Client) keepContent(ctx context.Context, at contentKey, pin sluice.Pin, room int64) (int64, error) {
	file := c.contentFile(at.digest)
	if _, err := readContent(file, at.digest); err == nil {
		info, err := os.Stat(file)
		if err != nil {
			return 0, err
		}
		if info.Size() > room {
			return 0, c.noRoom()
		}
		return info.Size(), nil
	}
	c.mu.Lock()
	files := c.contents[at]
	c.mu.Unlock()
	if files == nil {
		var err error
		if files, err = c.fetch(ctx, at.component, pin); err != nil {
			return 0, err
		}
	}
	body, err := json.Marshal(files)
	if err != nil {
		return 0, err
	}
	size := int64(len(contentTag) + len(body))
	if size > room {
		return 0, c.noRoom()
	}
	return size, replaceFile(file, append([]byte(contentTag), body...))
}

func (c *Client) noRoom() error {
	return fmt.Errorf("the contents that are live are larger than %d bytes together", c.cfg.ContentBytes)
}

// readContent reads a kept content, and checks that it is what its name says.
func readContent(file string, digest sluice.Digest) ([]sluice.File, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	body, ok := bytes.CutPrefix(text, []byte(contentTag))
	if !ok {
		return nil, errors.New("it does not begin as a kept content does")
	}
	var files []sluice.File
	if err := json.Unmarshal(body, &files); err != nil {
		return nil, errors.New("it is not JSON")
	}
	_, has, err := sluice.CheckFiles(files)
	if err != nil {
		return nil, err
	}
	if has != digest {
		return nil, fmt.Errorf("its files have the digest %s", has.Short())
	}
	return files, nil
}

// kept returns a content from disk. Damage is told and the file counts as missing,
// so that it is fetched anew where the server can be heard.
func (c *Client) kept(digest sluice.Digest) []sluice.File {
	if c.cfg.File == "" {
		return nil
	}
	files, err := readContent(c.contentFile(digest), digest)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.cfg.Log.Warn("a content in the copy of what was live is damaged", "file", c.contentFile(digest), "error", err)
	}
	if err != nil {
		return nil
	}
	return files
}

// sweep removes contents that are not live, the oldest first, until they fit.
func (c *Client) sweep(live map[string]bool, room int64) error {
	entries, err := os.ReadDir(c.contentDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var others []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && !live[filepath.Join(c.contentDir(), entry.Name())] {
			others = append(others, info)
		}
	}
	slices.SortFunc(others, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	var errs []error
	for _, info := range others {
		if room -= info.Size(); room < 0 || strings.Contains(info.Name(), temporary) {
			errs = append(errs, os.Remove(filepath.Join(c.contentDir(), info.Name())))
		}
	}
	return errors.Join(errs...)
}
