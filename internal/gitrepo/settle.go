package gitrepo

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/sluice-dev/sluice"
)

// settlers is how many files are brought to disk at once: a file system does
// many in about the time of one.
const settlers = 16

// unsettled are the files of objects that may not be on disk yet. Git by itself
// does not wait for the disk with loose objects, and after a power cut refs may
// point at empty files; here they are waited for, all together, before a ref is
// moved.
type unsettled struct {
	mu    sync.Mutex
	paths []string
}

func (u *unsettled) add(path string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.paths = append(u.paths, path)
}

func (u *unsettled) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	paths := u.paths
	u.paths = nil
	return paths
}

// settle waits until all objects that were put are on disk, unless core.fsync
// says not to.
func (r *Repo) settle() error {
	paths := r.unsettled.take()
	if !wantsSync(r.config["core.fsync"]) {
		return nil
	}
	work := make(chan string)
	failed := make(chan error, settlers)
	var all sync.WaitGroup
	for range min(settlers, len(paths)) {
		all.Go(func() {
			for path := range work {
				if err := syncFile(path); err != nil {
					r.unsettled.add(path)
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for _, path := range paths {
		work <- path
	}
	close(work)
	all.Wait()
	select {
	case err := <-failed:
		return sluice.Errorf(sluice.Unavailable, "objects cannot be brought to disk: %w", err).Fix("see that the disk has room and is healthy")
	default:
		return nil
	}
}

// wantsSync reads core.fsync: whether loose objects are to be on disk. What is
// not said is wanted.
func wantsSync(value string) bool {
	wants := true
	for part := range strings.SplitSeq(value, ",") {
		part = strings.TrimSpace(part)
		name, off := strings.CutPrefix(part, "-")
		switch name {
		case "none":
			wants = false
		case "loose-object", "objects", "committed", "added", "all":
			wants = !off
		}
	}
	return wants
}

// syncFile waits until a file is on disk. One that git has packed meanwhile is
// the business of git.
func syncFile(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = file.Sync()
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
