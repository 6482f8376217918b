package value

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error is what is wrong with a value or with its JSON.
type Error struct {
	// Path is where in the value, such as headers.Accept or items[2].url.
	Path string
	// Offset is where in the JSON, in bytes from its start.
	Offset int
	// Message is a clause without a capital or a full stop.
	Message string
	// Refused says that what was read is JSON, and is not taken: it is beyond a bound,
	// or would become another value, as a key that is there twice.
	Refused bool
	// Fix is what to do about what is refused.
	Fix string
}

// IsRefused reports whether an error is an [Error] of what is refused.
func IsRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Refused
}

// FixOf is what to do about what is refused.
func FixOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Fix
	}
	return ""
}

// Error is the path, where there is one, and the message.
func (e *Error) Error() string {
	if e.Path != "" {
		return e.Path + ": " + e.Message
	}
	return e.Message
}

// Path is one step on the way to a value in a tree: a key of an object or an index
// of a list, and the path of what it is in. A nil Path is that of the whole.
type Path struct {
	level  int
	key    string
	index  int
	inList bool
	parent *Path
}

// Key is the path of a value in an object at p.
func (p *Path) Key(key string) *Path { return &Path{level: p.depth() + 1, key: key, parent: p} }

// Index is the path of a value in a list at p.
func (p *Path) Index(i int) *Path {
	return &Path{level: p.depth() + 1, index: i, inList: true, parent: p}
}

// Depth is how many steps the path has.
func (p *Path) Depth() int { return p.depth() }

func (p *Path) depth() int {
	if p == nil {
		return 0
	}
	return p.level
}

// maxPath is how many bytes of a path are shown.
const maxPath = 300

// String writes the path as headers.Authorization or items[2].url. A key that is
// no name is quoted.
func (p *Path) String() string {
	var steps []*Path
	for ; p != nil; p = p.parent {
		steps = append(steps, p)
	}
	slices.Reverse(steps)
	var b strings.Builder
	for _, s := range steps {
		if s.inList {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		} else {
			WriteMember(&b, s.key)
		}
		if b.Len() > maxPath {
			break
		}
	}
	return Short(b.String(), maxPath)
}

// WriteMember appends .key, or ["key"] when the key is no name.
func WriteMember(b *strings.Builder, key string) {
	switch {
	case !isName(key):
		b.WriteString("[" + strconv.Quote(key) + "]")
	case b.Len() > 0:
		b.WriteString("." + key)
	default:
		b.WriteString(key)
	}
}

// isName reports whether a key can be written after a dot in every dialect, or
// nearly so, as X-Request-Id can in a path.
func isName(key string) bool {
	for i, r := range key {
		letter := r == '_' || r == '$' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r >= utf8.RuneSelf
		if !letter && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return key != ""
}

// Short shortens text from outside to at most n bytes of valid UTF-8, and replaces
// control characters, which would break lines of a log.
func Short(text string, n int) string {
	long := len(text) > n
	if long {
		text = text[:n]
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "")
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if long {
		text += "…"
	}
	return text
}
