package runner_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// says is a workflow whose output says which version ran with which variables.
func says(version string) string {
	return "blocks: [{id: a, block: echo, value: \"" + version + " {{ env.PLAIN | default('-') }} {{ env.KEY | default('-') | length }} {{ env.KEY | default('-') }}\"}]\n"
}

// TestPast runs what was live in an earlier release: versions and plain variables
// as they were then, and secrets as they are now.
func TestPast(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, v := range []string{"one", "two", "three"} {
		h.publish("bot", sluice.KindWorkflow, says(v))
	}
	h.deploy("production", setVersion("bot", "1"), setVariable("PLAIN", "then", false), setVariable("KEY", "old-secret", true))
	h.clock.advance(time.Hour)
	h.deploy("production", setVersion("bot", "2"))
	h.clock.advance(time.Hour)
	h.deploy("production", setVersion("bot", "3"), setVariable("PLAIN", "now", false), setVariable("KEY", "the-new-secret", true))
	for _, tt := range []struct {
		environment string
		configured  bool
		release     int64
		want        string
	}{
		{"production", true, 3, `completed "three now 14 «KEY»"`},
		{"prod", false, 3, `completed "three - 1 -"`},
		{"production#1", true, 1, `completed "one then 14 «KEY»"`},
		{"production#2", true, 2, `completed "two then 14 «KEY»"`},
		{"production@2024-11-12T14:59:59Z", true, 1, `completed "one then 14 «KEY»"`},
		{"production@2024-11-12T15:00:00Z", true, 2, `completed "two then 14 «KEY»"`},
		{"production@2030-01-01T00:00:00Z", true, 3, `completed "three now 14 «KEY»"`},
	} {
		t.Run(fmt.Sprint(tt.environment, tt.configured), func(t *testing.T) {
			run := h.rest(h.start(sluice.StartRunRequest{Component: "bot", Environment: tt.environment, Configured: tt.configured}))
			h.want(run, tt.want)
			m, err := h.State(h.ctx, sluice.EnvironmentRef{Name: "production", Release: tt.release, Exact: true})
			if err != nil {
				t.Fatal(err)
			}
			if run.Environment != "production" || run.Release != tt.release || run.Root != m.Root || run.Epoch != m.Epoch {
				t.Errorf("the record says %s#%d %s epoch %d, want production#%d %s epoch %d",
					run.Environment, run.Release, run.Root, run.Epoch, tt.release, m.Root, m.Epoch)
			}
			if warned := strings.Join(sluice.WarningTexts(run.Warnings, sluice.PlainWords), ", "); warned == "" == !tt.configured {
				t.Errorf("configured %t, and the warnings are %q", tt.configured, warned)
			}
		})
	}
	for environment, code := range map[string]sluice.Code{
		"production#4": sluice.NotFound, "production#0": sluice.NotFound, "production@2024-01-01T00:00:00Z": sluice.NotFound, "nowhere": sluice.NotFound, "production@never": sluice.Invalid,
	} {
		_, err := h.StartRun(h.ctx, sluice.StartRunRequest{Component: "bot", Environment: environment})
		refused(t, environment, err, code)
	}
}

// TestVersionOverride runs a version that is not live with the configuration of
// the environment: a smoke test before it is deployed.
func TestVersionOverride(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.publish("bot", sluice.KindWorkflow, says("one"))
	v2, err := h.Publish(h.ctx, sluice.PublishRequest{
		Component: "bot", Label: "v2.0.0", Files: []sluice.File{{Path: "bot.yaml", Text: says("two")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.deploy("production", setVersion("bot", "1"), setVariable("PLAIN", "plain", false))
	for version, want := range map[string]string{
		"": "one", "0": "one", "2": "two", "v2.0.0": "two", "latest": "two", "1": "one", string(v2.Version.Digest): "two",
	} {
		run := h.rest(h.start(sluice.StartRunRequest{Component: "BOT", Version: version, Environment: "production", Configured: true}))
		h.want(run, `completed "`+want+` plain 1 -"`)
		if run.Component != "bot" || run.Version == 0 || run.Digest == "" {
			t.Errorf("version %q: the record names %s@%s %s", version, run.Component, run.Pin, run.Digest)
		}
	}
	_, err = h.StartRun(h.ctx, sluice.StartRunRequest{Component: "bot", Version: "9"})
	refused(t, "version 9", err, sluice.NotFound)
	h.publish("other", sluice.KindWorkflow, says("other"))
	_, err = h.StartRun(h.ctx, sluice.StartRunRequest{Component: "other"})
	refused(t, "what is not live", err, sluice.NotFound, "not live in production", "version:")
}

// TestLatestIsPinnedAtPublish: name@latest is what it meant when the workflow was
// published, and a bare name what is live.
func TestLatestIsPinnedAtPublish(t *testing.T) {
	t.Parallel()
	h := open(t)
	word := func(w string) string { return "blocks: [{id: a, block: echo, value: " + w + "}]\n" }
	h.publish("part", sluice.KindWorkflow, word("zeroth"))
	h.publish("part", sluice.KindWorkflow, word("first"))
	h.release("main", `blocks:
  - {id: latest, block: workflow, component: part@latest}
  - {id: live, block: workflow, component: part}
  - {id: fixed, block: workflow, component: part@1}
output: "{{ latest.output }} {{ live.output }} {{ fixed.output }}"
`)
	h.publish("part", sluice.KindWorkflow, word("third"))
	h.deploy("production", setVersion("part", "3"))
	run := h.do("main", "")
	h.want(run, `completed "first third zeroth"`)
	var pins []string
	for _, p := range run.Components {
		pins = append(pins, fmt.Sprintf("%s=%s@%s %s", p.Asked, p.Component, p.Pin, p.Kind))
	}
	if got, want := strings.Join(pins, ", "), "part@latest=part@2 workflow, part=part@3 workflow, part@1=part@1 workflow"; got != want {
		t.Errorf("got the pins\n%s, want\n%s", got, want)
	}
}

// TestLatestIsEachPublishersOwn: two workflows that were published at different
// times mean different versions by the same words.
func TestLatestIsEachPublishersOwn(t *testing.T) {
	t.Parallel()
	h := open(t)
	word := func(w string) string { return "blocks: [{id: a, block: echo, value: " + w + "}]\n" }
	calls := "blocks: [{id: a, block: workflow, component: part@latest}]\n"
	h.publish("part", sluice.KindWorkflow, word("first"))
	h.release("early", calls)
	h.publish("part", sluice.KindWorkflow, word("second"))
	h.release("late", calls)
	h.release("main", `blocks:
  - {id: one, block: workflow, component: early}
  - {id: two, block: workflow, component: late}
output: "{{ one.output }} {{ two.output }}"
`)
	h.want(h.do("main", ""), `completed "first second"`)
}

// TestSplit: a key gets the same version each time, also for what is called, and
// all versions of the split are seen.
func TestSplit(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, v := range []string{"one", "two"} {
		h.publish("part", sluice.KindWorkflow, "blocks: [{id: a, block: echo, value: "+v+"}]\n")
	}
	h.release("main", "blocks: [{id: a, block: workflow, component: part}]\n")
	h.deploy("production", sluice.ChangeRequest{Component: "part", Split: []sluice.ShareRequest{{Version: "1", Weight: 5000}, {Version: "2", Weight: 5000}}})
	seen := map[string]int{}
	for user := range 24 {
		key := fmt.Sprint("user-", user)
		var first string
		for range 2 {
			whole := h.rest(h.start(sluice.StartRunRequest{Component: "main", Key: key}))
			part := h.rest(h.start(sluice.StartRunRequest{Component: "part", Key: key}))
			if told(whole) != told(part) || first != "" && told(part) != first {
				t.Errorf("%s: got %s through main, %s, and before %q; want the same", key, told(whole), told(part), first)
			}
			first = told(part)
			seen[first]++
		}
	}
	if len(seen) != 2 {
		t.Errorf("24 users got %v, want both versions", seen)
	}
}

// TestEnsemble gives each of a thousand users exactly one of two variants, and
// the same one each time.
func TestEnsemble(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, v := range []string{"v1.5.0", "v1.8.0"} {
		if _, err := h.Publish(h.ctx, sluice.PublishRequest{
			Component: "my-prompt", Kind: sluice.KindPrompt, Label: v, Files: []sluice.File{{Path: "p.md", Text: v}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	h.release("ab", `ensemble: ab
agents:
  - {name: variant-a, operation: think, component: my-prompt@v1.5.0, condition: "${input.user_id % 2 === 0}"}
  - {name: variant-b, operation: think, component: my-prompt@v1.8.0, condition: "${input.user_id % 2 === 1}"}
`)
	h.release("main", `blocks:
  - id: users
    block: foreach
    items: "{{ range(1000) | list }}"
    concurrency: 16
    blocks: [{id: one, block: workflow, component: ab, input: {user_id: "{{ item }}"}}]
`)
	for range 2 {
		run := h.do("main", "")
		var got []map[string]string
		if err := json.Unmarshal(run.Output, &got); err != nil || len(got) != 1000 {
			t.Fatalf("got %d users (%v): %s", len(got), err, told(run))
		}
		for user, variants := range got {
			name, version := "variant-a", "v1.5.0"
			if user%2 == 1 {
				name, version = "variant-b", "v1.8.0"
			}
			if len(variants) != 1 || variants[name] != version {
				t.Fatalf("user %d: got %v, want %s of %s alone", user, variants, version, name)
			}
		}
	}
}
