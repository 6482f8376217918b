package sluice_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluice-dev/sluice"
)

// notText are strings, and where they stop being text.
var notText = map[string]string{
	"":                       "",
	"grüße 🎉 \uFFFD\r\n":     "",
	"a\x00b":                 "1 1:2 this is a NUL byte",
	"gr\xfc\xdfe":            "2 1:3 this byte is not UTF-8",
	"é\r\nb\rc\n\tü\xff\x00": "11 4:3 this byte is not UTF-8",
	"half \xe2\x82":          "5 1:6 this byte is not UTF-8",
	"\xed\xa0\x80":           "0 1:1 this byte is not UTF-8", // a surrogate
	"\uFFFD\x00\xff":         "3 1:2 this is a NUL byte",
}

func TestText(t *testing.T) {
	t.Parallel()
	for s, want := range notText {
		bad, found := sluice.FindBadText(s)
		got := ""
		if found {
			got = fmt.Sprintf("%d %d:%d %s", bad.Byte, bad.Line, bad.Column, bad.What)
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
		text, err := sluice.ReadText("notes.md", []byte(s))
		_, place, _ := strings.Cut(want, " ")
		if place = strings.Replace(place, " ", ": ", 1); err == nil && (text != s || want != "") || err != nil && err.Error() != "notes.md:"+place {
			t.Errorf("%q is read as %q, %v", s, text, err)
		}
		if err := sluice.CheckIsText("the note", s); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), "the note is not text: line ") {
			t.Errorf("%q: %v", s, err)
		}
		message := sluice.Recordable(s)
		if _, found := sluice.FindBadText(message); found || want == "" && message != s {
			t.Errorf("%q is recorded as %q", s, message)
		}
	}
	if got, want := sluice.Recordable("a\x00b\xff"), "a␀b\uFFFD (␀ and \uFFFD stand for what is not text)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := sluice.ReadText("a.txt", []byte("\xff\xfea\x00")); !strings.Contains(strings.Join(sluice.Texts(sluice.AsError(err).Fixes), ""), "UTF-16") {
		t.Errorf("UTF-16: %v", err)
	}
}

func TestCheckJSONText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a": "\u0000 \ud83c\udf89 \ufffd \\ud800"}`: "",
		`not JSON \`:                  "",
		`"\u12"`:                      "",
		"{\n\"a\": \"\xe4\"}":         "line 2, column 7: this byte is not UTF-8",
		`{"ü": "\ud800"}`:             `line 1, column 8: \ud800 is half of a character`,
		`"\\\uDC00"`:                  `line 1, column 4: \uDC00 is half of a character`,
		`"\ud83c\ud83c\udf89"`:        `line 1, column 2: \ud83c is half of a character`,
		`"\ud83c x\udf89"`:            `line 1, column 2: \ud83c is half of a character`,
		`"\ud83c\udf89\udf89" \ud800`: `line 1, column 14: \udf89 is half of a character`,
	} {
		err := sluice.CheckJSONText("the body", []byte(text))
		got := ""
		if err != nil {
			got = strings.TrimPrefix(err.Error(), "the body is not text: ")
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// FuzzCheckJSONText holds the check to what decoders do: they alter a string
// exactly when it is refused.
func FuzzCheckJSONText(f *testing.F) {
	for _, s := range []string{`"a"`, `"\ud800"`, `"\ud83c\udf89"`, "\"\xff\"", `"\\ud800"`, `"\ufffd"`, "\"\uFFFD\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s string
		if json.Unmarshal([]byte(text), &s) != nil {
			_ = sluice.CheckJSONText("it", []byte(text))
			return
		}
		own := strings.Count(text, "\uFFFD") + strings.Count(strings.ToLower(strings.ReplaceAll(text, `\\`, "")), `\ufffd`)
		altered := strings.Count(s, "\uFFFD") > own
		if err := sluice.CheckJSONText("it", []byte(text)); (err != nil) != altered {
			t.Errorf("%q is read as %q: %v", text, s, err)
		}
	})
}

func TestEncodeJSON(t *testing.T) {
	t.Parallel()
	type inner struct {
		Names map[string]string `json:"names"`
		Bytes []byte            `json:"bytes"`
	}
	type outer struct {
		sluice.Change
		Raw    json.RawMessage `json:"raw,omitempty"`
		Inner  []*inner        `json:"inner,omitempty"`
		Hidden string          `json:"-"`
		Any    any
	}
	for want, v := range map[string]any{
		"": outer{Change: sluice.Change{Reason: "\uFFFD <\x00>"}, Raw: json.RawMessage(`"\ufffd\\ud800"`), Inner: []*inner{{Bytes: []byte{0xff}}, nil}, Hidden: "\xff"},
		"reason is not text: line 1, column 2: this byte is not UTF-8":                 outer{Change: sluice.Change{Reason: "a\xff"}},
		"inner[1].names.b is not text: line 1, column 1: this byte is not UTF-8":       &outer{Inner: []*inner{nil, {Names: map[string]string{"a": "", "b": "\xff"}}}},
		"inner[0].names (a key) is not text: line 1, column 2: this byte is not UTF-8": outer{Inner: []*inner{{Names: map[string]string{"k\xff": ""}}}},
		"raw is not text: line 1, column 2: this byte is not UTF-8":                    outer{Raw: json.RawMessage("\"\xff\"")},
		"Any[0] is not text: line 1, column 1: this byte is not UTF-8":                 outer{Any: []any{"\xff"}},
		"the value is not text: line 1, column 1: this byte is not UTF-8":              "\xff",
	} {
		out, err := sluice.EncodeJSON(v)
		if want != "" {
			if err == nil || err.Error() != want {
				t.Errorf("got %s, %v, want %s", out, err, want)
			}
			continue
		}
		if plain, _ := json.Marshal(v); err != nil || string(out) != string(plain) || !utf8.Valid(out) {
			t.Errorf("got %s, %v, want %s", out, err, plain)
		}
	}
}
