package sluice

import (
	"fmt"
	"regexp"
	"strings"
)

// Limits on what one organization may store. They are checked where a value
// enters, so nothing that is stored can be too large to read back.
const (
	MaxFiles        = 64       // files of one version
	MaxFileBytes    = 1 << 20  // one file of a version
	MaxVersionBytes = 4 << 20  // all files of a version
	MaxPathBytes    = 512      // the path of a file
	MaxChanges      = 10_000   // changes in one change set
	MaxShares       = 16       // versions in one split
	MaxNoteBytes    = 4_096    // a note, reason or description
	MaxTicketBytes  = 256      // a ticket
	MaxKeyBytes     = 256      // an idempotency key, a sticky key
	MaxValueBytes   = 64 << 10 // the value of a variable
	MaxVariables    = 1_000    // an environment's own keys, and an overlay's
	MaxTags         = 64       // tags of a component
	MaxTagBytes     = 128      // one tag
	MaxPage         = 1_000    // items in one page of a list
	MaxPageBytes    = 4 << 20  // of the items of a page, unless its one item has more
	DefaultPage     = 200      // items in a page when not asked
)

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// CheckName checks the name of a component, environment, alias, kind or version
// against the one form of names. What says which, for the message.
func CheckName(what, s string) error {
	if name, _, found := strings.Cut(s, "@"); found && nameForm.MatchString(name) {
		return Errorf(Invalid, "%s %q is not a valid name", what, clip(s)).Fix("leave out the @ and what follows: %s", name)
	}
	if name, _, found := strings.Cut(s, "#"); found && nameForm.MatchString(name) {
		return Errorf(Invalid, "%s %q is not a valid name: it names a release", what, clip(s)).Fix("leave out the # and what follows: %s", name)
	}
	if !nameForm.MatchString(s) {
		return Errorf(Invalid, "%s %q is not a valid name", what, clip(s)).
			Fix("use 1 to 128 letters, digits, dots, dashes and underscores, starting with a letter or digit")
	}
	if strings.Contains(s, "..") || strings.HasSuffix(s, ".") || strings.HasSuffix(strings.ToLower(s), ".lock") {
		return Errorf(Invalid, "%s %q cannot be part of a Git ref", what, s).
			Fix(`avoid "..", a dot at the end and the ending ".lock"`)
	}
	return nil
}

// CheckWord checks a name that stands after an @ (a version's name, an
// environment or an alias): it may not look like a number, a label, a digest or
// "latest", since the form of a reference decides what it means.
func CheckWord(what, s string) error {
	if err := CheckName(what, s); err != nil {
		return err
	}
	if k := formOf(s); k != refWord {
		return Errorf(Invalid, "%s %q reads as a %s", what, s, k).
			Fix("choose a word that is not a number, a semantic version, a digest or \"latest\"")
	}
	return nil
}

// FoldName is the key under which names are unique: they are so ignoring case.
func FoldName(s string) string { return strings.ToLower(s) }

// Suggest returns the candidate within edit distance 2 of name, or "". In a
// short name each letter weighs more, so the distance is 1.
func Suggest(name string, candidates []string) string {
	best, at := "", 3
	if len(name) < 4 {
		at = 2
	}
	for _, c := range candidates {
		if d := distance(FoldName(name), FoldName(c)); d > 0 && d < at && d < max(2, len(name)) {
			best, at = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short ASCII names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// Listing joins names for a sentence, at most limit of them.
func Listing(names []string, limit int) string {
	if len(names) <= limit {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:limit], ", "), len(names)-limit)
}
