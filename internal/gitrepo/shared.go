package gitrepo

import (
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// The permissions that core.sharedRepository adds.
const (
	sharedGroup = 0o660
	sharedAll   = 0o664
)

// sharing reads core.sharedRepository: the permissions that files of the
// repository have in addition to those of the process, or exactly.
func sharing(value string) (perm fs.FileMode, exactly bool) {
	switch strings.ToLower(value) {
	case "", "umask", "false", "no", "off", "0":
		return 0, false
	case "group", "true", "yes", "on", "1":
		return sharedGroup, false
	case "all", "world", "everybody", "2":
		return sharedAll, false
	}
	octal, err := strconv.ParseUint(value, 8, 32)
	if err != nil || octal&0o600 != 0o600 { // git itself refuses it
		return 0, false
	}
	return fs.FileMode(octal) & 0o666, true
}

// share gives a file or directory that was made the permissions that others who
// share the repository need.
func (r *Repo) share(path string) error {
	perm, exactly := sharing(r.config["core.sharedrepository"])
	if perm == 0 {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	was := info.Mode()
	if was&0o200 == 0 {
		perm &^= 0o222 // objects are never written again
	}
	mode := was.Perm() | perm
	if exactly {
		mode = perm
	}
	if info.IsDir() {
		mode |= mode & 0o444 >> 2
		if mode&0o060 != 0 {
			mode |= fs.ModeSetgid // so that what is made in there belongs to the group
		}
	}
	if mode == was&(fs.ModePerm|fs.ModeSetgid) {
		return nil
	}
	return os.Chmod(path, mode)
}
