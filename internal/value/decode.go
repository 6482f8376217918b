package value

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Decode reads one JSON value, and nothing after it. It refuses what would become
// another value without a word: a number beyond [MaxDigits] or [MaxExponent], a
// key that an object has twice, half of a surrogate pair, and bytes that are not
// UTF-8. So it does what is nested deeper than [MaxDepth]. The error is a [*Error]
// with the place.
func Decode(data []byte) (any, error) { return DecodeWithin(data, MaxDepth) }

// DecodeWithin is [Decode] with another bound on the depth.
func DecodeWithin(data []byte, depth int) (any, error) {
	d := decoder{data: data, most: depth}
	d.space()
	v, err := d.value(nil)
	if err != nil {
		return nil, err
	}
	if d.space(); d.at < len(data) {
		return nil, &Error{Offset: d.at, Message: "something follows the value"}
	}
	return v, nil
}

// decoder reads from data, of which it stands at a byte.
type decoder struct {
	data []byte
	at   int
	most int // levels
}

// refused says what is wrong with what is JSON, and what to do about it.
func (d *decoder) refused(at *Path, fix, format string, args ...any) error {
	return &Error{Path: at.String(), Offset: d.at, Message: fmt.Sprintf(format, args...), Refused: true, Fix: fix}
}

// unexpected says what stands where something else should.
func (d *decoder) unexpected(wanted string) error {
	if d.at >= len(d.data) {
		return &Error{Offset: d.at, Message: "it ends too early"}
	}
	r, _ := utf8.DecodeRune(d.data[d.at:])
	return &Error{Offset: d.at, Message: fmt.Sprintf("at byte %d, %s is wanted and not %q", d.at+1, wanted, r)}
}

func (d *decoder) space() {
	for d.at < len(d.data) {
		switch d.data[d.at] {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return
		}
	}
}

// next is the byte that the decoder stands at, 0 at the end.
func (d *decoder) next() byte {
	if d.at < len(d.data) {
		return d.data[d.at]
	}
	return 0
}

func (d *decoder) value(at *Path) (any, error) {
	switch c := d.next(); {
	case c == '{':
		return d.object(at)
	case c == '[':
		return d.list(at)
	case c == '"':
		return d.text(at)
	case c == '-' || '0' <= c && c <= '9':
		v, err := d.number()
		if e, ok := err.(*Error); ok && e.Path == "" {
			e.Path = at.String()
		}
		return v, err
	case d.word("true"):
		return true, nil
	case d.word("false"):
		return false, nil
	case d.word("null"):
		return nil, nil
	}
	return nil, d.unexpected("a value")
}

func (d *decoder) word(word string) bool {
	if len(d.data)-d.at < len(word) || string(d.data[d.at:d.at+len(word)]) != word {
		return false
	}
	d.at += len(word)
	return true
}

func (d *decoder) list(at *Path) (any, error) {
	if at.depth() >= d.most {
		return nil, d.tooDeep(at)
	}
	d.at++
	items := []any{}
	if d.space(); d.next() == ']' {
		d.at++
		return items, nil
	}
	step := &Path{level: at.depth() + 1, inList: true, parent: at}
	for {
		step.index = len(items)
		d.space()
		v, err := d.value(step)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		switch d.space(); d.next() {
		case ',':
			d.at++
		case ']':
			d.at++
			return items, nil
		default:
			return nil, d.unexpected("a comma or ]")
		}
	}
}

func (d *decoder) object(at *Path) (any, error) {
	if at.depth() >= d.most {
		return nil, d.tooDeep(at)
	}
	d.at++
	o := &Object{}
	if d.space(); d.next() == '}' {
		d.at++
		return o, nil
	}
	step := &Path{level: at.depth() + 1, parent: at}
	for {
		if d.space(); d.next() != '"' {
			return nil, d.unexpected("a key in quotes")
		}
		key, err := d.text(at)
		if err != nil {
			return nil, err
		}
		if o.Has(key) {
			return nil, d.refused(at, "write each key once", "the key %s is there twice", strconv.Quote(Short(key, 80)))
		}
		if d.space(); d.next() != ':' {
			return nil, d.unexpected("a colon")
		}
		d.at++
		d.space()
		step.key = key
		v, err := d.value(step)
		if err != nil {
			return nil, err
		}
		o.Set(key, v)
		switch d.space(); d.next() {
		case ',':
			d.at++
		case '}':
			d.at++
			return o, nil
		default:
			return nil, d.unexpected("a comma or }")
		}
	}
}

func (d *decoder) tooDeep(at *Path) error {
	return d.refused(nil, "nest it less deeply", "the value is nested deeper than %d levels", d.most)
}
