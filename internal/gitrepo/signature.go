package gitrepo

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Signature says who made a commit or a tag, and when.
type Signature struct {
	Name, Email string
	When        time.Time // Git keeps whole seconds and the zone
}

// latest is the last second whose year has four digits, which all formats of a
// time can hold.
const latest = 253402300799

// Clean returns the signature as Git can hold it: in one line, without angle
// brackets and control characters, with a name, and with a time from 1970 on in
// whole seconds. A signature that was read from Git is clean.
func (s Signature) Clean() Signature {
	s.Name, s.Email = forIdentity(s.Name), forIdentity(s.Email)
	if s.Name == "" {
		s.Name = s.Email
	}
	if s.Name == "" {
		s.Name = "unknown"
	}
	seconds := min(max(s.When.Unix(), 0), latest)
	s.When = time.Unix(seconds, 0).In(s.When.Location())
	return s
}

// String returns the clean signature as it stands in a commit or tag:
// "alice <alice@example.com> 1731423600 +0000".
func (s Signature) String() string {
	s = s.Clean()
	return fmt.Sprintf("%s <%s> %d %s", s.Name, s.Email, s.When.Unix(), s.When.Format("-0700"))
}

// forIdentity leaves out what would end a name or an address.
func forIdentity(text string) string {
	return oneLineText(strings.Map(func(c rune) rune {
		if c == '<' || c == '>' {
			return -1
		}
		return c
	}, text))
}

// oneLineText makes a text one line: white space is one blank each, and other
// control characters are left out.
func oneLineText(text string) string {
	visible := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && !unicode.IsSpace(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Join(strings.Fields(visible), " ")
}

// parseSignature reads the value of an author, committer or tagger header, as
// forgiving as Git: what cannot be read of the time is the year 1970.
func parseSignature(value string) Signature {
	name, rest, _ := strings.Cut(value, "<")
	email, date, _ := strings.Cut(rest, ">")
	if i := strings.LastIndexByte(rest, '>'); i >= 0 {
		date = rest[i+1:]
	}
	s := Signature{Name: forIdentity(name), Email: forIdentity(email), When: time.Unix(0, 0).UTC()}
	fields := strings.Fields(date)
	if len(fields) == 0 {
		return s
	}
	seconds, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || seconds < 0 || seconds > latest {
		return s
	}
	s.When = time.Unix(seconds, 0).UTC()
	if len(fields) > 1 {
		s.When = s.When.In(zone(fields[1]))
	}
	return s
}

// zone reads "+0130"; what it cannot read is UTC.
func zone(text string) *time.Location {
	if len(text) != 5 || text[0] != '+' && text[0] != '-' {
		return time.UTC
	}
	digits, err := strconv.ParseUint(text[1:], 10, 16)
	minutes := int(digits/100*60 + digits%100)
	if err != nil || digits%100 > 59 || minutes > 24*60-1 || minutes == 0 {
		return time.UTC
	}
	if text[0] == '-' {
		minutes = -minutes
	}
	return time.FixedZone("", minutes*60)
}
