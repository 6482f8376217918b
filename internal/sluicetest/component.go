package sluicetest

import "github.com/sluice-dev/sluice"

func components(s *suite) {
	made := ok[sluice.Component](s)(s.AddComponent(s.ctx, sluice.AddComponentRequest{Name: prompt, Kind: "prompt", Description: "greets"}))
	s.equal("made by", made.CreatedBy, "alice")
	_, err := s.AddComponent(s.ctx, sluice.AddComponentRequest{Name: "My-Prompt", Kind: "prompt"})
	s.refused(err, sluice.Conflict, "my-prompt exists")
	s.unchanged("bad names", func() {
		for _, name := range []string{"", "a b", "../x", "a@b"} {
			_, err = s.AddComponent(s.ctx, sluice.AddComponentRequest{Name: name, Kind: "prompt"})
			s.refused(err, sluice.Invalid)
		}
		_, err = s.AddComponent(s.ctx, sluice.AddComponentRequest{Name: "x"})
		s.refused(err, sluice.Invalid)
		dry := ok[sluice.Component](s)(s.AddComponent(s.ctx, sluice.AddComponentRequest{Name: "dry", Kind: "agent", Change: sluice.Change{DryRun: true}}))
		s.equal("a dry run's answer", dry.Name, "dry")
	})
	_, err = s.Component(s.ctx, "my-promt")
	s.refused(err, sluice.NotFound, "did you mean my-prompt?")
	kind, words := "agent", "acts"
	edited := ok[sluice.Component](s)(s.EditComponent(s.ctx, sluice.EditComponentRequest{Name: "MY-PROMPT", Kind: &kind, Description: &words}))
	s.equal("edited", edited.Name+edited.Kind+edited.Description, prompt+"agentacts")
	s.unchanged("the same again", func() {
		ok[sluice.Component](s)(s.EditComponent(s.ctx, sluice.EditComponentRequest{Name: prompt, Kind: &kind}))
	})
	archive(s)
	listComponents(s)
}

func archive(s *suite) {
	s.publish(prompt, "v1.0.0")
	s.deploy("prod", prompt, "v1.0.0")
	yes, no := true, false
	_, err := s.EditComponent(s.ctx, sluice.EditComponentRequest{Name: prompt, Archived: &yes})
	s.refused(err, sluice.Conflict, "was deployed to production and is live there", "take my-prompt away from production")
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{{Component: prompt, Unset: true}}}))
	dev := ok[sluice.Environment](s)(s.Environment(s.ctx, "dev")).Release
	archived := sluice.EditComponentRequest{Name: prompt, Archived: &yes, Change: sluice.Change{Reason: "old", IdempotencyKey: "away"}}
	for range 2 { // development only follows every publish
		s.equal("live in", ok[sluice.Component](s)(s.EditComponent(s.ctx, archived)).Environments, map[string]string{})
	}
	last := ok[sluice.Page[sluice.Release]](s)(s.Releases(s.ctx, sluice.ReleaseQuery{Environment: "dev", Paging: sluice.Paging{Limit: 1}})).Items[0]
	s.equal("taken away", words(last.Number-dev, last.Action, last.Cause, last.Reason), "1 unset archiving of my-prompt old")
	_, err = s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Files: text("more")})
	s.refused(err, sluice.Conflict, "archived")
	_, err = s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: set(prompt, "1")})
	s.refused(err, sluice.Refused, "archived")
	back := ok[sluice.Component](s)(s.EditComponent(s.ctx, sluice.EditComponentRequest{Name: prompt, Archived: &no}))
	s.equal("back where it is tracked", back.Environments, map[string]string{"dev": "v1.0.0"})
	ok[sluice.Component](s)(s.EditComponent(s.ctx, sluice.EditComponentRequest{Name: prompt, Archived: &yes}))
	back = ok[sluice.Component](s)(s.AddComponent(s.ctx, sluice.AddComponentRequest{Name: "MY-PROMPT", Kind: "agent", Description: "acts"}))
	s.equal("added again", words(back.Name, back.Archived, back.Latest, back.Environments["dev"]), "my-prompt false 1 v1.0.0")
	s.deploy("prod", prompt, "1")
	s.equal("revived", ok[sluice.Component](s)(s.Component(s.ctx, prompt)).Environments["prod"], "v1.0.0")
}

func listComponents(s *suite) {
	for _, name := range []string{"B", "a", "c"} {
		ok[sluice.Component](s)(s.AddComponent(s.ctx, sluice.AddComponentRequest{Name: name, Kind: "config"}))
	}
	yes := true
	ok[sluice.Component](s)(s.EditComponent(s.ctx, sluice.EditComponentRequest{Name: "c", Archived: &yes}))
	all := names(s, sluice.ComponentQuery{})
	s.equal("all", all, []string{"B", "a", prompt})
	s.equal("page by page", names(s, sluice.ComponentQuery{Paging: sluice.Paging{Limit: 1}}), all)
	s.equal("with archived ones", names(s, sluice.ComponentQuery{Archived: true}), []string{"B", "a", "c", prompt})
	s.equal("of a kind", names(s, sluice.ComponentQuery{Kind: "agent"}), []string{prompt})
	page := ok[sluice.Page[sluice.Component]](s)(s.Components(s.ctx, sluice.ComponentQuery{Versions: true}))
	s.equal("versions", len(page.Items[2].Versions), 1)
	_, err := s.Components(s.ctx, sluice.ComponentQuery{Paging: sluice.Paging{Limit: sluice.MaxPage + 1}})
	s.refusedEarly(err, sluice.LimitExceeded)
}

func names(s *suite, q sluice.ComponentQuery) (out []string) {
	for {
		page := ok[sluice.Page[sluice.Component]](s)(s.Components(s.ctx, q))
		for _, c := range page.Items {
			out = append(out, c.Name)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return out
		}
	}
}

func drafts(s *suite) {
	_, err := s.Draft(s.ctx, prompt)
	s.refused(err, sluice.NotFound)
	_, err = s.SaveDraft(s.ctx, sluice.SaveDraftRequest{Component: prompt, Files: text("a draft")})
	s.refused(err, sluice.NotFound, `kind: "prompt"`)
	first := ok[sluice.Draft](s)(s.SaveDraft(s.ctx, sluice.SaveDraftRequest{Component: prompt, Kind: "prompt", Files: text("a draft"), Expect: "none"}))
	_, err = s.SaveDraft(s.ctx, sluice.SaveDraftRequest{Component: prompt, Files: text("blind"), Expect: "none"})
	s.refused(err, sluice.Conflict)
	second := ok[sluice.Draft](s)(s.SaveDraft(s.ctx, sluice.SaveDraftRequest{Component: prompt, Files: text("another"), Expect: string(first.Digest)}))
	_, err = s.SaveDraft(s.ctx, sluice.SaveDraftRequest{Component: prompt, Files: text("late"), Expect: string(first.Digest)})
	s.refused(err, sluice.Conflict)
	_, err = s.PublishDraft(s.ctx, sluice.PublishDraftRequest{Component: prompt, Expect: string(first.Digest)})
	s.refused(err, sluice.Conflict)
	_, err = s.SaveDraft(s.ctx, sluice.SaveDraftRequest{Component: prompt})
	s.refused(err, sluice.LimitExceeded)
	out := ok[sluice.Published](s)(s.PublishDraft(s.ctx, sluice.PublishDraftRequest{
		Component: prompt, Expect: string(second.Digest), Label: "v1.0.0", Name: "first-words", Note: "says hello",
	}))
	s.equal("published", out.Version.Ref()+" "+string(out.Version.Digest), prompt+"@v1.0.0 "+string(second.Digest))
	again := ok[sluice.Published](s)(s.PublishDraft(s.ctx, sluice.PublishDraftRequest{Component: prompt}))
	s.equal("again", again.Created, false)
	s.equal("known as", ok[sluice.Draft](s)(s.Draft(s.ctx, prompt)).Published, 1)
	for range 2 { // the second finds nothing to discard
		if err := s.DiscardDraft(s.ctx, prompt); err != nil {
			s.Fatal(err)
		}
	}
	_, err = s.Draft(s.ctx, prompt)
	s.refused(err, sluice.NotFound)
	_, err = s.PublishDraft(s.ctx, sluice.PublishDraftRequest{Component: prompt})
	s.refused(err, sluice.NotFound)
}
