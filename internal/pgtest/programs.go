package pgtest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// places are where packages put PostgreSQL's programs when they keep them off
// the search path: Debian and its kin, Red Hat and its kin, Homebrew.
var places = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
}

var errNoPrograms = errors.New("pgtest: no PostgreSQL on this machine: its tests need the programs postgres, initdb and pg_ctl; " +
	"run `make test` or scripts/setup-tests.sh, which install them")

// findPrograms returns the directory of PostgreSQL's programs: the one on the
// search path, else the newest that a package installed.
func findPrograms() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		// The search path may hold a link to postgres alone.
		if real, err := filepath.EvalSymlinks(path); err == nil && complete(filepath.Dir(real)) {
			return filepath.Dir(real), nil
		}
	}
	for _, place := range places {
		found, err := filepath.Glob(place)
		if err != nil {
			return "", fmt.Errorf("pgtest: %s: %w", place, err)
		}
		found = slices.DeleteFunc(found, func(dir string) bool { return !complete(dir) })
		if len(found) > 0 {
			return slices.MaxFunc(found, byVersion), nil
		}
	}
	return "", errNoPrograms
}

func complete(dir string) bool {
	for _, program := range []string{"postgres", "initdb", "pg_ctl"} {
		if info, err := os.Stat(filepath.Join(dir, program)); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}

// byVersion compares directories by the number in them, so that 15 is newer
// than 9.
func byVersion(a, b string) int { return cmp.Compare(version(a), version(b)) }

func version(dir string) int {
	digits := make([]byte, 0, 2)
	for i := range len(dir) {
		if dir[i] >= '0' && dir[i] <= '9' {
			digits = append(digits, dir[i])
		} else if len(digits) > 0 {
			break
		}
	}
	n, _ := strconv.Atoi(string(digits)) // no number sorts first
	return n
}

// unprivileged returns the user to run PostgreSQL as when the tests run as
// root, whom PostgreSQL refuses to serve; nil means the tests' own user.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("pgtest: user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("pgtest: user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("pgtest: PostgreSQL does not run as root, and there is no user postgres or nobody: run the tests as another user")
}
