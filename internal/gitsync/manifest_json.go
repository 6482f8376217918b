package gitsync

import (
	"strconv"
	"unicode/utf8"

	"github.com/sluice-dev/sluice"
)

// object writes the fields of one JSON object in a line, in the order in which they
// come. Fields that are empty are left out.
type object struct {
	out []byte
}

func (o *object) open()  { o.out = append(o.out, '{') }
func (o *object) close() { o.out = append(o.out, '}') }

func (o *object) field(name string) {
	if last := o.out[len(o.out)-1]; last != '{' {
		o.out = append(o.out, ", "...)
	}
	o.out = append(append(append(o.out, '"'), name...), `": `...)
}

func (o *object) text(name, s string) {
	if s != "" {
		o.field(name)
		o.out = appendString(o.out, s)
	}
}

func (o *object) number(name string, n int) {
	if n != 0 {
		o.field(name)
		o.out = strconv.AppendInt(o.out, int64(n), 10)
	}
}

func (o *object) truth(name string, b bool) {
	if b {
		o.field(name)
		o.out = append(o.out, "true"...)
	}
}

func (o *object) pin(p sluice.Pin) {
	o.number("version", p.Version)
	o.text("label", string(p.Label))
	o.text("digest", string(p.Digest))
}

// value writes the fields of a value, by the names that its JSON has elsewhere.
func (o *object) value(v sluice.Value) {
	o.pin(v.Pin)
	if len(v.Split) > 0 {
		o.field("split")
		o.out = append(o.out, '[')
		for i, s := range v.Split {
			if i > 0 {
				o.out = append(o.out, ", "...)
			}
			o.open()
			o.pin(s.Pin)
			o.number("weight", int(s.Weight))
			o.close()
		}
		o.out = append(o.out, ']')
	}
	o.truth("none", v.None)
	o.text("fingerprint", v.Fingerprint)
	o.truth("secret", v.Secret)
	o.truth("stub", v.Stub)
	o.truth("hidden", v.Hidden)
}

// appendString writes a JSON string with as few escapes as may be, so that people can
// read it. What is no UTF-8 becomes U+FFFD.
func appendString(out []byte, s string) []byte {
	const digits = "0123456789abcdef"
	out = append(out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			out = append(out, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}
