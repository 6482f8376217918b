package scriptum

import (
	"regexp"
	"testing"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

// TestAdviceNamesCallsThatExist checks what callers of this adapter are advised:
// each call is one of the service, each field one of some message, and nothing is
// of the command line.
func TestAdviceNamesCallsThatExist(t *testing.T) {
	t.Parallel()
	methods := pb.File_scriptum_proto.Services().Get(0).Methods()
	known := map[string]bool{}
	for i := range methods.Len() {
		known[string(methods.Get(i).Name())] = true
	}
	ofCommandLine := regexp.MustCompile("`|--[a-z]")
	for _, name := range sluice.Operations() {
		for _, arguments := range []sluice.Arguments{nil, {sluice.ArgComponent: "bot", sluice.ArgKeys: "A B"}, {sluice.ArgKeys: "A B"}} {
			op := sluice.Operation{Name: name, Arguments: arguments}
			if call := callOf(op); call != "" && !known[call] {
				t.Errorf("%s: there is no call %s", name, call)
			}
			if text, ok := speech.Operation(op); !ok || text == "" || ofCommandLine.MatchString(text) {
				t.Errorf("%s: %q", name, text)
			}
		}
	}
	for _, tt := range []struct {
		advice sluice.Advice
		want   string
		given  bool
	}{
		{sluice.Do(sluice.SetVariables("production", "", "MODEL"), "set it"), "set MODEL in production with SetEnvVar", true},
		{sluice.Ask("run it with {configured}, or give it {timeout}"), "run it with load_env: true, or give it timeout", true},
		{sluice.Ask("go on with {retry} or {result}"), `go on with {"retry": true} or {"result": …}`, true},
		{sluice.Ask("{token}"), "send the metadata authorization: Bearer TOKEN", true},
		{sluice.Ask("add {further}"), "add ", false},
	} {
		if got, given := tt.advice.In(speech); got != tt.want || given != tt.given {
			t.Errorf("got %q, %t, want %q, %t", got, given, tt.want, tt.given)
		}
	}
}
