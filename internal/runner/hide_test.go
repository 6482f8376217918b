package runner

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestHide hides what messages make of secrets, and leaves what is none.
func TestHide(t *testing.T) {
	t.Parallel()
	secret := func(key, value string) sluice.Variable {
		v := sluice.Variable{Key: key, Value: &value}
		v.Secret = true
		return v
	}
	plain := "in plain sight"
	all := []sluice.Variable{
		secret("TOKEN", "open-sesame-1234"), secret("LINES", " first\n\tsecond  third "), secret("PIN", "717433086178248"), {Key: "PLAIN", Value: &plain}, {Key: "GONE"},
	}
	all[len(all)-1].Secret = true
	all = append(all, spellings(all)...)
	x := &execution{masker: sluice.NewMasker(all)}
	for _, v := range all {
		if v.Secret && v.Value != nil {
			x.secrets = append(x.secrets, v)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{"open-sesame-1234", "«TOKEN»"},
		{"it says open-sesame…", "it says «TOKEN»…"},
		{"it says op…", "it says op…"},
		{"open-sesame", "open-sesame"},
		{"two cuts: open-s… and first\n\tse…", "two cuts: «TOKEN»… and«LINES»…"},
		{"in one line: first second third", "in one line: «LINES»"},
		{"first  second  third", "«LINES»"},
		{"7.17433086178248e+14", "«PIN»"},
		{"in plain si…", "in plain si…"},
		{"…", "…"},
		{"", ""},
	} {
		if got := x.text(tt.text); got != tt.want {
			t.Errorf("%q is shown as %q, want %q", tt.text, got, tt.want)
		}
	}
	for text, want := range map[string]string{
		`{"a": "{\"b\": \"first\\n\\tsecond  third\"}", "c": 1.50}`: "«LINES»",
		`{"a":  1.50}`: `{"a":  1.50}`,
		`no { JSON`:    `no { JSON`,
	} {
		if got := x.whole(text); !strings.Contains(got, want) {
			t.Errorf("%q is shown as %q, want %q in it", text, got, want)
		}
	}
}
