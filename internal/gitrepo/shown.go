package gitrepo

import (
	"strings"
	"unicode"
)

// Remote is the name or the address of a remote. Printed in any way, it is without
// what may give access; only the processes of git get the string itself.
type Remote string

// String returns the remote as it may be shown.
func (r Remote) String() string { return hideAccess(string(r)) }

// GoString returns the remote as it may be shown.
func (r Remote) GoString() string { return r.String() }

// MarshalText returns the remote as it may be shown.
func (r Remote) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Shown returns a text, such as what git says of a remote, with every address in it
// as it may be shown: without user, password, query and fragment. Hosts take
// tokens in each of them. Whatever git or Sluice says of a remote passes here.
func Shown(text string) string {
	var out strings.Builder
	for {
		at := strings.Index(text, "://")
		if at < 0 {
			out.WriteString(text)
			return out.String()
		}
		end := at + len("://")
		end += addressEnd(text[end:])
		out.WriteString(hideAccess(text[:end]))
		text = text[end:]
	}
}

// addressEnd is where an address that stands in a text ends. A quote may be a part
// of one, and ends it only where no more of it follows.
func addressEnd(text string) int {
	for i, c := range text {
		rest := text[i:]
		switch {
		case unicode.IsSpace(c), unicode.IsControl(c), strings.ContainsRune("\"<>`\\", c):
			return i
		case c == '\'' && (len(rest) == 1 || strings.ContainsRune(" \t\r\n:;,.)", rune(rest[1]))):
			return i
		}
	}
	return len(text)
}

// hideAccess takes out of a text that ends with an address, or of an address, what
// may give access. What is no address stays as it is.
func hideAccess(address string) string {
	before, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	at := strings.LastIndexByte(authority, '@')
	if at < 0 && !plainHost(authority) { // a password with a character that ends a host
		at = strings.LastIndexByte(rest, '@')
	}
	rest = rest[at+1:]
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	return before + "://" + rest
}

// plainHost reports whether what stands before the path is a host, perhaps with a
// port.
func plainHost(authority string) bool {
	colon := strings.LastIndexByte(authority, ':')
	return colon < 0 || strings.HasSuffix(authority, "]") || strings.Trim(authority[colon+1:], "0123456789") == ""
}
