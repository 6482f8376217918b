package runner_test

import (
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

const oneBlock = "blocks: [{id: a, block: ask, prompt: Colour}]\n"

// TestWhoMayRun: running needs the permission in that environment, content that is
// not stored that to publish besides, and reading a record neither.
func TestWhoMayRun(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.release("bot", oneBlock)
	h.deploy("staging", setVersion("bot", "1"))
	run := h.do("bot", "")
	content := &sluice.RunContent{Kind: sluice.KindWorkflow, Files: []sluice.File{{Path: "a.yaml", Text: oneBlock}}}
	for _, who := range []struct {
		name         string
		roles        []sluice.Role
		environments []string
		production   bool // may run, cancel and resume there
		staging      bool
		unstored     bool // may run content in staging
	}{
		{"a viewer", []sluice.Role{sluice.RoleViewer}, nil, false, false, false},
		{"a runner", []sluice.Role{sluice.RoleRunner}, nil, true, true, false},
		{"a runner of staging", []sluice.Role{sluice.RoleRunner}, []string{"staging"}, false, true, false},
		{"a publisher", []sluice.Role{sluice.RolePublisher}, nil, false, false, false},
		{"a runner of staging who publishes", []sluice.Role{sluice.RoleRunner, sluice.RolePublisher}, []string{"staging"}, false, true, true},
		{"a deployer of production", []sluice.Role{sluice.RoleDeployer}, []string{"production"}, true, false, false},
	} {
		ctx := sluice.WithActor(t.Context(), sluice.Actor{Name: "bob", Org: "default", Roles: who.roles, Environments: who.environments})
		allowed := func(what string, want bool, err error) {
			t.Helper()
			if denied := sluice.CodeOf(err) == sluice.Denied; denied == want || err != nil && !denied {
				t.Errorf("%s, %s: got the error %v, want it allowed: %t", who.name, what, err, want)
			}
		}
		made, err := h.StartRun(ctx, sluice.StartRunRequest{Component: "bot", Environment: "production"})
		allowed("running in production", who.production, err)
		if err == nil && made.Actor != "bob" {
			t.Errorf("the run is by %s, want bob", made.Actor)
		}
		_, err = h.StartRun(ctx, sluice.StartRunRequest{Component: "bot", Environment: "stage"})
		allowed("running in staging", who.staging, err)
		_, err = h.StartRun(ctx, sluice.StartRunRequest{Content: content, Environment: "staging"})
		allowed("running content", who.unstored, err)
		_, err = h.Control.Run(ctx, run.ID)
		allowed("reading", true, err)
		own := h.do("bot", "")
		_, err = h.CancelRun(ctx, sluice.CancelRunRequest{Run: own.ID})
		allowed("cancelling in production", who.production, err)
		_, err = h.ResumeRun(ctx, sluice.ResumeRunRequest{Run: run.ID, Answer: []byte(`"red"`), Step: "9"})
		if who.production {
			refused(t, who.name+" answers what nobody asked", err, sluice.Conflict)
		} else {
			allowed("answering in production", false, err)
		}
	}
	nobody := sluice.WithActor(t.Context(), sluice.Actor{})
	_, err := h.Control.Run(nobody, run.ID)
	refused(t, "nobody reads", err, sluice.Unauthenticated)
	_, err = h.StartRun(nobody, sluice.StartRunRequest{Component: "bot"})
	refused(t, "nobody runs", err, sluice.Unauthenticated)
}

// TestUnstoredContent runs files that are no version, with what is live around
// them.
func TestUnstoredContent(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.publish("part", sluice.KindWorkflow, "blocks: [{id: a, block: echo, value: one}]\n")
	h.publish("part", sluice.KindWorkflow, "blocks: [{id: a, block: echo, value: two}]\n")
	h.deploy("production", setVersion("part", "1"), setVariable("WHO", "Bob", false))
	start := func(kind, file, text string) (sluice.Run, error) {
		return h.StartRun(h.ctx, sluice.StartRunRequest{
			Content: &sluice.RunContent{Kind: kind, Files: []sluice.File{{Path: file, Text: text}}}, Configured: true,
		})
	}
	run, err := start(sluice.KindWorkflow, "a.yaml", `blocks:
  - {id: a, block: workflow, component: part}
  - {id: b, block: workflow, component: part@latest}
  - {id: c, block: echo, value: "{{ a.output }} {{ b.output }} {{ env.WHO }} {{ run.component }}"}
`)
	if err != nil {
		t.Fatal(err)
	}
	h.want(h.rest(run), `completed "one two Bob "`)
	if run.Component != "" || run.Version != 0 || run.Digest == "" || run.Kind != sluice.KindWorkflow {
		t.Errorf("the record names %q %s %s %s, want a digest alone", run.Component, run.Pin, run.Digest, run.Kind)
	}
	for kind, file := range map[string][2]string{sluice.KindPrompt: {"p.md", "Dear {{ env.WHO }},"}, sluice.KindScript: {"s.js", "return 'Dear ' + env.WHO + ','"}} {
		run, err := start(kind, file[0], file[1])
		if err != nil {
			t.Fatal(err)
		}
		h.want(h.rest(run), `completed "Dear Bob,"`)
	}
	_, err = start(sluice.KindWorkflow, "a.yaml", "blocks: [{id: a, block: eco}]")
	refused(t, "a mistake", err, sluice.Invalid, "did you mean echo?")
	_, err = start("config", "a.yaml", "a: 1")
	refused(t, "what cannot run", err, sluice.Invalid, "config")
	_, err = h.StartRun(h.ctx, sluice.StartRunRequest{Content: &sluice.RunContent{Kind: sluice.KindWorkflow}})
	refused(t, "no files", err, sluice.LimitExceeded, "1 to 64 files")
}

// TestWhatCannotRun: a config is no program, and a version that was purged is
// gone; one in quarantine can be run on purpose.
func TestWhatCannotRun(t *testing.T) {
	t.Parallel()
	h := open(t)
	if _, err := h.Publish(h.ctx, sluice.PublishRequest{Component: "limits", Kind: "config", Files: []sluice.File{{Path: "a.yaml", Text: "a: 1"}}}); err != nil {
		t.Fatal(err)
	}
	h.deploy("production", setVersion("limits", "1"))
	_, err := h.StartRun(h.ctx, sluice.StartRunRequest{Component: "limits"})
	refused(t, "a config", err, sluice.Invalid, "config")
	for _, text := range []string{"one", "two", "three"} {
		h.publish("bot", sluice.KindWorkflow, "blocks: [{id: a, block: echo, value: "+text+"}]\n")
	}
	if _, err := h.Quarantine(h.ctx, sluice.QuarantineRequest{Component: "bot", Version: "1", Change: sluice.Change{Reason: "wrong"}}); err != nil {
		t.Fatal(err)
	}
	h.want(h.rest(h.start(sluice.StartRunRequest{Component: "bot", Version: "1"})), `completed "one"`)
	h.clock.advance(time.Hour)
	if _, err := h.Purge(h.ctx, sluice.PurgeRequest{Component: "bot", Version: "2", Change: sluice.Change{Reason: "private"}}); err != nil {
		t.Fatal(err)
	}
	_, err = h.StartRun(h.ctx, sluice.StartRunRequest{Component: "bot", Version: "2"})
	refused(t, "what was purged", err, sluice.Refused, "purged")
}

// TestDeletedEnvironment: nothing begins in an environment that was deleted, what
// waits there can be answered or ended, and records stay readable.
func TestDeletedEnvironment(t *testing.T) {
	t.Parallel()
	h := open(t)
	if _, err := h.CreateEnvironment(h.ctx, sluice.CreateEnvironmentRequest{Name: "canary"}); err != nil {
		t.Fatal(err)
	}
	h.publish("bot", sluice.KindWorkflow, "blocks: [{id: a, block: ask, prompt: Colour}, {id: b, block: echo, needs: a, value: '{{ env.PLAIN }} {{ run.environment }}'}]\n")
	h.deploy("canary", setVersion("bot", "1"), setVariable("PLAIN", "then", false))
	begin := func() sluice.Run {
		return h.rest(h.start(sluice.StartRunRequest{Component: "bot", Environment: "canary", Configured: true}))
	}
	first, second := begin(), begin()
	if _, err := h.DeleteEnvironment(h.ctx, sluice.DeleteEnvironmentRequest{Name: "canary"}); err != nil {
		t.Fatal(err)
	}
	_, err := h.StartRun(h.ctx, sluice.StartRunRequest{Component: "bot", Environment: "canary"})
	refused(t, "running in it", err, sluice.NotFound, "was deleted")
	h.want(h.resume(first, sluice.ResumeRunRequest{Answer: []byte(`"red"`)}), `completed "then canary"`)
	if _, err := h.CancelRun(h.ctx, sluice.CancelRunRequest{Run: second.ID}); err != nil {
		t.Error(err)
	}
	page, err := h.Runs(h.ctx, sluice.RunQuery{Environment: "canary"})
	if err != nil || len(page.Items) != 2 {
		t.Errorf("got %d runs of what was deleted (%v), want 2", len(page.Items), err)
	}
	past := h.rest(h.start(sluice.StartRunRequest{Component: "bot", Environment: "canary#1", Configured: true}))
	h.want(h.resume(past, sluice.ResumeRunRequest{Answer: []byte(`"red"`)}), `completed "then canary"`)
}

// TestSecretsAreCurrent: after a pause, plain variables are as they were pinned and
// secrets are current, and the record names those that changed.
func TestSecretsAreCurrent(t *testing.T) {
	t.Parallel()
	h, o := open(t), newOutside(t)
	h.release("bot", `blocks:
  - {id: q, block: ask, prompt: Colour}
  - {id: call, block: http, needs: q, url: "`+o.URL+`/say/hello", headers: {Authorization: "{{ env.PLAIN }} {{ env.KEY | length }}"}}
`)
	h.deploy("production", setVariable("PLAIN", "then", false), setVariable("KEY", "old-secret", true), setVariable("SAME", "same-secret", true))
	run := h.rest(h.start(sluice.StartRunRequest{Component: "bot", Configured: true}))
	h.deploy("production", setVariable("PLAIN", "now", false), setVariable("KEY", "the-new-secret", true))
	run = h.resume(run, sluice.ResumeRunRequest{Answer: []byte(`"old-secret or the-new-secret"`)})
	h.want(run, `completed {"body":"","key":"then 14","word":"hello"}`)
	if len(run.Resumed) != 1 || len(run.Resumed[0].Secrets) != 1 || run.Resumed[0].Secrets[0] != "KEY" || run.Resumed[0].How != "answer" || run.Resumed[0].Step != "0" {
		t.Errorf("got the resumptions %+v, want one that names KEY", run.Resumed)
	}
}
