package gitsync

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

const (
	maxVersion   = 1<<31 - 1 // the highest number of a version
	maxPathBytes = 1_024     // a path in the repository
	maxLineBytes = 64 << 10  // the line of a slot
)

// Check checks that the slot may hold what the line says. [ParseManifest] has done so.
func (l SlotLine) Check() error {
	if _, err := sluice.ParseSlot(string(l.Slot)); err != nil {
		return err
	}
	name, component := clip(string(l.Slot)), l.Slot.Component() != ""
	if l.Value.IsZero() && l.Under.IsZero() {
		return sluice.Errorf(sluice.Invalid, "%s holds nothing", name)
	}
	for _, v := range []sluice.Value{l.Value, l.Under} {
		if err := checkValue(v); err != nil {
			return sluice.Errorf(sluice.Invalid, "%s: %w", name, err)
		}
		if component && v.Sealed != (sluice.Sealed{}) || !component && (v.Version > 0 || len(v.Split) > 0) {
			return sluice.Errorf(sluice.Invalid, "%s cannot hold %q", name, clip(v.Encode()))
		}
	}
	if l.UnderSince < 0 || l.UnderSince != 0 && l.Under.IsZero() {
		return sluice.Errorf(sluice.Invalid, "%s: nothing lies under it, and it says since when", name)
	}
	if len(l.Under.Split) > 0 || l.Under.None {
		return sluice.Errorf(sluice.Invalid, "%s: what lies under it is not settled", name)
	}
	if l.Origin != "" {
		if err := sluice.CheckWord("environment", l.Origin); err != nil {
			return sluice.Errorf(sluice.Invalid, "%s: %w", name, err)
		}
	}
	if !component && (l.Kind != "" || l.Path != "" || l.Commit != "") {
		return sluice.Errorf(sluice.Invalid, "%s is a variable: it has no kind, path or commit", name)
	}
	if err := checkPlace(l.Kind, l.Path); err != nil {
		return sluice.Errorf(sluice.Invalid, "%s: %w", name, err)
	}
	if l.Commit != "" && !isHex(string(l.Commit), 40) && !isHex(string(l.Commit), 64) {
		return sluice.Errorf(sluice.Invalid, "%s: commit %q is not 40 or 64 hex digits", name, clip(string(l.Commit)))
	}
	return nil
}

// checkValue checks a value by itself; absent is one.
func checkValue(v sluice.Value) error {
	if again, err := sluice.DecodeValue(v.Encode()); err != nil || !again.Equal(v) {
		return sluice.Errorf(sluice.Invalid, "%q is several values at once", clip(v.Encode()))
	}
	if len(v.Split) > 0 {
		// Their order is that of where the split was made, whose numbers these need not
		// be: by it each key gets the same version everywhere.
		if _, err := sluice.Allocate(v.Pin, v.Split); err != nil {
			return err
		}
		if v.Version == 0 {
			return sluice.Errorf(sluice.Invalid, "the version that the split started from is missing")
		}
	}
	if v.Sealed != (sluice.Sealed{}) && !v.Stub && !v.Hidden && !isHex(v.Fingerprint, 32) {
		return sluice.Errorf(sluice.Invalid, "fingerprint %q is not 32 hex digits", clip(v.Fingerprint))
	}
	pins := v.Pins()
	if v.Pin != (sluice.Pin{}) {
		pins = append(pins, v.Pin)
	}
	for _, p := range pins {
		if err := checkPin(p); err != nil {
			return err
		}
	}
	return nil
}

func checkPin(p sluice.Pin) error {
	if p.Version < 1 || p.Version > maxVersion {
		return sluice.Errorf(sluice.Invalid, "version number %d is out of range", p.Version)
	}
	if !isDigest(string(p.Digest)) {
		return sluice.Errorf(sluice.Invalid, "the digest %q of version %d is not \"sha256:\" and 64 hex digits", clip(string(p.Digest)), p.Version)
	}
	if p.Label == "" {
		return nil
	}
	label, err := sluice.ParseLabel(string(p.Label))
	if err == nil && label != p.Label {
		err = sluice.Errorf(sluice.Invalid, "the label %q lacks its v", clip(string(p.Label)))
	}
	return err
}

// checkPlace checks the kind of a component and its path in a tree, where they are
// given. A directory's path ends with a slash.
func checkPlace(kind, path string) error {
	if kind != "" {
		if err := sluice.CheckName("kind", kind); err != nil {
			return err
		}
	}
	if path == "" {
		return nil
	}
	clean := strings.TrimSuffix(path, "/")
	own := slices.ContainsFunc(strings.Split(clean, "/"), func(part string) bool { return strings.EqualFold(part, ".git") })
	if len(path) > maxPathBytes || !fs.ValidPath(clean) || clean == "." || strings.ContainsAny(clean, "\\\x00\r\n") || own {
		return sluice.Errorf(sluice.Invalid, "path %q does not stay inside the repository's tree", clip(path))
	}
	return nil
}

// check checks the settings of an environment by themselves.
func (e EnvironmentHead) check() error {
	err := sluice.CheckEnvironment(sluice.Environment{
		Name: e.Name, Alias: e.Alias, Parent: e.Parent, Tracks: e.Tracks, PromotesFrom: e.PromotesFrom,
	})
	if err != nil {
		return err
	}
	for i, name := range append([]string{e.Parent}, e.PromotesFrom...) {
		if err := sluice.CheckWord("environment", name); err != nil && (i > 0 || name != "") {
			return err
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(e.PromotesFrom)))) < len(e.PromotesFrom) {
		return sluice.Errorf(sluice.Invalid, "environment %s promotes from one environment twice", e.Name)
	}
	return nil
}

func isDigest(s string) bool {
	digits, ok := strings.CutPrefix(s, "sha256:")
	return ok && isHex(digits, 64)
}

// isHex reports whether a text is so many hex digits in lower case.
func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}
