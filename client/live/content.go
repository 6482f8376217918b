package live

import (
	"context"
	"strconv"

	"github.com/sluice-dev/sluice"
)

// maxContents is how many versions' files are kept before those that are not
// live any more are forgotten.
const maxContents = 64

type contentKey struct {
	component string
	digest    sluice.Digest
}

// Content returns the files of the version that a key gets: from memory, from the
// copy on disk, or from the server, checked against the version's digest. What is
// live is in the copy, so that it can be read while the server is away. The files are shared: nobody
// may change them. NotFound when nothing is live or the content was purged.
func (c *Client) Content(ctx context.Context, component, key string) ([]sluice.File, sluice.Pin, error) {
	pin, ok := c.Resolve(component, key)
	if !ok {
		return nil, pin, sluice.Errorf(sluice.NotFound, "nothing of %s is live in %s", component, c.cfg.Environment)
	}
	at := contentKey{component, pin.Digest}
	c.mu.Lock()
	files := c.contents[at]
	c.mu.Unlock()
	if files != nil {
		return files, pin, nil
	}
	if files = c.kept(pin.Digest); files == nil {
		var err error
		if files, err = c.fetch(ctx, component, pin); err != nil {
			return nil, pin, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.contents) >= maxContents {
		c.forget()
	}
	c.contents[at] = files
	return files, pin, nil
}

func (c *Client) fetch(ctx context.Context, component string, pin sluice.Pin) ([]sluice.File, error) {
	number := strconv.Itoa(pin.Version)
	v, err := c.cfg.Services.Version(ctx, component, number)
	if err != nil {
		return nil, err
	}
	files := make([]sluice.File, len(v.Files))
	for i, info := range v.Files {
		if files[i], err = c.cfg.Services.File(ctx, component, number, info.Path); err != nil {
			return nil, err
		}
	}
	_, digest, err := sluice.CheckFiles(files)
	if err != nil {
		return nil, err
	}
	if digest != pin.Digest {
		return nil, sluice.Errorf(sluice.Internal, "the files of %s@%s have digest %s, not %s", component, number, digest.Short(), pin.Digest.Short())
	}
	return files, nil
}

// forget drops what is not live. The caller holds mu.
func (c *Client) forget() {
	live := map[contentKey]bool{}
	for name, v := range c.table.Load().values {
		for _, pin := range v.Pins() {
			live[contentKey{name, pin.Digest}] = true
		}
	}
	for at := range c.contents {
		if !live[at] {
			delete(c.contents, at)
		}
	}
}
