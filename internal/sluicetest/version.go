package sluicetest

import (
	"slices"

	"github.com/sluice-dev/sluice"
)

func versions(s *suite) {
	_, err := s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Files: text("x")})
	s.refused(err, sluice.NotFound, `kind: "prompt"`)
	first := s.publish(prompt, "v1.0.0")
	s.unchanged("the same content", func() {
		same := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{Component: "MY-PROMPT", Files: text("v1.0.0")}))
		s.equal("the same content", same.Created, false)
		s.equal("its number", same.Version.Number, first.Number)
		dry := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Files: text("dry"), Change: sluice.Change{DryRun: true}}))
		s.equal("a dry run's number", dry.Version.Number, 2)
		s.equal("a dry run says so", dry.DryRun, true)
		_, err = s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Label: "v1.0.0", Files: text("other")})
		s.refused(err, sluice.Conflict, "v1.0.0 exists with other content", "labels never move")
		for _, label := range []string{"v1", "latest", "v1.0.0+build"} {
			_, err = s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Label: label, Files: text("other")})
			s.refused(err, sluice.Invalid)
		}
		_, err = s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Name: "production", Files: text("other")})
		s.refused(err, sluice.Conflict, "is an environment")
	})
	relabelled := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Label: "1.1.0", Files: text("v1.0.0")})).Version
	s.equal("a new label", relabelled.Number, 2)
	s.equal("the same digest", relabelled.Digest, first.Digest)
	ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{
		Component: prompt, Name: "add-urgency", Note: "Two\nlines.", Files: []sluice.File{
			{Path: "a/prompt.md", Text: "text\n"}, sluice.NewFile("picture.png", []byte{0x89, 'P', 0xff, 0}), {Path: "empty.txt"},
		},
	}))
	files(s)
	editVersion(s)
	var numbers []int
	for q := (sluice.VersionQuery{Component: prompt, Paging: sluice.Paging{Limit: 2}}); ; {
		page := ok[sluice.Page[sluice.Version]](s)(s.Versions(s.ctx, q))
		for _, v := range page.Items {
			numbers = append(numbers, v.Number)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	s.equal("newest first", numbers, []int{3, 2, 1})
	_, err = s.Versions(s.ctx, sluice.VersionQuery{Component: prompt, Paging: sluice.Paging{Cursor: "x"}})
	s.refused(err, sluice.Invalid, "cursor")
	_, err = s.Versions(s.ctx, sluice.VersionQuery{Component: "nobody"})
	s.refused(err, sluice.NotFound)
}

func files(s *suite) {
	v := ok[sluice.Version](s)(s.Version(s.ctx, prompt, "add-urgency"))
	s.equal("files", len(v.Files), 3)
	for path, want := range map[string]string{"a/prompt.md": "text\n", "picture.png": "\x89P\xff\x00", "empty.txt": ""} {
		f, err := s.File(s.ctx, prompt, "3", path)
		if err != nil || string(f.Bytes()) != want || f.Path != path {
			s.Errorf("%s is %+v, %v", path, f, err)
		}
	}
	for _, path := range []string{"nothing.md", "../x", ""} {
		if _, err := s.File(s.ctx, prompt, "3", path); sluice.CodeOf(err) != sluice.NotFound && sluice.CodeOf(err) != sluice.Invalid {
			s.Errorf("file %q: %v", path, err)
		}
	}
	_, err := s.File(s.ctx, prompt, "9", "a/prompt.md")
	s.refused(err, sluice.NotFound, "has no version 9")
}

func editVersion(s *suite) {
	name, note := "first-words", "Says hello."
	v := ok[sluice.Version](s)(s.EditVersion(s.ctx, sluice.EditVersionRequest{Component: prompt, Version: "1", Name: &name, Note: &note}))
	s.equal("edited", v.Name+" "+v.Note, name+" "+note)
	moved := ok[sluice.Version](s)(s.EditVersion(s.ctx, sluice.EditVersionRequest{Component: prompt, Version: "2", Name: &name}))
	s.equal("the name moved to", moved.Number, 2)
	s.equal("so it means", ok[sluice.Version](s)(s.Version(s.ctx, prompt, "name:"+name)).Number, 2)
	s.unchanged("bad words", func() {
		for _, bad := range []string{"v9.0.0", "4", "latest", "a b"} {
			_, err := s.EditVersion(s.ctx, sluice.EditVersionRequest{Component: prompt, Version: "1", Name: &bad})
			s.refused(err, sluice.Invalid)
		}
		environment := "prod"
		_, err := s.EditVersion(s.ctx, sluice.EditVersionRequest{Component: prompt, Version: "1", Name: &environment})
		s.refused(err, sluice.Conflict)
		ok[sluice.Version](s)(s.EditVersion(s.ctx, sluice.EditVersionRequest{Component: prompt, Version: "2", Name: &name}))
	})
}

func versionReferences(s *suite) {
	s.published(3)
	s.deploy("prod", prompt, "v1.1.0")
	name := "calm"
	v := ok[sluice.Version](s)(s.EditVersion(s.ctx, sluice.EditVersionRequest{Component: prompt, Version: "1", Name: &name}))
	for ref, want := range map[string]int{
		"1": 1, "v1.1.0": 2, "1.1.0": 2, "latest": 3, "calm": 1, "name:calm": 1, "prod": 2, "production": 2, "env:prod": 2,
		string(v.Digest): 1, v.Digest.Short(): 1,
	} {
		got, err := s.Version(s.ctx, prompt, ref)
		if err != nil || got.Number != want {
			s.Errorf("%s means %d, %v; want %d", ref, got.Number, err, want)
		}
	}
	for _, c := range []struct {
		ref  string
		code sluice.Code
	}{
		{"9", sluice.NotFound},
		{"v9.9.9", sluice.NotFound},
		{"nothing", sluice.NotFound},
		{"name:prod", sluice.NotFound},
		{"env:calm", sluice.NotFound},
		{"staging", sluice.NotFound},
		{"sha256:00000000", sluice.NotFound},
		{"sha256:12", sluice.Invalid},
		{"0", sluice.Invalid},
		{"v1.0.0+x", sluice.Invalid},
	} {
		_, err := s.Version(s.ctx, prompt, c.ref)
		s.refused(err, c.code)
	}
}

func tracking(s *suite) {
	first := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Kind: "prompt", Label: "v1.0.0", Files: text("one")}))
	s.equal("development follows", len(first.Live), 1)
	s.equal("as", first.Live[0].Action, sluice.ActionTrack)
	s.live("dev", "my-prompt v1.0.0")
	// Production takes only what was live in staging, and yet tracks: it refuses.
	latest, from := sluice.TracksLatest, []string{"staging"}
	ok[sluice.EnvironmentChange](s)(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "prod", Tracks: &latest, PromotesFrom: &from}))
	second := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Label: "v1.1.0", Files: text("two")}))
	s.equal("created all the same", second.Created, true)
	s.equal("refused by", len(second.Refused), 1)
	s.equal("which is", second.Refused[0].Environment, "production")
	s.live("prod", "")
	page := ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{Kind: sluice.EntryTrackRefused}))
	s.equal("on record", len(page.Items), 1)
}

func quarantineAndPurge(s *suite) {
	s.published(3)
	s.deploy("prod", prompt, "v1.0.0")
	s.deploy("prod", prompt, "v1.1.0")
	because := sluice.Change{Reason: "it insults people"}
	_, err := s.Quarantine(s.ctx, sluice.QuarantineRequest{Component: prompt, Version: "v1.0.0"})
	s.refused(err, sluice.Invalid, "reason")
	report := ok[sluice.QuarantineReport](s)(s.Quarantine(s.ctx, sluice.QuarantineRequest{Component: prompt, Version: "v1.1.0", Change: because}))
	s.equal("still live in", report.LiveIn, []string{"production"})
	s.unchanged("what is quarantined", func() {
		again := ok[sluice.QuarantineReport](s)(s.Quarantine(s.ctx, sluice.QuarantineRequest{Component: prompt, Version: "v1.1.0", Change: because}))
		s.equal("again", again.Changed, false)
		_, err = s.Deploy(s.ctx, sluice.DeployRequest{Environment: "staging", Changes: set(prompt, "v1.1.0")})
		s.refused(err, sluice.Refused, "quarantined")
		_, err = s.Promote(s.ctx, sluice.PromoteRequest{Environment: "staging", From: "prod"})
		s.refused(err, sluice.Refused, "quarantined")
		_, err = s.Restore(s.ctx, sluice.RestoreRequest{Environment: "debug", From: "prod", Create: sluice.CreateAlways})
		s.refused(err, sluice.Refused, "quarantined")
	})
	// Another label of the same content is the same content.
	ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Label: "v1.1.1", Files: text("v1.1.0")}))
	_, err = s.Deploy(s.ctx, sluice.DeployRequest{Environment: "staging", Changes: set(prompt, "v1.1.1")})
	s.refused(err, sluice.Refused, "quarantined")
	s.deploy("prod", prompt, "v1.2.0")
	back := ok[sluice.Outcome](s)(s.Rollback(s.ctx, sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}, Quarantine: true}))
	s.equal("previous skips it", back.Release.Changes[0].To.String(), "v1.0.0")
	s.equal("and what was rolled back is kept out", len(back.Quarantined), 1)
	lifted := ok[sluice.QuarantineReport](s)(s.Quarantine(s.ctx, sluice.QuarantineRequest{Component: prompt, Version: "2", Lift: true, Change: because}))
	s.equal("lifted", lifted.Changed && lifted.Version.Quarantine == nil, true)
	s.deploy("staging", prompt, "v1.1.1")
	purge(s)
}

func purge(s *suite) {
	because := sluice.Change{Reason: "it holds a customer's name"}
	_, err := s.Purge(s.ctx, sluice.PurgeRequest{Component: prompt, Version: "v1.2.0"})
	s.refused(err, sluice.Invalid, "reason")
	_, err = s.Purge(s.ctx, sluice.PurgeRequest{Component: prompt, Version: "v1.1.0", Change: because})
	s.refused(err, sluice.Conflict, "live in")
	s.deploy("base", other, "v1.2.0")
	_, err = s.Purge(s.ctx, sluice.PurgeRequest{Component: prompt, Version: "v1.2.0", Change: because})
	s.refused(err, sluice.Conflict, "router@v1.2.0 too")
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "base", Changes: []sluice.ChangeRequest{{Component: other, Unset: true}}}))
	purged := ok[sluice.Version](s)(s.Purge(s.ctx, sluice.PurgeRequest{Component: prompt, Version: "v1.2.0", Change: because}))
	s.equal("purged", purged.Purged, true)
	s.unchanged("again", func() {
		ok[sluice.Version](s)(s.Purge(s.ctx, sluice.PurgeRequest{Component: prompt, Version: "v1.2.0", Change: because}))
	})
	_, err = s.File(s.ctx, prompt, "v1.2.0", "prompt.md")
	s.refused(err, sluice.NotFound, "purged")
	v := ok[sluice.Version](s)(s.Version(s.ctx, prompt, "v1.2.0"))
	s.equal("its digest stays", v.Digest, purged.Digest)
	s.equal("and its files' names", slices.IndexFunc(v.Files, func(f sluice.FileInfo) bool { return f.Path == "prompt.md" }), 0)
	_, err = s.Deploy(s.ctx, sluice.DeployRequest{Environment: "staging", Changes: set(prompt, "v1.2.0")})
	s.refused(err, sluice.Refused)
	// The bytes are gone for the other component that had the same, and its history says so.
	if w := ok[sluice.Version](s)(s.Version(s.ctx, other, "v1.2.0")); !w.Purged {
		s.Errorf("%s has the same content and was not purged", w.Ref())
	}
	page := ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{Component: other, Kind: sluice.EntryVersionPurge}))
	s.equal("on record", len(page.Items), 1)
}
