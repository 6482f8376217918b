package sluicetest

import "github.com/sluice-dev/sluice"

func environments(s *suite) {
	list := ok[[]sluice.Environment](s)(s.Environments(s.ctx, false))
	var all []string
	for _, e := range list {
		all = append(all, e.Name+":"+e.Alias+":"+e.Parent+":"+e.Tracks)
	}
	s.equal("from the start", all, []string{"base:::", "development:dev:base:latest", "staging:stage:base:", "production:prod:base:"})
	s.equal("by alias", ok[sluice.Environment](s)(s.Environment(s.ctx, "PROD")).Name, "production")
	_, err := s.Environment(s.ctx, "prodution")
	s.refused(err, sluice.NotFound, "did you mean production?")
	made := ok[sluice.EnvironmentChange](s)(s.CreateEnvironment(s.ctx, sluice.CreateEnvironmentRequest{
		Name: "canary", Alias: "c", Parent: "prod", PromotesFrom: []string{"stage"},
	}))
	s.equal("aliases become names", made.Environment.Parent+" "+made.Environment.PromotesFrom[0], "production staging")
	s.unchanged("what may not be", func() {
		for _, bad := range []struct {
			req  sluice.CreateEnvironmentRequest
			code sluice.Code
		}{
			{sluice.CreateEnvironmentRequest{Name: "canary"}, sluice.Conflict},
			{sluice.CreateEnvironmentRequest{Name: "prod"}, sluice.Conflict},
			{sluice.CreateEnvironmentRequest{Name: "x", Alias: "staging"}, sluice.Conflict},
			{sluice.CreateEnvironmentRequest{Name: "v1.0.0"}, sluice.Invalid},
			{sluice.CreateEnvironmentRequest{Name: "a b"}, sluice.Invalid},
			{sluice.CreateEnvironmentRequest{Name: "x", Parent: "nobody"}, sluice.NotFound},
			{sluice.CreateEnvironmentRequest{Name: "x", Tracks: "oldest"}, sluice.Invalid},
			{sluice.CreateEnvironmentRequest{Name: "x", PromotesFrom: []string{"nobody"}}, sluice.NotFound},
			{sluice.CreateEnvironmentRequest{Name: "x", PromotesFrom: []string{"x"}}, sluice.Invalid},
		} {
			_, err := s.CreateEnvironment(s.ctx, bad.req)
			s.refused(err, bad.code)
		}
		dry := ok[sluice.EnvironmentChange](s)(s.CreateEnvironment(s.ctx, sluice.CreateEnvironmentRequest{Name: "dry", Change: sluice.Change{DryRun: true}}))
		s.equal("a dry run says so", dry.DryRun && dry.Changed, true)
	})
	editEnvironment(s)
	deleteEnvironment(s)
}

func editEnvironment(s *suite) {
	alias := "cn"
	edited := ok[sluice.EnvironmentChange](s)(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "c", Alias: &alias}))
	s.equal("edited", edited.Environment.Alias, "cn")
	_, err := s.Environment(s.ctx, "c")
	s.refused(err, sluice.NotFound)
	s.unchanged("what may not be", func() {
		same := ok[sluice.EnvironmentChange](s)(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "cn", Alias: &alias}))
		s.equal("the same", same.Changed, false)
		canary, base, empty := "canary", "base", ""
		_, err = s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "prod", Parent: &canary})
		s.refused(err, sluice.Invalid, "circle")
		_, err = s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "canary", Parent: &canary})
		s.refused(err, sluice.Invalid)
		_, err = s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "canary", Parent: &empty})
		s.refused(err, sluice.Invalid)
		_, err = s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "base", Parent: &base})
		s.refused(err, sluice.Invalid)
	})
}

func deleteEnvironment(s *suite) {
	s.publish(prompt, "v1.0.0")
	s.deploy("staging", prompt, "v1.0.0")
	s.deploy("canary", prompt, "v1.0.0")
	s.unchanged("what is needed", func() {
		for _, name := range []string{"base", "production", "staging"} { // canary inherits from one and promotes from the other
			_, err := s.DeleteEnvironment(s.ctx, sluice.DeleteEnvironmentRequest{Name: name})
			s.refused(err, sluice.Conflict)
		}
	})
	gone := ok[sluice.EnvironmentChange](s)(s.DeleteEnvironment(s.ctx, sluice.DeleteEnvironmentRequest{Name: "cn"}))
	s.equal("deleted", gone.Environment.Deleted, true)
	_, err := s.State(s.ctx, sluice.EnvironmentRef{Name: "canary"})
	s.refused(err, sluice.NotFound, "was deleted")
	s.liveAt(sluice.EnvironmentRef{Name: "canary", Release: 1, Exact: true}, "my-prompt v1.0.0")
	page := ok[sluice.Page[sluice.Release]](s)(s.Releases(s.ctx, sluice.ReleaseQuery{Environment: "canary"}))
	s.equal("its history stays", len(page.Items), 2)
	back := ok[sluice.EnvironmentChange](s)(s.CreateEnvironment(s.ctx, sluice.CreateEnvironmentRequest{Name: "canary"}))
	s.equal("it comes back with its numbers", back.Environment.Release, 2)
	s.equal("among all", len(ok[[]sluice.Environment](s)(s.Environments(s.ctx, true))), 5)
}

func inheritance(s *suite) {
	s.published(3)
	s.deploy("base", prompt, "v1.0.0", other, "v1.0.0")
	for _, name := range []string{"dev", "staging", "prod"} {
		s.live(name, "my-prompt v1.0.0 from base, router v1.0.0 from base")
	}
	s.deploy("prod", prompt, "v1.1.0")
	out := s.deploy("base", prompt, "v1.2.0")
	s.equal("who follows", len(out.Inherited), 2)
	s.equal("because of", out.Inherited[0].Cause, "base#2")
	s.live("prod", "my-prompt v1.1.0, router v1.0.0 from base")
	hidden := ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{{Component: other, Hide: true}}}))
	s.equal("hidden", hidden.Release.Changes[0].To.String(), "none")
	s.live("prod", "my-prompt v1.1.0, router none")
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{
		{Component: other, Unset: true}, {Component: prompt, Unset: true},
	}}))
	s.live("prod", "my-prompt v1.2.0 from base, router v1.0.0 from base")
	kept := ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{{Component: other, Unset: true}}}))
	s.equal("nothing of its own", kept.Release == nil && len(kept.Kept) == 1, true)
	// A child whose policy refuses holds the parent's change up; a rollback asks nobody.
	from := []string{"staging"}
	ok[sluice.EnvironmentChange](s)(s.CreateEnvironment(s.ctx, sluice.CreateEnvironmentRequest{Name: "strict", PromotesFrom: from}))
	hide := []sluice.ChangeRequest{{Component: prompt, Hide: true}}
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "staging", Changes: hide}))
	_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "base", Changes: set(prompt, "v1.1.0")})
	s.refused(err, sluice.Refused, "strict")
	ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "base", Components: []string{prompt}}))
	s.live("strict", "my-prompt v1.0.0 from base, router v1.0.0 from base")
	reparent(s)
}

func reparent(s *suite) {
	s.deploy("prod", prompt, "v1.2.0")
	parent := "prod"
	out := ok[sluice.EnvironmentChange](s)(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "dev", Parent: &parent}))
	s.equal("releases", len(out.Releases), 1)
	s.equal("as", out.Releases[0].Action, sluice.ActionReparent)
	s.live("dev", "my-prompt v1.2.0 from production, router v1.0.0 from base")
}
