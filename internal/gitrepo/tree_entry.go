package gitrepo

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sluice-dev/sluice"
)

// Mode is the kind of a tree's entry, in Git's own numbers.
type Mode uint32

// The modes. Others are old forms of ModeFile.
const (
	ModeTree       Mode = 0o040000
	ModeFile       Mode = 0o100644
	ModeExecutable Mode = 0o100755
	ModeLink       Mode = 0o120000 // the blob is where it points at
	ModeModule     Mode = 0o160000 // a submodule; the id is of a commit elsewhere
)

// Regular reports whether the entry is a file with content of its own.
func (m Mode) Regular() bool { return m&0o170000 == 0o100000 }

// TreeEntry is one entry of a tree object.
type TreeEntry struct {
	Name string
	Mode Mode
	ID   OID
}

// ParseTree reads the content of a tree object. [sluice.Invalid] when it is not
// one, and when a name in it would lead out of its directory or into a .git.
func (r *Repo) ParseTree(raw []byte) ([]TreeEntry, error) {
	return parseTree(raw, r.newHash().Size())
}

func parseTree(raw []byte, size int) ([]TreeEntry, error) {
	var entries []TreeEntry
	for len(raw) > 0 {
		head, rest, ok := bytes.Cut(raw, []byte{0})
		octal, name, spaced := strings.Cut(string(head), " ")
		mode, err := strconv.ParseUint(octal, 8, 24)
		if !ok || !spaced || err != nil || len(rest) < size {
			return nil, malformedTree("it is damaged after %d entries", len(entries))
		}
		if name == "" || name == "." || name == ".." || strings.Contains(name, "/") || isDotGit(name) {
			return nil, malformedTree("it has an entry called %q", name)
		}
		entries = append(entries, TreeEntry{name, Mode(mode), OID(hex.EncodeToString(rest[:size]))})
		raw = rest[size:]
	}
	return entries, nil
}

func malformedTree(format string, args ...any) error {
	return sluice.Errorf(sluice.Invalid, "a directory in the repository cannot be read: %s", fmt.Sprintf(format, args...)).
		Fix("see what `git fsck` says")
}

// Bounds on a path within a tree.
const (
	maxPath  = 4096
	maxDepth = 256
)

// CheckPath returns [sluice.Invalid] for a path that must not be in a tree: one
// that is empty or absolute, leads upwards or into a .git on any file system,
// sets up submodules, or cannot be shown.
func CheckPath(path string) error {
	refuse := func(why string) error {
		return sluice.Errorf(sluice.Invalid, "%q cannot be the path of a file in Git: %s", shortened(path), why).
			Fix("choose another path, such as components/prompts/NAME.md")
	}
	switch {
	case path == "":
		return refuse("it is empty")
	case len(path) > maxPath:
		return refuse(fmt.Sprintf("it has more than %d bytes", maxPath))
	case strings.Count(path, "/") >= maxDepth:
		return refuse(fmt.Sprintf("it is more than %d directories deep", maxDepth))
	case !utf8.ValidString(path):
		return refuse("it is not UTF-8")
	case strings.ContainsFunc(path, unicode.IsControl):
		return refuse("it has a control character")
	}
	for name := range strings.SplitSeq(path, "/") {
		switch {
		case name == "":
			return refuse("it has an empty part")
		case name == "." || name == "..":
			return refuse("it has a part " + name)
		case isDotGit(name):
			return refuse("it leads into a .git")
		case isDotGitModules(name):
			return refuse("it would set up submodules")
		}
	}
	return nil
}

// isDotGit reports whether some file system takes a name for .git: in capitals,
// with characters that macOS leaves out, or with what Windows leaves out at the
// end or calls by a short name. A backslash divides names on Windows.
func isDotGit(name string) bool { return oneOf(name, ".git", "git~1") }

func isDotGitModules(name string) bool { return oneOf(name, ".gitmodules", "gitmod~1") }

func oneOf(name string, forms ...string) bool {
	for part := range strings.SplitSeq(name, `\`) {
		part = strings.ToLower(strings.Map(func(c rune) rune {
			if ignorable(c) {
				return -1
			}
			return c
		}, part))
		part, _, _ = strings.Cut(part, ":")
		part = strings.TrimRight(part, " .")
		for _, form := range forms {
			if part == form {
				return true
			}
		}
	}
	return false
}

// ignorable are the characters that the file system of macOS leaves out.
func ignorable(c rune) bool {
	return c >= 0x200c && c <= 0x200f || c >= 0x202a && c <= 0x202e || c >= 0x206a && c <= 0x206f || c == 0xfeff
}
