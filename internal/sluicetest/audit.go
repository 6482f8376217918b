package sluicetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

func audit(s *suite) {
	s.published(2)
	s.deploy("prod", prompt, "v1.0.0")
	s.advance(time.Hour)
	since := sluice.TimeOf(s.clock)
	s.deploy("prod", prompt, "v1.1.0")
	subjects := func(q sluice.AuditQuery) string {
		var out []string
		for {
			page := ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, q))
			for _, e := range page.Items {
				out = append(out, e.Subject)
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return strings.Join(out, " ")
			}
		}
	}
	s.equal("of a kind", subjects(sluice.AuditQuery{Kind: sluice.EntryRelease}), "production#2 production#1")
	s.equal("of an environment", strings.HasPrefix(subjects(sluice.AuditQuery{Environment: "prod"}), "production#2 production#1"), true)
	s.equal("of a component", subjects(sluice.AuditQuery{Component: other}), "router@2 router@1 router")
	s.equal("since", subjects(sluice.AuditQuery{Since: since}), "production#2")
	s.equal("by somebody", subjects(sluice.AuditQuery{Actor: "bob"}), "")
	s.equal("page by page", subjects(sluice.AuditQuery{Paging: sluice.Paging{Limit: 1}}), subjects(sluice.AuditQuery{}))
	report, err := s.Verify(s.ctx, sluice.VerifyRequest{})
	if err != nil || !report.Holds || report.Releases != 2 || report.Versions != 4 || report.Entries != s.epoch() {
		s.Errorf("verified as %+v, %v", report, err)
	}
	checkpoint, err := s.Checkpoint(s.ctx)
	if err != nil || checkpoint.Size != s.epoch() || checkpoint.Root != report.Root {
		s.Errorf("checkpoint is %+v, %v", checkpoint, err)
	}
	s.deploy("prod", prompt, "v1.0.0")
	if later, err := s.Verify(s.ctx, sluice.VerifyRequest{Against: checkpoint.Note, Key: checkpoint.Key}); err != nil || !later.Holds {
		s.Errorf("against the checkpoint: %+v, %v", later, err)
	}
	for _, bad := range []sluice.VerifyRequest{{Against: "no note"}, {Against: checkpoint.Note, Key: "no key"}} {
		if report, err := s.Verify(s.ctx, bad); err == nil && report.Holds {
			s.Errorf("%+v holds", bad)
		}
	}
	info, err := s.Info(s.ctx)
	if err != nil || info.Actor.Name != "alice" || info.Organization != "default" || info.DefaultEnvironment != "production" || info.VerifiedAt == 0 {
		s.Errorf("info is %+v, %v", info, err)
	}
}

func tokens(s *suite) {
	made, err := s.CreateToken(s.ctx, sluice.CreateTokenRequest{
		Name: "bob", Roles: []sluice.Role{sluice.RoleDeployer}, Environments: []string{"staging"}, ExpiresIn: 3600,
	})
	if err != nil || made.Secret == "" || made.ExpiresAt != sluice.TimeOf(s.clock.Add(time.Hour)) || made.CreatedBy != "alice" {
		s.Fatalf("made %+v, %v", made, err)
	}
	for _, bad := range []sluice.CreateTokenRequest{
		{Name: "bob"},
		{Name: "", Roles: []sluice.Role{sluice.RoleViewer}},
		{Name: "bob", Roles: []sluice.Role{"king"}},
		{Name: "bob", Roles: []sluice.Role{sluice.RoleViewer}, ExpiresIn: -1},
	} {
		_, err := s.CreateToken(s.ctx, bad)
		s.refused(err, sluice.Invalid)
	}
	_, err = s.CreateToken(s.ctx, sluice.CreateTokenRequest{Name: "bob", Roles: []sluice.Role{sluice.RoleDeployer}, Environments: []string{"nobody"}})
	if err == nil {
		s.Error("a token for an environment that does not exist was made")
	}
	rotated, err := s.RotateToken(s.ctx, sluice.RotateTokenRequest{ID: made.ID, Grace: 60})
	if err != nil || rotated.Secret == "" || rotated.Secret == made.Secret || rotated.ID != made.ID {
		s.Errorf("rotated to %+v, %v", rotated, err)
	}
	for range 2 {
		if gone, err := s.RevokeToken(s.ctx, sluice.RevokeTokenRequest{ID: made.ID}); err != nil || gone.RevokedAt == 0 || gone.Secret != "" {
			s.Errorf("revoked %+v, %v", gone, err)
		}
	}
	if _, err := s.RotateToken(s.ctx, sluice.RotateTokenRequest{ID: made.ID}); sluice.CodeOf(err) != sluice.Conflict {
		s.Errorf("rotating a revoked token: %v", err)
	}
	_, err = s.RevokeToken(s.ctx, sluice.RevokeTokenRequest{ID: "nobody"})
	s.refused(err, sluice.NotFound)
	list, err := s.Tokens(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	for _, t := range list {
		if t.Secret != "" {
			s.Errorf("the list shows the secret of %s", t.Name)
		}
	}
	if said := fmt.Sprintf("%+v", must(s.Entries(s.ctx, sluice.AuditQuery{})).Items); strings.Contains(said, made.Secret) || strings.Contains(said, rotated.Secret) {
		s.Error("the ledger holds a secret")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// limits are kept whoever sends what.
func limits(s *suite) {
	s.publish(prompt, "v1.0.0")
	s.unchanged("too much", func() {
		long := strings.Repeat("x", sluice.MaxNoteBytes+1)
		for _, c := range []sluice.Change{{Reason: long}, {Ticket: long}} {
			_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: set(prompt, "1"), Change: c})
			s.refused(err, sluice.LimitExceeded)
		}
		_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: set(prompt, "1"), Change: sluice.Change{Reason: "bell\a"}})
		s.refused(err, sluice.Invalid)
		_, err = s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Files: text(strings.Repeat("x", sluice.MaxFileBytes))})
		s.refused(err, sluice.LimitExceeded)
		many := make([]sluice.ChangeRequest, sluice.MaxChanges+1)
		for i := range many {
			many[i] = sluice.ChangeRequest{Component: fmt.Sprint("c", i), Version: "1"}
		}
		_, err = s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: many})
		s.refused(err, sluice.LimitExceeded)
		for _, path := range []string{"../x", "/x", "a//b", ""} {
			_, err = s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Files: []sluice.File{{Path: path, Text: "x"}}})
			s.refused(err, sluice.Invalid, "path")
		}
	})
}
