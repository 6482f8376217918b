package gitsync

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

const (
	maxMessageBytes = 16 << 20 // what is read of a tag or a commit
	maxSubjectBytes = 2_048
)

// plain reports whether Git shows and keeps every line of a text as it is.
func plain(s string) bool {
	if s == "" || s[0] == '"' || !utf8.ValidString(s) {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if line != strings.Trim(line, " ") || strings.ContainsFunc(line, hidden) {
			return false
		}
	}
	return true
}

// hidden reports whether a character does not show, or may make others show
// differently. The two that join emoji and letters of some scripts do no harm.
func hidden(r rune) bool {
	return !strconv.IsPrint(r) && r != '\u200c' && r != '\u200d'
}

// clip shortens outside text for an error message.
func clip(s string) string { return clipTo(s, 120) }

// clipTo keeps so many bytes of a text, and no half of a character.
func clipTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// storable is as much of a text from elsewhere as [sluice.CheckText] lets in.
func storable(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if sluice.CheckText("", string(r), most) != nil {
			return -1
		}
		return r
	}, clipTo(strings.ToValidUTF8(strings.TrimSpace(s), ""), most-len("…")))
	return strings.TrimSpace(s)
}

// trailerLike are lines that somebody might take for a trailer.
var trailerLike = regexp.MustCompile(`^[A-Za-z0-9-]+\s*:`)

// paragraph reports whether a text can stand in a message as it is: without a line
// that Git or a hasty reader could take for something else.
func paragraph(s string) bool {
	if !plain(s) || strings.HasPrefix(s, "\n") || strings.HasSuffix(s, "\n") || strings.Contains(s, "\n\n\n") {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if strings.HasPrefix(line, "---") || strings.HasPrefix(line, "#") || trailerLike.MatchString(line) {
			return false
		}
	}
	return true
}

// trailers are what stands at the end of a message, by their names. Those that
// Sluice does not know may stand there too.
type trailers map[string]string

// known are the names that Sluice gives a meaning.
var known = []string{
	"Path", "Kind", "Version", "Digest", "Note", "Entry", "Time", "Release", "Reason", "Ticket", "Action", "Root", "Cause", "Source", "Actor",
	"Unchecked",
}

// readMessage reads a message and its trailers. One that Sluice knows must not be
// there twice: nobody could say which holds.
func readMessage(message string) (gitrepo.Message, trailers, error) {
	if len(message) > maxMessageBytes {
		return gitrepo.Message{}, nil, sluice.Errorf(sluice.LimitExceeded, "a message has %d bytes; the limit is %d", len(message), maxMessageBytes)
	}
	m, out := gitrepo.ParseMessage(message), trailers{}
	for _, t := range m.Trailers {
		for _, name := range known {
			if !strings.EqualFold(t.Key, name) {
				continue
			}
			if _, twice := out[name]; twice {
				return m, nil, sluice.Errorf(sluice.Invalid, "the trailer %s is there twice", name)
			}
			out[name] = t.Value
		}
	}
	return m, out, nil
}

// entry reads where something stands in the ledger that it is from, and when it
// happened there.
func (t trailers) entry() (at sluice.Position, when sluice.Time, err error) {
	at, err = sluice.ParsePosition(t["Entry"])
	if err != nil || at.Ledger == "" || sluice.CheckName("ledger", at.Ledger) != nil || at.String() != t["Entry"] {
		return at, 0, sluice.Errorf(sluice.Invalid, "Entry %q is not <ledger id>-<epoch>", clip(t["Entry"]))
	}
	if err := when.UnmarshalText([]byte(t["Time"])); err != nil || when.IsZero() {
		return at, 0, sluice.Errorf(sluice.Invalid, "Time %q is not a time", clip(t["Time"]))
	}
	return at, when, nil
}

// release reads the release of an environment: production#42.
func (t trailers) release() (environment string, number int64, err error) {
	environment, digits, _ := strings.Cut(t["Release"], "#")
	number, err = strconv.ParseInt(digits, 10, 64)
	if err != nil || number < 1 || sluice.CheckWord("environment", environment) != nil || strconv.FormatInt(number, 10) != digits {
		return "", 0, sluice.Errorf(sluice.Invalid, "Release %q is not <environment>#<number>", clip(t["Release"]))
	}
	return environment, number, nil
}

// digest reads a trailer that is a digest.
func (t trailers) digest(name string) (sluice.Digest, error) {
	if !isDigest(t[name]) {
		return "", sluice.Errorf(sluice.Invalid, "%s %q is not \"sha256:\" and 64 hex digits", name, clip(t[name]))
	}
	return sluice.Digest(t[name]), nil
}
