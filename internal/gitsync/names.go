package gitsync

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// Where Sluice's refs are. Each ends with a slash.
const (
	TagsPrefix         = "refs/tags/components/"
	EnvironmentsPrefix = "refs/sluice/environments/"
	VersionsPrefix     = "refs/sluice/versions/"
	SupersededPrefix   = "refs/sluice/superseded/"
	RemotesPrefix      = "refs/sluice/remotes/"
)

// VersionTag is the tag of a labelled version: refs/tags/components/NAME/LABEL.
// [Taggable] says which labels can have one.
func VersionTag(name string, label sluice.Label) string {
	return TagsPrefix + name + "/" + string(label)
}

// Taggable reports whether a version with this label has a tag. One without a label
// has none, nor one whose label ends with .lock, which no ref may: both stand
// under [VersionRef].
func Taggable(label sluice.Label) bool {
	return label != "" && !strings.HasSuffix(string(label), ".lock")
}

// EnvironmentTag is the tag that points at what is live of a component in an
// environment: refs/tags/components/NAME/DISPLAY. Display is as
// [sluice.Environment.Display] gives it.
func EnvironmentTag(name, display string) string { return TagsPrefix + name + "/" + display }

// VersionRef holds a version that has no tag: refs/sluice/versions/NAME/ and the
// first 16 hex digits of its digest, since two clones may give one number twice.
func VersionRef(name string, digest sluice.Digest) string {
	hex := strings.TrimPrefix(string(digest), "sha256:")
	return VersionsPrefix + name + "/" + hex[:min(16, len(hex))]
}

// ParseVersionRef reads what [VersionRef] makes. It is not ok for other refs.
func ParseVersionRef(ref string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(ref, VersionsPrefix)
	name, digits, cut := strings.Cut(rest, "/")
	ok = ok && cut && sluice.CheckName("component", name) == nil && len(digits) == 16 && strings.Trim(digits, "0123456789abcdef") == ""
	return name, ok
}

// EnvironmentRef is the history of an environment: refs/sluice/environments/DISPLAY.
func EnvironmentRef(display string) string { return EnvironmentsPrefix + display }

// ParseEnvironmentRef reads what [EnvironmentRef] makes. It is not ok for other refs.
func ParseEnvironmentRef(ref string) (display string, ok bool) {
	display, ok = strings.CutPrefix(ref, EnvironmentsPrefix)
	if !ok || sluice.CheckWord("environment", display) != nil {
		return "", false
	}
	return display, true
}

// SupersededRef keeps the commit of a release that another took the place of:
// refs/sluice/superseded/DISPLAY/ and the first 12 hex digits of its id.
func SupersededRef(display string, commit gitrepo.OID) string {
	return SupersededPrefix + display + "/" + commit.Short()
}

// RemoteRef is where what a remote has under a ref is remembered:
// refs/tags/components/x/prod of origin is refs/sluice/remotes/origin/tags/components/x/prod.
// It is not ok for refs that are not exchanged.
func RemoteRef(remote gitrepo.Remote, ref string) (tracking string, ok bool) {
	for _, prefix := range exchanged {
		if rest, found := strings.CutPrefix(ref, prefix); found && rest != "" {
			return RemotePrefix(remote) + shorten(prefix) + rest, true
		}
	}
	return "", false
}

// LocalRef is the way back from [RemoteRef]. It is not ok for refs of other remotes.
func LocalRef(remote gitrepo.Remote, tracking string) (ref string, ok bool) {
	short, ok := strings.CutPrefix(tracking, RemotePrefix(remote))
	if !ok {
		return "", false
	}
	for _, prefix := range exchanged {
		if rest, found := strings.CutPrefix(short, shorten(prefix)); found && rest != "" {
			return prefix + rest, true
		}
	}
	return "", false
}

// RemotePrefix begins the names of all refs that [RemoteRef] makes for a remote.
// A remote that is given by its address, or whose name is more than one part of a
// ref, stands there under a hash of it.
func RemotePrefix(remote gitrepo.Remote) string {
	name := string(remote)
	if sluice.CheckName("remote", name) != nil {
		sum := sha256.Sum256([]byte(name))
		name = "at-" + hex.EncodeToString(sum[:8])
	}
	return RemotesPrefix + name + "/"
}

// FetchSpecs are the refspecs that bring everything which is exchanged with a
// remote to where [RemoteRef] says, whatever was there before.
func FetchSpecs(remote gitrepo.Remote) []string {
	specs := make([]string, len(exchanged))
	for i, prefix := range exchanged {
		specs[i] = "+" + prefix + "*:" + RemotePrefix(remote) + shorten(prefix) + "*"
	}
	return specs
}

// exchanged are the refs that clones give each other.
var exchanged = []string{TagsPrefix, EnvironmentsPrefix, VersionsPrefix, SupersededPrefix}

// shorten is a ref without the part that all of its sort have.
func shorten(ref string) string {
	return strings.TrimPrefix(strings.TrimPrefix(ref, "refs/sluice/"), "refs/")
}
