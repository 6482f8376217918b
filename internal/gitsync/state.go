package gitsync

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// What is kept beside the repository spares questions to Git: it says where each
// environment's history ends, and what its last commit holds. All of it can be
// read from the refs again, and is, when they are not what it says.

// cursor says how far the ledger has been written to the repository.
type cursor struct {
	Ledger string `json:"ledger"`
	Epoch  int64  `json:"epoch"`
}

// branch is the end of one environment's history.
type branch struct {
	Name    string                 `json:"name"`
	Display string                 `json:"display"` // as its refs are named
	Commit  gitrepo.OID            `json:"commit"`  // "" before the first
	Release int64                  `json:"release"` // here, of that commit
	Files   map[string]gitrepo.OID `json:"files"`   // blobs of its tree, without the manifest
	Tags    map[string]gitrepo.OID `json:"tags"`    // the environment's tag of each component
	Numbers map[sluice.Slot]under  `json:"numbers"`

	lines *Lines
	head  EnvironmentHead
	root  sluice.Digest
	dirty bool
	// stale says that Commit was recorded from elsewhere, and that the rest is of a
	// commit before it.
	stale bool
}

// under is where a slot stands in the numbers of the releases here.
type under struct {
	Since   int64       `json:"since"`
	SinceAt sluice.Time `json:"since_at,omitzero"` // when that release was made
	Under   int64       `json:"under,omitempty"`
	UnderAt sluice.Time `json:"under_at,omitzero"`
}

func (b *Bridge) statePath(ledger string, more ...string) string {
	return filepath.Join(append([]string{b.repo.StateDir(), ledger}, more...)...)
}

// loadCursor reads how far the ledger was written; zero when that is not known.
func (b *Bridge) loadCursor(ledger string) (cursor, error) {
	c := cursor{Ledger: ledger}
	_, err := readJSON(b.statePath(ledger, "cursor.json"), &c)
	if c.Ledger != ledger {
		c = cursor{Ledger: ledger}
	}
	return c, err
}

func (b *Bridge) saveCursor(c cursor) error {
	return writeJSON(b.statePath(c.Ledger, "cursor.json"), c)
}

// loadBranch reads the end of an environment's history; not found when it is not
// kept, or cannot be used. It is one file: a line of JSON, and the manifest.
func (b *Bridge) loadBranch(ledger, name string) (*branch, bool, error) {
	text, err := os.ReadFile(b.branchPath(ledger, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, unreadable(err)
	}
	at := &branch{}
	line, manifest, _ := bytes.Cut(text, []byte{'\n'})
	if json.Unmarshal(line, at) != nil || at.Name != name {
		return nil, false, nil // it is made again
	}
	if at.lines, err = LinesOf(manifest); err != nil {
		return nil, false, nil
	}
	if at.head, at.root, err = HeadOf(manifest); err != nil {
		return nil, false, nil
	}
	return at, true, nil
}

func (b *Bridge) saveBranch(ledger string, at *branch) error {
	line, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return writeFile(b.branchPath(ledger, at.Name), append(append(line, '\n'), at.manifest()...))
}

func (b *Bridge) branchPath(ledger, name string) string {
	return b.statePath(ledger, "environments", sluice.FoldName(name))
}

// manifest is the text of the branch's last commit.
func (at *branch) manifest() []byte { return at.lines.Encode(at.head, at.root) }

// forget drops what is kept of an environment.
func (b *Bridge) forget(ledger, name string) error {
	err := os.Remove(b.branchPath(ledger, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func readJSON(path string, into any) (found bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, unreadable(err)
	}
	// What a crash cut off counts as not kept.
	return json.Unmarshal(text, into) == nil, nil
}

func writeJSON(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFile(path, text)
}

// writeFile puts a file in the place of another at once.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return unwritable(filepath.Dir(path), err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return unwritable(path, err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	if _, err = f.Write(content); err == nil {
		err = f.Close()
	} else {
		f.Close()
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return unwritable(path, err)
	}
	return nil
}

func unreadable(err error) error {
	return sluice.Errorf(sluice.Unavailable, "cannot read what Sluice keeps beside the repository: %w", err).Fix("make it readable for you; it may be removed, and is then made again")
}
