package sluice_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
)

// dotenvFiles are files as people have them, and what they mean.
var dotenvFiles = map[string]struct {
	text string
	want []sluice.Assignment
}{
	"nothing":  {"", nil},
	"comments": {"# one\n\n   # two\n\t\n", nil},
	"plain":    {"A=1\nB_2=two words\n_C=x", []sluice.Assignment{{"A", "1", 1}, {"B_2", "two words", 2}, {"_C", "x", 3}}},
	"blanks":   {"  A  =  1  \n\tB\t=\t2\t\n", []sluice.Assignment{{"A", "1", 1}, {"B", "2", 2}}},
	"empty values": {"A=\nB=  \nC=''\nD=\"\"\nE= # none\n", []sluice.Assignment{
		{"A", "", 1}, {"B", "", 2}, {"C", "", 3}, {"D", "", 4}, {"E", "", 5},
	}},
	"export": {"export A=1\nexport\tB=2\nexported=3\nexport=4\n", []sluice.Assignment{
		{"A", "1", 1}, {"B", "2", 2}, {"exported", "3", 3}, {"export", "4", 4},
	}},
	"hashes": {"A=#fff\nB=a#b\nC=a #b\nD='a #b' # c\nE=\"a #b\"#c\nF=a\t#b\n", []sluice.Assignment{
		{"A", "#fff", 1}, {"B", "a#b", 2}, {"C", "a", 3}, {"D", "a #b", 4}, {"E", "a #b", 5}, {"F", "a", 6},
	}},
	"windows":                 {"\ufeffA=1\r\nB='x\r\ny'\r\n\r\nC=3\r\n", []sluice.Assignment{{"A", "1", 1}, {"B", "x\ny", 2}, {"C", "3", 5}}},
	"old mac":                 {"A=1\rB=\"2\"\r# c\rC=3", []sluice.Assignment{{"A", "1", 1}, {"B", "2", 2}, {"C", "3", 4}}},
	"line ends within quotes": {"A=\"x\r\ny\rz\\r\"\nB=`x\r\ny`\nC=3", []sluice.Assignment{{"A", "x\ny\nz\r", 1}, {"B", "x\ny", 4}, {"C", "3", 6}}},
	"backticks": {"A=`a #b`\nB=`it's \"x\" \\n $X`# c\nC=a`b\nD=``\n", []sluice.Assignment{
		{"A", "a #b", 1}, {"B", `it's "x" \n $X`, 2}, {"C", "a`b", 3}, {"D", "", 4},
	}},
	"urls": {"U=postgres://u:p%40w@h:5432/d?sslmode=require&x=1\nV=https://h/p#frag\n", []sluice.Assignment{
		{"U", "postgres://u:p%40w@h:5432/d?sslmode=require&x=1", 1}, {"V", "https://h/p#frag", 2},
	}},
	"no expansion": {"A=$HOME\nB=\"${HOME} `id` \\$X\"\nC='$HOME'\n", []sluice.Assignment{
		{"A", "$HOME", 1}, {"B", "${HOME} `id` $X", 2}, {"C", "$HOME", 3},
	}},
	"escapes": {`A="a\nb\tc\rd\\e\"f\` + "`" + `g\xh\'"` + "\n" + `B='a\nb'` + "\n" + `C=a\nb` + "\n", []sluice.Assignment{
		{"A", "a\nb\tc\rd\\e\"f`g\\xh\\'", 1}, {"B", `a\nb`, 2}, {"C", `a\nb`, 3},
	}},
	"windows paths": {`A='C:\new\table'` + "\n" + `B=C:\new` + "\n" + `C="C:\\new"` + "\n", []sluice.Assignment{
		{"A", `C:\new\table`, 1}, {"B", `C:\new`, 2}, {"C", `C:\new`, 3},
	}},
	"json": {`A={"a": [1, "b"], "c": "#d"}` + "\n" + `B='{"a": "it"}'` + "\n", []sluice.Assignment{
		{"A", `{"a": [1, "b"], "c": "#d"}`, 1}, {"B", `{"a": "it"}`, 2},
	}},
	"a certificate": {"A=\"-----BEGIN KEY-----\nabc=\n# no comment\n-----END KEY-----\n\"\nB=2\n", []sluice.Assignment{
		{"A", "-----BEGIN KEY-----\nabc=\n# no comment\n-----END KEY-----\n", 1}, {"B", "2", 6},
	}},
	"quotes within": {`A=it's "quoted"` + "\n" + `B="it's"` + "\n" + `C='"'` + "\n", []sluice.Assignment{
		{"A", `it's "quoted"`, 1}, {"B", "it's", 2}, {"C", `"`, 3},
	}},
	"unicode":    {"A=grüße 🎉\nB=\"日本\"\n", []sluice.Assignment{{"A", "grüße 🎉", 1}, {"B", "日本", 2}}},
	"twice":      {"A=1\nA=2\n", []sluice.Assignment{{"A", "1", 1}, {"A", "2", 2}}},
	"equals":     {"A==\nB=a=b\n", []sluice.Assignment{{"A", "=", 1}, {"B", "a=b", 2}}},
	"a backfill": {"A=\"x\\\\\"\nB=y\\\n", []sluice.Assignment{{"A", `x\`, 1}, {"B", `y\`, 2}}},
}

func TestParseDotenv(t *testing.T) {
	t.Parallel()
	for name, test := range dotenvFiles {
		got, err := sluice.ParseDotenv(".env", test.text)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, test.want)
		}
	}
}

// TestDotenvRefusals checks places and words; hush stands where a secret could.
func TestDotenvRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"hush":                              ".env:1:1: no KEY=VALUE",
		"A=1\n  hush hush\n":                ".env:2:3: no KEY=VALUE",
		"export A":                          ".env:1:8: no KEY=VALUE",
		"=hush":                             ".env:1:1: no key before the =",
		"HUSH-KEY=1":                        ".env:1:5: a key has letters, digits and underscores only",
		"GRÜSSE=hush":                       ".env:1:3: a key has letters, digits and underscores only",
		"A hush=1":                          ".env:1:2: a key has letters, digits and underscores only",
		"1A=hush":                           ".env:1:1: a key does not begin with a digit",
		strings.Repeat("A", 129) + "=1":     ".env:1:1: the key is longer than 128 characters",
		"A='x' hush":                        ".env:1:7: only a comment may follow the closing quote",
		"ü=1\nA=\"x\"hush":                  ".env:1:1: a key has letters, digits and underscores only; .env:2:6: only a comment may follow the closing quote",
		"A=1\nB=\"hush\nC=2\n":              ".env:2:3: the quote that opens here is not closed",
		"A='hush":                           ".env:1:3: the quote that opens here is not closed",
		`A="hush\"`:                         ".env:1:3: the quote that opens here is not closed",
		"A=\r\nhush\r\n":                    ".env:2:1: no KEY=VALUE",
		"A=a\x00hush":                       ".env:1:4: this is a NUL byte",
		"A=1\nB='a\nb\xff'":                 ".env:3:2: this byte is not UTF-8",
		"# hush \xfe\nA=1":                  ".env:1:8: this byte is not UTF-8",
		"A=`hush":                           ".env:1:3: the quote that opens here is not closed",
		"A=`hush\\` b`":                     ".env:1:9: a backslash before a backtick is read differently by others; use double quotes; .env:1:11: only a comment may follow the closing quote",
		strings.Repeat("hush\n", 7):         ".env:1:1: no KEY=VALUE; .env:2:1: no KEY=VALUE; .env:3:1: no KEY=VALUE; .env:4:1: no KEY=VALUE; .env:5:1: no KEY=VALUE and 2 more",
		"A=" + strings.Repeat("x", 1<<16):   "",
		"\nA=" + strings.Repeat("x", 1<<20): ".env:2:1: the value of A is 1048576 bytes; the limit is 65536",
		strings.Repeat("A=1\n", 10_001):     ".env:10001:1: more than 10000 assignments",
		strings.Repeat("#", 5<<20):          ".env has 5242880 bytes; the limit is 4194304",
	} {
		got, err := sluice.ParseDotenv(".env", text)
		if want == "" {
			if err != nil {
				t.Errorf("%.40q: %v", text, err)
			}
			continue
		}
		if err == nil || err.Error() != want {
			t.Errorf("%.40q: got %v, %v, want %s", text, got, err, want)
			continue
		}
		if e := sluice.AsError(err); len(e.Fixes) == 0 || strings.Contains(err.Error()+strings.Join(sluice.Texts(e.Fixes), ""), "hush") {
			t.Errorf("%.40q: %v, fixes %q", text, err, e.Fixes)
		}
	}
}

// TestDotenvIsLinear reads what makes a careless reader go back again and again:
// a quadratic one would not end within the test's time.
func TestDotenvIsLinear(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"'", "\"", "\\", "=", "\r", "\n", " ", "#", "A='", "A=\"\n", "''\n", "A\r\n", " \t", "A=1\r"} {
		text := strings.Repeat(unit, sluice.MaxDotenvBytes/len(unit))
		if _, err := sluice.ParseDotenv(".env", text); sluice.CodeOf(err) == sluice.Internal {
			t.Errorf("%q: %v", unit, err)
		}
	}
}

// TestParseDockerEnv reads files as docker does, whose values are all that follows
// the sign.
func TestParseDockerEnv(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                       "[]",
		"\ufeffA=1\r\n\r\n  # c\n\tB = x # y \n": ".env:4:3: a key has letters, digits and underscores only",
		"\ufeffA=1\r\n\r\n  # c\n\tB=x # y \n":   `[{"A" "1" 1} {"B" "x # y " 4}]`,
		"A='x'\nB=\"y\nC=`z`\nD==\nE=":           "[{\"A\" \"'x'\" 1} {\"B\" \"\\\"y\" 2} {\"C\" \"`z`\" 3} {\"D\" \"=\" 4} {\"E\" \"\" 5}]",
		"A=1\nexport B=2":                        ".env:2:7: a key has letters, digits and underscores only",
		"A=1\n HOME":                             ".env:2:2: a key without = would take its value from an environment, and there is none here",
		"hush hush":                              ".env:1:1: no KEY=VALUE",
		"=hush":                                  ".env:1:1: no key before the =",
		"A=h\xfcsh":                              ".env:1:4: this byte is not UTF-8",
	} {
		list, err := sluice.ParseAssignments(sluice.DialectDocker, ".env", text)
		parts := []string{}
		for _, a := range list {
			parts = append(parts, fmt.Sprintf("{%q %q %d}", a.Key, a.Value, a.Line))
		}
		got := fmt.Sprint(parts)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if _, err := sluice.ParseAssignments("bash", ".env", ""); sluice.CodeOf(err) != sluice.Invalid {
		t.Errorf("another dialect: %v", err)
	}
}

func TestLastOf(t *testing.T) {
	t.Parallel()
	kept, repeated := sluice.LastOf([]sluice.Assignment{{"A", "1", 1}, {"B", "2", 2}, {"A", "3", 3}, {"A", "4", 4}})
	if want := []sluice.Assignment{{"B", "2", 2}, {"A", "4", 4}}; !slices.Equal(kept, want) {
		t.Errorf("kept %v", kept)
	}
	if want := []sluice.Assignment{{"A", "1", 1}, {"A", "3", 3}}; !slices.Equal(repeated, want) {
		t.Errorf("repeated %v", repeated)
	}
}

// anyValue draws values with a liking for what has a meaning somewhere.
func anyValue(rt *rapid.T, label string) string {
	parts := rapid.SliceOfN(rapid.OneOf(
		rapid.SampledFrom([]string{"'", "\"", "\\", "\n", "\r\n", "\r", "\t", " ", "#", " #", "$", "$HOME", "`id`", "=", "\\n", "\ufeff", "é", "🎉", "!", "%s", "export "}),
		rapid.StringN(0, 8, -1),
	), 0, 6).Draw(rt, label)
	return strings.ReplaceAll(strings.ToValidUTF8(strings.Join(parts, ""), "?"), "\x00", "0")
}

func TestDotenvRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var list []sluice.Assignment
		for range rapid.IntRange(0, 5).Draw(rt, "lines") {
			key := rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,20}`).Draw(rt, "key")
			list = append(list, sluice.Assignment{Key: key, Value: anyValue(rt, "value")})
		}
		text := sluice.FormatDotenv(list)
		got, err := sluice.ParseDotenv(".env", text)
		if err != nil {
			rt.Fatalf("%q: %v", text, err)
		}
		for i := range list {
			list[i].Line = i + 1 // whatever a value holds, it is written on one line
		}
		if !slices.Equal(got, list) {
			rt.Fatalf("%q: got %v, want %v", text, got, list)
		}
	})
}

// TestShellRoundTrip has a real shell evaluate values.
func TestShellRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var list []sluice.Assignment
		script := ""
		for _, key := range []string{"SLUICE_A", "SLUICE_B", "SLUICE_C", "SLUICE_D"} {
			list = append(list, sluice.Assignment{Key: key, Value: anyValue(rt, key)})
			script += `printf '%s|' "$` + key + "\"\n"
		}
		out, err := exec.Command("/bin/sh", "-c", sluice.FormatShell(list)+script).CombinedOutput()
		want := list[0].Value + "|" + list[1].Value + "|" + list[2].Value + "|" + list[3].Value + "|"
		if err != nil || string(out) != want {
			rt.Fatalf("got %q, %v, want %q", out, err, want)
		}
	})
}

func FuzzDotenv(f *testing.F) {
	for _, file := range dotenvFiles {
		f.Add(file.text)
	}
	f.Add("A=\"\\")
	f.Add("A='\nB=\"'\"")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := sluice.ParseDotenv("f", text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 1000 {
				t.Errorf("the error goes on: %q", err)
			}
			return
		}
		again, err := sluice.ParseDotenv("f", sluice.FormatDotenv(list))
		if err != nil || len(again) != len(list) {
			t.Fatalf("%q: got %v, %v", text, again, err)
		}
		for i, a := range list {
			if sluice.CheckKey(a.Key) != nil || sluice.CheckValue(a.Key, a.Value) != nil {
				t.Errorf("%v is not valid", a)
			}
			if again[i].Key != a.Key || again[i].Value != a.Value {
				t.Errorf("%v came back as %v", a, again[i])
			}
		}
	})
}
