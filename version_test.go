package sluice_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

func sha(text string) sluice.Digest {
	sum := sha256.Sum256([]byte(text))
	return sluice.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// TestDigestOfFiles works the digest out from its definition.
func TestDigestOfFiles(t *testing.T) {
	files := []sluice.File{{Path: "b.md", Text: "two"}, {Path: "a.md", Text: "one"}, sluice.NewFile("c.bin", []byte{0xff, 0x00}), {Path: "empty"}}
	want := sha(fmt.Sprintf("sluice-version-1\n%s a.md\n%s b.md\n%s c.bin\n%s empty\n", sha("one"), sha("two"), sha("\xff\x00"), sha("")))
	infos, digest, err := sluice.CheckFiles(files)
	if err != nil || digest != want {
		t.Fatalf("digest is %s, %v; want %s", digest, err, want)
	}
	if len(infos) != 4 || infos[0].Path != "a.md" || infos[2].Size != 2 || infos[3].Size != 0 {
		t.Errorf("files are %+v", infos)
	}
	files[0], files[3] = files[3], files[0]
	if _, other, err := sluice.CheckFiles(files); err != nil || other != want {
		t.Errorf("in another order the digest is %s, %v", other, err)
	}
	files[0].Path = "renamed"
	if _, other, err := sluice.CheckFiles(files); err != nil || other == want {
		t.Errorf("with another path the digest is the same, %v", err)
	}
}

func TestCheckFiles(t *testing.T) {
	big := strings.Repeat("x", sluice.MaxFileBytes)
	many := func(n int, text string) (out []sluice.File) {
		for i := range n {
			out = append(out, sluice.File{Path: fmt.Sprintf("f%d", i), Text: text})
		}
		return out
	}
	one := func(path string) []sluice.File { return []sluice.File{{Path: path, Text: "x"}} }
	for name, c := range map[string]struct {
		files []sluice.File
		want  sluice.Code
	}{
		"one":                    {one("prompt.md"), ""},
		"a path":                 {one("a/b/c d.md"), ""},
		"the longest path":       {one(strings.Repeat("p", sluice.MaxPathBytes)), ""},
		"too long a path":        {one(strings.Repeat("p", sluice.MaxPathBytes+1)), sluice.Invalid},
		"none":                   {nil, sluice.LimitExceeded},
		"as many as may be":      {many(sluice.MaxFiles, "x"), ""},
		"one too many":           {many(sluice.MaxFiles+1, "x"), sluice.LimitExceeded},
		"as large as may be":     {[]sluice.File{{Path: "a", Text: big}}, ""},
		"one byte too large":     {[]sluice.File{{Path: "a", Text: big + "x"}}, sluice.LimitExceeded},
		"as large together":      {many(4, big), ""},
		"too large together":     {append(many(4, big), one("g")...), sluice.LimitExceeded},
		"twice":                  {append(one("a"), one("a")...), sluice.Invalid},
		"text and bytes":         {[]sluice.File{{Path: "a", Text: "x", Base64: []byte("y")}}, sluice.Invalid},
		"no path":                {one(""), sluice.Invalid},
		"absolute":               {one("/etc/passwd"), sluice.Invalid},
		"up":                     {one("../a"), sluice.Invalid},
		"up from within":         {one("a/../../b"), sluice.Invalid},
		"dot":                    {one("."), sluice.Invalid},
		"not clean":              {one("a//b"), sluice.Invalid},
		"backslash":              {one(`a\b`), sluice.Invalid},
		"newline":                {one("a\nb"), sluice.Invalid},
		"zero byte":              {one("a\x00b"), sluice.Invalid},
		"not UTF-8":              {one("a\xff"), sluice.Invalid},
		"a slash at the end":     {one("a/"), sluice.Invalid},
		"dots that are no steps": {one("..a/b..c"), ""},
	} {
		if _, _, err := sluice.CheckFiles(c.files); sluice.CodeOf(err) != c.want {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}

func TestNewFile(t *testing.T) {
	for _, content := range []string{"", "text", "Ünï", "\xff\xfe", "a\x00b"} {
		f := sluice.NewFile("p", []byte(content))
		if string(f.Bytes()) != content || f.Info().Digest != sha(content) || f.Info().Size != int64(len(content)) {
			t.Errorf("%q came back as %q, %+v", content, f.Bytes(), f.Info())
		}
	}
}

func TestDigestShort(t *testing.T) {
	if got := sha("x").Short(); len(got) != len("sha256:")+12 || !strings.HasPrefix(string(sha("x")), got) {
		t.Errorf("short is %q", got)
	}
	if got := sluice.Digest("sha256:ab").Short(); got != "sha256:ab" {
		t.Errorf("short is %q", got)
	}
}
