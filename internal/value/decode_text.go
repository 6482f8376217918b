package value

import (
	"unicode/utf16"
	"unicode/utf8"
)

// writeUTF8 is what to do with bytes that are no text.
const writeUTF8 = "write it in UTF-8; encode binary values, for example in base64"

// text reads a string. One without escapes is a copy of its bytes.
func (d *decoder) text(at *Path) (string, error) {
	d.at++
	start := d.at
	for d.at < len(d.data) {
		switch c := d.data[d.at]; {
		case c == '"':
			s := string(d.data[start:d.at])
			if !utf8.ValidString(s) {
				return "", d.refused(at, writeUTF8, "a text has bytes that are not UTF-8")
			}
			d.at++
			return s, nil
		case c == '\\':
			return d.escaped(start, at)
		case c < ' ':
			return "", d.unexpected("an escape in place of a control character")
		}
		d.at++
	}
	return "", d.unexpected("a quotation mark")
}

// escaped goes on with a string at its first escape.
func (d *decoder) escaped(start int, at *Path) (string, error) {
	b := append([]byte(nil), d.data[start:d.at]...)
	for d.at < len(d.data) {
		switch c := d.data[d.at]; {
		case c == '"':
			if !utf8.Valid(b) {
				return "", d.refused(at, writeUTF8, "a text has bytes that are not UTF-8")
			}
			d.at++
			return string(b), nil
		case c < ' ':
			return "", d.unexpected("an escape in place of a control character")
		case c != '\\':
			b = append(b, c)
			d.at++
		default:
			r, err := d.escape(at)
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return "", d.unexpected("a quotation mark")
}

func (d *decoder) escape(at *Path) (rune, error) {
	d.at++
	c := d.next()
	for i, letter := range []byte(`"\/bfnrt`) {
		if c == letter {
			d.at++
			return rune("\"\\/\b\f\n\r\t"[i]), nil
		}
	}
	if c != 'u' {
		return 0, d.unexpected("an escape of JSON")
	}
	r, err := d.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if d.next() == '\\' && d.at+1 < len(d.data) && d.data[d.at+1] == 'u' {
		d.at++
		second, err := d.unit()
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(r, second); pair != utf8.RuneError {
			return pair, nil
		}
	}
	return 0, d.refused(at, "write both halves, or the character itself", "a text has half of a surrogate pair, \\u%04x, which is no character", r)
}

// unit reads u and four hexadecimal digits.
func (d *decoder) unit() (rune, error) {
	d.at++
	var r rune
	for range 4 {
		c := d.next()
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, d.unexpected("a hexadecimal digit")
		}
		r = r<<4 | rune(c)
		d.at++
	}
	return r, nil
}
