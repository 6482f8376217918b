package gitsync

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
)

func TestParseTagName(t *testing.T) {
	t.Parallel()
	plain, typed, rooted := LayoutPlain, LayoutTyped, LayoutRooted
	for _, tt := range []struct {
		ref  string
		want TagName
	}{
		{"refs/tags/components/my-prompt/v1.0.0", TagName{plain, "", "my-prompt", "v1.0.0", "v1.0.0", ""}},
		{"components/my-prompt/v1.0.0", TagName{plain, "", "my-prompt", "v1.0.0", "v1.0.0", ""}},
		{"components/my-prompt/1.0.0", TagName{plain, "", "my-prompt", "1.0.0", "v1.0.0", ""}},
		{"components/my-prompt/v1.10.0-rc.1", TagName{plain, "", "my-prompt", "v1.10.0-rc.1", "v1.10.0-rc.1", ""}},
		{"components/my-prompt/prod", TagName{plain, "", "my-prompt", "prod", "", "prod"}},
		{"components/my-prompt/prod-us-west", TagName{plain, "", "my-prompt", "prod-us-west", "", "prod-us-west"}},
		{"agents/helper/v2.0.0", TagName{typed, "agent", "helper", "v2.0.0", "v2.0.0", ""}},
		{"prompts/my-prompt/v1.0.0", TagName{typed, "prompt", "my-prompt", "v1.0.0", "v1.0.0", ""}},
		{"queries/users/staging", TagName{typed, "query", "users", "staging", "", "staging"}},
		{"components/prompts/my-prompt/v1.0.0", TagName{rooted, "prompt", "my-prompt", "v1.0.0", "v1.0.0", ""}},
		{"logic/scripts/transform/prod", TagName{rooted, "script", "transform", "prod", "", "prod"}},
		{"components/ensembles/flow/canary", TagName{rooted, "ensemble", "flow", "canary", "", "canary"}},

		// A component that is called as a sort of components is.
		{"components/prompts/v1.0.0", TagName{plain, "", "prompts", "v1.0.0", "v1.0.0", ""}},
		{"components/prompts/x", TagName{plain, "", "prompts", "x", "", "x"}},
		{"components/prompts/prompts/v1.0.0", TagName{rooted, "prompt", "prompts", "v1.0.0", "v1.0.0", ""}},
		{"prompts/components/prod", TagName{typed, "prompt", "components", "prod", "", "prod"}},

		// Tags of somebody's own: neither a version nor an environment.
		{"components/x/latest", TagName{Layout: plain, Component: "x", Slot: "latest"}},
		{"components/x/7", TagName{Layout: plain, Component: "x", Slot: "7"}},
		{"components/x/v1.0.0+build", TagName{Layout: plain, Component: "x", Slot: "v1.0.0+build"}},
		{"components/x/v1.0.0_1", TagName{Layout: plain, Component: "x", Slot: "v1.0.0_1"}},
		{"components/x/v01.0.0", TagName{Layout: plain, Component: "x", Slot: "v01.0.0"}},
		{"components/x/1.2.3.4", TagName{Layout: plain, Component: "x", Slot: "1.2.3.4"}},
		{"components/x/v1.0.0^{}", TagName{Layout: plain, Component: "x", Slot: "v1.0.0^{}"}},
		{"components/x/déployé", TagName{Layout: plain, Component: "x", Slot: "déployé"}},
	} {
		if got, ok := ParseTagName(tt.ref); !ok || got != tt.want {
			t.Errorf("%s: got %+v %t, want %+v", tt.ref, got, ok, tt.want)
		}
	}
}

func TestTagsThatBelongToNoComponent(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{
		"", "v1.0.0", "components", "components/x", "components//v1.0.0", "components/x/", "/x/prod", "releases/x/v1.0.0",
		"components/things/x/v1.0.0", "logic/x/v1.0.0", "logic/things/x/v1.0.0", "libs/prompts/x/v1.0.0", "components/prompts/x/v1.0.0/y",
		"components/-x/v1.0.0", "components/x.lock/v1.0.0", "components/a b/v1.0.0", "components/" + strings.Repeat("x", 129) + "/v1.0.0",
		"refs/heads/components/x/v1.0.0", "refs/tags/refs/tags/components/x/v1.0.0", "components/x@y/prod",
	} {
		if got, ok := ParseTagName(ref); ok {
			t.Errorf("%q is %+v", ref, got)
		}
	}
}

func TestTagsAreReadAsTheyAreMade(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name, label, display := aName(t, "name"), aLabel(t, "label"), aWord(t, "display")
		got, ok := ParseTagName(VersionTag(name, label))
		if want := (TagName{LayoutPlain, "", name, string(label), label, ""}); !ok || got != want {
			t.Fatalf("got %+v %t, want %+v", got, ok, want)
		}
		got, ok = ParseTagName(EnvironmentTag(name, display))
		want := TagName{LayoutPlain, "", name, display, "", display}
		if !ok || got != want && !versionLike.MatchString(display) {
			t.Fatalf("got %+v %t, want %+v", got, ok, want)
		}
	})
}

func TestParseDeployMessage(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]Deed{
		"Deploy my-prompt@v1.0.0 to prod":                            {sluice.ActionDeploy, "my-prompt", "v1.0.0", "", "prod"},
		"Deploy my-prompt@v1.0.0 to prod\n":                          {sluice.ActionDeploy, "my-prompt", "v1.0.0", "", "prod"},
		"Deploy my-prompt@7 to prod-us-west\n\nEntry: abcd1234-7":    {sluice.ActionDeploy, "my-prompt", "7", "", "prod-us-west"},
		"Deploy my-prompt@0123456789abcdef to prod":                  {sluice.ActionDeploy, "my-prompt", "0123456789abcdef", "", "prod"},
		"Promote my-prompt from staging to prod":                     {sluice.ActionPromote, "my-prompt", "", "staging", "prod"},
		"Rollback my-prompt in prod to v1.0.0-rc.1":                  {sluice.ActionRollback, "my-prompt", "v1.0.0-rc.1", "", "prod"},
		"Rollback to in to to to":                                    {sluice.ActionRollback, "to", "to", "", "to"},
		"Deploy x@v1.0.0 to prod and more":                           {},
		"deploy x@v1.0.0 to prod":                                    {},
		"Deploy x@v1.0.0":                                            {},
		"Deploy x to prod":                                           {},
		"Deploy ../x@v1.0.0 to prod":                                 {},
		"Deploy x@v1.0.0 to v1.0.0":                                  {},
		"Deploy x@y@z to prod":                                       {},
		"Promote x from latest to prod":                              {},
		"Rollback x in a/b to v1.0.0":                                {},
		"":                                                           {},
		"Deploy x@" + strings.Repeat("1", maxSubjectBytes) + " to p": {},
	} {
		if got, ok := ParseDeployMessage(message); got != want && ok || ok != (want != Deed{}) {
			t.Errorf("%.60q: got %+v %t, want %+v", message, got, ok, want)
		}
	}
}
