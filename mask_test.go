package sluice_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sluice-dev/sluice"
)

func secrets(pairs ...string) *sluice.Masker {
	var out []sluice.Variable
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, sluice.Variable{Key: pairs[i], Value: &pairs[i+1], Sealed: sluice.Sealed{Secret: true}})
	}
	return sluice.NewMasker(out)
}

// writings are the ways in which programs write a text into another: each keeps
// what is around it readable.
var writings = map[string]func(string) string{
	"as it is":                  func(s string) string { return s },
	"a query":                   url.QueryEscape,
	"a path":                    url.PathEscape,
	"encodeURIComponent":        component,
	"quote of Python":           func(s string) string { return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(s)) },
	"a URL":                     func(s string) string { return (&url.URL{Path: "/" + s}).EscapedPath()[1:] },
	"a query, in small letters": func(s string) string { return small(url.QueryEscape(s)) },
	"JSON":                      func(s string) string { return inJSON(s, false) },
	"JSON for HTML":             func(s string) string { return inJSON(s, true) },
	"JSON in ASCII":             func(s string) string { return ascii(s, unicode.MaxASCII) },
	"JSON of Python":            func(s string) string { return ascii(s, '~') },
	"HTML":                      html.EscapeString,
	"hexadecimal":               func(s string) string { return hex.EncodeToString([]byte(s)) },
	"hexadecimal in capitals":   func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
}

// component escapes as encodeURIComponent of JavaScript does.
func component(s string) string {
	return strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(strings.ReplaceAll(url.QueryEscape(s), "+", "%20"))
}

func small(s string) string {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == '%' {
			s = s[:i+1] + strings.ToLower(s[i+1:i+3]) + s[i+3:]
		}
	}
	return s
}

func inJSON(s string, forHTML bool) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(forHTML)
	if err := e.Encode(s); err != nil {
		return s
	}
	return strings.TrimSuffix(b.String(), "\n")[1 : b.Len()-2]
}

// ascii escapes what comes after the last character that is kept.
func ascii(s string, last rune) string {
	var b strings.Builder
	for _, c := range inJSON(s, false) {
		if c <= last {
			b.WriteRune(c)
			continue
		}
		for _, unit := range utf16.Encode([]rune{c}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// bases are those of base64, over the secret and what is around it.
var bases = map[string]*base64.Encoding{
	"base64": base64.StdEncoding, "base64 without its end": base64.RawStdEncoding,
	"base64 for URLs": base64.URLEncoding, "base64 for URLs without its end": base64.RawURLEncoding,
}

// readings are all texts that a text may decode to.
func readings(text string) []string {
	out := []string{text, html.UnescapeString(text), unescape(text), unquote(text)}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for _, digits := range strings.FieldsFunc(text, func(c rune) bool { return !inBase64(c) }) {
			for offset := range min(4, len(digits)) {
				part := digits[offset:]
				if len(part)%4 == 1 {
					part = part[:len(part)-1]
				}
				if decoded, err := encoding.DecodeString(part); err == nil {
					out = append(out, string(decoded))
				}
			}
		}
	}
	for _, digits := range strings.FieldsFunc(text, func(c rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", c) }) {
		for offset := range min(2, len(digits)) {
			part := digits[offset:]
			if decoded, err := hex.DecodeString(part[:len(part)/2*2]); err == nil {
				out = append(out, string(decoded))
			}
		}
	}
	return out
}

func inBase64(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("+/-_", c)
}

// unescape reads what is escaped for URLs, and leaves the rest as it is.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// unquote reads what is escaped for JSON, and leaves the rest as it is.
func unquote(s string) string {
	var b strings.Builder
	for s != "" {
		n := 1
		if s[0] == '\\' {
			for _, length := range []int{2, 6, 12} {
				var text string
				if length <= len(s) && json.Unmarshal([]byte(`"`+s[:length]+`"`), &text) == nil {
					b.WriteString(text)
					n = length
					break
				}
			}
		}
		if n == 1 {
			b.WriteByte(s[0])
		}
		s = s[n:]
	}
	return b.String()
}

// leaks says by which reading the secret is found, "" for none.
func leaks(text, secret string) string {
	for _, reading := range readings(text) {
		if strings.Contains(reading, secret) {
			return reading
		}
	}
	return ""
}

func TestMaskerFindsEachForm(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"sesame-open-4711", `a"b\c/d+e f&g<h>'i!(j)*~`, "p@ss:w/rd?x=1&y=2%3D", "pässwört→🙂", "1234567890", "    ", "line\nline\ttab"} {
		m := secrets("OTHER", "another-secret", "KEY", secret)
		for name, write := range writings {
			text := "before " + write(secret) + " after"
			if got := m.Text(text); got != "before «KEY» after" && leaks(got, secret) != "" {
				t.Errorf("%q as %s: got %q of %q, want «KEY» in its place", secret, name, got, text)
			}
		}
		for name, base := range bases {
			for _, before := range []string{"", "u", "us", "user", "user:"} {
				text := "Basic " + base.EncodeToString([]byte(before+secret+"!"))
				if got := m.Text(text); len(secret) >= 8 && !strings.Contains(got, "«KEY»") {
					t.Errorf("%q behind %q as %s: got %q, want it masked", secret, before, name, got)
				}
			}
		}
	}
}

func TestMaskerLeavesTheRest(t *testing.T) {
	t.Parallel()
	plain, short := "plain-value", "abc"
	m := sluice.NewMasker([]sluice.Variable{
		{Key: "PLAIN", Value: &plain}, {Key: "SHORT", Value: &short, Sealed: sluice.Sealed{Secret: true}}, {Key: "GONE", Sealed: sluice.Sealed{Secret: true}},
	})
	for _, text := range []string{"", "plain-value", "abc", "«KEY»", `{"a": 1}`} {
		if got := m.Text(text); got != text {
			t.Errorf("got %q of %q", got, text)
		}
	}
	m = secrets("A", "sesame", "B", "sesame-open")
	for text, want := range map[string]string{
		"sesame sesame-open sesameopen": "«A» «B» «A»open", "sesamesesame-open": "«A»«B»",
	} {
		if got := m.Text(text); got != want {
			t.Errorf("got %q of %q, want %q", got, text, want)
		}
	}
	var none *sluice.Masker
	if got := none.Text("sesame"); got != "sesame" {
		t.Errorf("without a masker: got %q", got)
	}
}

func TestMaskerReadsJSON(t *testing.T) {
	t.Parallel()
	m := secrets("PIN", "12345678", "KEY", `se"same`)
	for _, tt := range []struct {
		in   any
		want string
	}{
		{map[string]any{"a": []any{`x se"same`, int64(12345678), 1.5, nil, true}, `se"same`: "b"}, `{"a":["x «KEY»","«PIN»",1.5,null,true],"«KEY»":"b"}`},
		{12345678.0, `"«PIN»"`},
		{json.RawMessage(`{"z": 1.0, "a": [12345678, 18446744073709551615, "<&>"], "x12345678": null, "b": "\"12345678"}`), `{"z":1.0,"a":["«PIN»",18446744073709551615,"<&>"],"x«PIN»":null,"b":"\"«PIN»"}`},
		{1234.5, `1234.5`},
		{int(12345678), `"«PIN»"`},
		{uint64(912345678), `"9«PIN»"`},
		{json.Number("12345678.5"), `"«PIN».5"`},
	} {
		raw, given := tt.in.(json.RawMessage)
		if !given {
			raw, _ = json.Marshal(tt.in)
		}
		if got := m.JSON(raw); string(got) != tt.want {
			t.Errorf("%s: got %s, want %s", raw, got, tt.want)
		}
	}
	for raw, want := range map[string]string{
		"": "", `12345678 is no JSON`: `«PIN» is no JSON`, `7 and 12345678`: `7 and «PIN»`, `{"a": 1} {"b": "12345678"}`: `{"a": 1} {"b": "«PIN»"}`,
		`9007199254740993`: `9007199254740993`,
	} {
		if got := m.JSON([]byte(raw)); string(got) != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}

// FuzzMasker writes a secret into a text in each form, and looks for it in
// everything that the masked text decodes to.
func FuzzMasker(f *testing.F) {
	f.Add("sesame-open-4711", "Bearer ", " end", 1)
	f.Add("a+b/c=d&e f", "https://example.com/?q=", "&x", 3)
	f.Add(`quote " and \ and <tag>`, `{"a": "`, `"}`, 5)
	f.Add("pässwört🙂", "é", "→", 7)
	f.Add("!*'()~!*'()~", "x=", ";", 2)
	f.Add("0\x7f000荍", "0", "0", 4)
	f.Fuzz(func(t *testing.T, secret, before, after string, cut int) {
		name := "«KEY»"
		if len(secret) < 8 || len(secret) > 200 || len(before)+len(after) > 400 || !utf8.ValidString(secret) || strings.ContainsAny(secret, "«»") ||
			strings.Contains(before+name+after, secret) || leaks(before, secret)+leaks(after, secret) != "" {
			return // it would be found whatever is masked
		}
		m := secrets("KEY", secret)
		texts := map[string]string{}
		for form, write := range writings {
			texts[form] = before + write(secret) + after
		}
		for form, base := range bases {
			texts[form] = "Basic " + base.EncodeToString([]byte(before+secret+after))
		}
		for form, text := range texts {
			got := m.Text(text)
			if how := leaks(got, secret); how != "" && leaks(strings.ReplaceAll(got, name, " "), secret) != "" {
				t.Errorf("%q as %s: %q was masked to %q, which reads %q", secret, form, text, got, how)
			}
			show := m.Stream()
			at := int(uint(cut) % uint(len(text)+1))
			if streamed := show(text[:at], false) + show(text[at:], true); streamed != got {
				t.Errorf("%q as %s in two pieces: got %q, want %q", secret, form, streamed, got)
			}
			raw, err := json.Marshal(map[string]any{"a": text, "b": []any{fmt.Sprint(cut)}})
			if err != nil {
				t.Fatal(err)
			}
			if masked := string(m.JSON(raw)); !json.Valid([]byte(masked)) {
				t.Errorf("%s was masked to %s, which is no JSON", raw, masked)
			}
		}
	})
}
