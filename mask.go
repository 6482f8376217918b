package sluice

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// minMasked is the length in bytes from which a secret is masked wherever it
// stands. Shorter ones are too likely to stand in a text by chance.
const minMasked = 4

// Masker replaces secrets by their names, in «», wherever they stand: as they
// are, in base64 of either alphabet at any offset, in hexadecimal digits, and
// escaped for URLs, JSON and HTML. What has been written over in two ways at once
// is not recognised, nor a part of a secret.
type Masker struct {
	replacer *strings.Replacer
	longest  int // bytes of the longest form
}

// NewMasker masks the secrets among variables.
func NewMasker(variables []Variable) *Masker {
	type form struct{ text, name string }
	var forms []form
	seen := map[string]bool{}
	for _, v := range variables {
		if !v.Secret || v.Value == nil || len(*v.Value) < minMasked {
			continue
		}
		for _, text := range formsOf(*v.Value) {
			if len(text) >= minMasked && !seen[text] {
				seen[text] = true
				forms = append(forms, form{text, "«" + v.Key + "»"})
			}
		}
	}
	if len(forms) == 0 {
		return &Masker{}
	}
	// Of two that begin at one place the longer one is meant.
	slices.SortStableFunc(forms, func(a, b form) int { return len(b.text) - len(a.text) })
	longest := len(forms[0].text)
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range forms {
		pairs = append(pairs, f.text, f.name)
	}
	return &Masker{replacer: strings.NewReplacer(pairs...), longest: longest}
}

// formsOf are the ways in which a secret may be written.
func formsOf(secret string) []string {
	digits := hex.EncodeToString([]byte(secret))
	out := []string{secret, digits, strings.ToUpper(digits), html.EscapeString(secret), quotes.Replace(html.EscapeString(secret))}
	for _, kept := range keptInURLs {
		for _, digits := range []string{"0123456789ABCDEF", "0123456789abcdef"} {
			escaped := percent(secret, kept, digits)
			out = append(out, escaped, strings.ReplaceAll(escaped, "%20", "+"))
		}
	}
	for _, escape := range []string{"", "<>&", "<>&'"} {
		for _, last := range lastInJSON {
			out = append(out, inJSON(secret, escape, last))
		}
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		out = append(out, encoding.EncodeToString([]byte(secret)))
		// Inside a longer text its digits depend on the offset. What neighbours reach
		// into is left off at both ends.
		for offset := range 3 {
			text := encoding.EncodeToString([]byte(strings.Repeat("\x00", offset) + secret))
			first := (offset*8 + 5) / 6
			last := len(text)
			if (offset+len(secret))%3 != 0 {
				last--
			}
			if last-first >= 2*minMasked {
				out = append(out, text[first:last])
			}
		}
	}
	return out
}

// keptInURLs are what the escaping functions of Go, JavaScript and Python leave as
// it is, besides letters, digits and -_.~
var keptInURLs = []string{"", "/", "!'()*", "$&+:=@", "$&+,/:;=@", "!#$&'()*+,/:;=?@"}

// quotes are written in HTML by number or by name.
var quotes = strings.NewReplacer("&#34;", "&quot;", "&#39;", "&#x27;")

// percent escapes a text for URLs.
func percent(s, kept, digits string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.~"+kept, c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

// lastInJSON are the last characters that writers of JSON leave as they are: all,
// those of ASCII, and those without DEL.
var lastInJSON = []rune{unicode.MaxRune, unicode.MaxASCII, '~'}

// inJSON escapes a text for JSON, with the given characters and those after last
// by their numbers.
func inJSON(s, escaped string, last rune) string {
	var b strings.Builder
	for _, c := range s {
		short := strings.IndexRune("\b\f\n\r\t\"\\", c)
		switch {
		case short >= 0:
			b.WriteString(`\` + `bfnrt"\`[short:short+1])
		case c < ' ' || c == '\u2028' || c == '\u2029' || strings.ContainsRune(escaped, c) || c > last:
			for _, unit := range utf16.Encode([]rune{c}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Text masks one text.
func (m *Masker) Text(s string) string {
	if m.HidesNothing() {
		return s
	}
	return m.replacer.Replace(s)
}

// Stream masks a text that comes in pieces, of which one may end within a secret.
// It returns what can be shown once more of the text is known; the end of the
// text is told by last.
func (m *Masker) Stream() func(piece string, last bool) string {
	kept := ""
	return func(piece string, last bool) string {
		if m.HidesNothing() {
			return piece
		}
		kept += piece
		if last {
			out := m.Text(kept)
			kept = ""
			return out
		}
		// What begins before the cut and is no longer than the longest form has ended.
		cut := len(kept) - m.longest + 1
		if cut <= 0 || m.Text(kept[:cut])+m.Text(kept[cut:]) != m.Text(kept) {
			return ""
		}
		out := m.Text(kept[:cut])
		kept = kept[cut:]
		return out
	}
}

// HidesNothing reports whether there is no secret that could be masked.
func (m *Masker) HidesNothing() bool { return m == nil || m.replacer == nil }

// JSON masks encoded JSON: every text in it, keys included, and every number as it
// is written, which then becomes a text. All else stays as it is, so that keys keep
// their order and numbers their digits. What is no JSON is masked as a text.
func (m *Masker) JSON(raw []byte) []byte {
	if m.HidesNothing() || len(raw) == 0 {
		return raw
	}
	var flat bytes.Buffer
	if json.Compact(&flat, raw) != nil {
		return []byte(m.Text(string(raw)))
	}
	var out []byte
	for rest := flat.Bytes(); len(rest) > 0; {
		n := tokenLength(rest)
		out = append(out, m.token(rest[:n])...)
		rest = rest[n:]
	}
	return out
}

// tokenLength is how long the text, the number or the one byte is that valid JSON
// begins with.
func tokenLength(b []byte) int {
	n := 1
	switch c := b[0]; {
	case c == '"':
		for ; b[n] != '"'; n++ {
			if b[n] == '\\' {
				n++
			}
		}
		n++
	case c == '-' || '0' <= c && c <= '9':
		for n < len(b) && bytes.IndexByte([]byte("0123456789+-.eE"), b[n]) >= 0 {
			n++
		}
	}
	return n
}

// token masks one text or number of JSON, and leaves all else.
func (m *Masker) token(token []byte) []byte {
	if len(token) == 1 && (token[0] < '0' || '9' < token[0]) {
		return token
	}
	text := string(token)
	if token[0] == '"' && json.Unmarshal(token, &text) != nil {
		return token
	}
	masked := m.Text(text)
	if masked == text {
		return token
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(masked) // of a string, which always can be written
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
