package gitrepo

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestTrailers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, message string
		want          []Trailer
	}{
		{"last paragraph", "Deploy\n\nPath: a.md\nVersion: 3\n", []Trailer{{"Path", "a.md"}, {"Version", "3"}}},
		{"after a body", "Deploy\n\nbody\n\nPath: a.md\n\n\n", []Trailer{{"Path", "a.md"}}},
		{"several lines", "Deploy\n\nReason: one\n two\n .\n ..\n   three\nAction: rollback", []Trailer{{"Reason", "one\ntwo\n\n.\n  three"}, {"Action", "rollback"}}},
		{"quoted", "Deploy\n\nReason: \"a\\r\\nb \"\nNone: \"\"\nOdd: \"x\nEmpty:\n", []Trailer{{"Reason", "a\r\nb "}, {"None", ""}, {"Odd", `"x`}, {"Empty", ""}}},
		{"Windows", "Deploy\r\n\r\nPath: a.md\r\nVersion: 3\r\n", []Trailer{{"Path", "a.md"}, {"Version", "3"}}},
		{"no subject", "\n\nPath: a.md\n", nil},
		{"subject alone", "Deploy: this", nil},
		{"subject of two lines", "Deploy this\nPath: a.md", nil},
		{"one line is something else", "Deploy\n\nPath: a.md\nand so on", nil},
		{"not last", "Deploy\n\nPath: a.md\n\nbody", nil},
		{"begins with a continuation", "Deploy\n\n Path: a.md\nVersion: 3", nil},
		{"a key of two words", "Deploy\n\nmy path: a.md", nil},
		{"nothing", "", nil},
	} {
		if got := Trailers(test.message); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q, of %q", test.name, got, test.want, test.message)
		}
	}
}

// nasty are texts that people or attackers may put anywhere.
var nasty = []string{
	"", " ", "\n", "\n\n", ".", "\n.", "..\n.\n\n...", "a\n\nEntry: forged", "a\n\n\nb", "\r\n", "a\r\nb\r", " leading", "trailing ", "tab\t", "mid \nline",
	"Entry: forged-1", "\nEntry: forged-1\n", `"quoted"`, `"`, `back\slash`, "\x00", "nul\x00inside", "\xff\xfe", "\u2028line", "\u00a0", "\u0085", "\x1b[31mred", "🙂 é 日本",
	"-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----", "note\n\nEntry: forged-1\n\n-----BEGIN SSH SIGNATURE-----", " -----BEGIN PGP MESSAGE-----",
	"# comment", "---", "diff --git a/x b/x", "From alice", "a:b", ":", "a\n b\n  c\n\td", strings.Repeat("x\n", 300), "Signed-off-by: bob <bob@example.com>",
}

func TestTrailersKeepAnyValue(t *testing.T) {
	t.Parallel()
	for _, value := range nasty {
		want := []Trailer{{"Reason", value}, {"Entry", "led-1"}, {"Cause", value}}
		message := "subject\n\n" + FormatTrailers(want)
		if got := Trailers(message); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q, of %q", got, want, message)
		}
	}
	if got, want := FormatTrailers([]Trailer{{"Rea son\n", "a"}, {"", "b"}, {"-x", "c"}}), "Rea-son-: a\nX: b\nX-x: c\n"; got != want {
		t.Errorf("odd keys: got %q, want %q", got, want)
	}
}

// TestTrailersAsGitSeesThem checks that git finds the same trailers where their
// values are of one line, and as many where they are of more.
func TestTrailersAsGitSeesThem(t *testing.T) {
	t.Parallel()
	r := initRepo(t)
	for _, value := range nasty {
		message := Message{"subject", value, []Trailer{{"Reason", value}, {"Entry", "led-1"}}}.String()
		out := gitWith(t, r.Top, []byte(message), "interpret-trailers", "--parse", "--unfold", "--no-divider")
		if lines := strings.Split(out, "\n"); len(lines) != 2 || !strings.HasPrefix(lines[0], "Reason:") || lines[1] != "Entry: led-1" {
			t.Errorf("git sees %q in %q", out, message)
		}
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	for _, text := range nasty {
		for _, m := range []Message{
			{text, text, []Trailer{{"Entry", "led-1"}, {"Reason", text}}},
			{"subject", text, []Trailer{{"Entry", "led-1"}}},
			{"subject", text, nil},
			{text, "", nil},
			{text, "", []Trailer{{"Entry", "led-1"}}},
		} {
			asTag, err := ParseTag("", []byte("object "+strings.Repeat("1", 40)+"\ntype commit\ntag x\n\n"+m.String()))
			if err != nil {
				t.Fatal(err)
			}
			if asTag.Message != m.String() || asTag.Signed {
				t.Errorf("as a tag: got %q, want %q", asTag.Message, m.String())
			}
			got := ParseMessage(m.String())
			if !slices.Equal(got.Trailers, m.Trailers) || !slices.Equal(Trailers(m.String()), m.Trailers) {
				t.Errorf("trailers: got %q, want %q, of %q", got.Trailers, m.Trailers, m.String())
			}
			if want := plainText(m.Body); got.Body != want {
				t.Errorf("body: got %q, want %q, of %q", got.Body, want, m.String())
			}
			if again := ParseMessage(got.String()); !reflect.DeepEqual(again, got) {
				t.Errorf("again: got %q, want %q", again, got)
			}
		}
	}
}

func FuzzTrailers(f *testing.F) {
	for _, text := range nasty {
		f.Add(text, "subject\n\nKey: "+text)
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		want := []Trailer{{"Reason", text}, {"Entry", "led-1"}}
		m := Message{text, message, want}
		if got := ParseMessage(m.String()); !slices.Equal(got.Trailers, want) {
			t.Errorf("got %q, want %q, of %q", got.Trailers, want, m.String())
		}
		m.Trailers = nil
		if got := Trailers(m.String()); len(got) > 0 {
			t.Errorf("got %q out of text alone: %q", got, m.String())
		}
		parsed := ParseMessage(message)
		if again := ParseMessage(parsed.String()); !slices.Equal(again.Trailers, parsed.Trailers) {
			t.Errorf("again: got %q, want %q, of %q", again.Trailers, parsed.Trailers, message)
		}
	})
}
