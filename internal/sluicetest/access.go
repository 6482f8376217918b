package sluicetest

import (
	"context"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// method is a question or a change with one argument.
type method[Req, T any] = func(context.Context, Req) (T, error)

// question is something to ask, by whomever.
type question struct {
	name string
	need sluice.Permission // what it takes
	ask  func(context.Context) error
}

func questionOf[Req, T any](name string, need sluice.Permission, call method[Req, T], req Req) question {
	return question{name, need, func(ctx context.Context) error {
		_, err := call(ctx, req)
		return err
	}}
}

// token makes a token for somebody.
func (s *suite) token(name string, environments []string, roles ...sluice.Role) sluice.Token {
	s.Helper()
	t, err := s.CreateToken(s.ctx, sluice.CreateTokenRequest{Name: name, Roles: roles, Environments: environments})
	if err != nil {
		s.Fatal(err)
	}
	return t
}

// by asks as the holder of a secret.
func (s *suite) by(secret string, ask func(context.Context) error) error {
	ctx, err := s.asker(s.Context(), secret)
	if err != nil {
		return err
	}
	return ask(ctx)
}

// roles holds each question against each role: a role may do what it takes, and
// who may not is told so and changes nothing.
func roles(s *suite) {
	s.published(2)
	s.deploy("staging", prompt, "v1.0.0")
	secrets := map[sluice.Role]string{}
	for _, role := range sluice.Roles() {
		secrets[role] = s.token("bob", nil, role).Secret
	}
	limited := s.token("bob", []string{"staging"}, sluice.RoleDeployer).Secret
	for _, q := range append(reads(s), changes(s)...) {
		s.T.Run(q.name, func(t *testing.T) {
			on := *s
			on.T = t
			if err := on.by("", q.ask); sluice.CodeOf(err) != sluice.Unauthenticated {
				t.Errorf("nobody: %v", err)
			}
			for _, role := range sluice.Roles() {
				err := on.by(secrets[role], q.ask)
				allowed := sluice.Actor{Name: "bob", Roles: []sluice.Role{role}}.May(q.need, "production") == nil
				if code := sluice.CodeOf(err); (code == sluice.Denied) == allowed || code == sluice.Unauthenticated {
					t.Errorf("%s: %v; allowed is %t", role, err, allowed)
				}
			}
		})
	}
	deploy := func(environment string) func(context.Context) error {
		return questionOf("", sluice.MayDeploy, s.Deploy, sluice.DeployRequest{Environment: environment, Changes: set(prompt, "v1.1.0")}).ask
	}
	s.unchanged("an environment that the token does not name", func() {
		s.refused(s.by(limited, deploy("prod")), sluice.Denied, "may not change production, only staging")
	})
	quarantine := func(ctx context.Context) error {
		_, err := s.Quarantine(ctx, sluice.QuarantineRequest{Component: prompt, Version: "v1.0.0", Change: sluice.Change{Reason: "bad", DryRun: true}})
		return err
	}
	s.deploy("prod", prompt, "v1.0.0")
	s.unchanged("what is live in another environment", func() {
		s.refused(s.by(limited, quarantine), sluice.Denied, "may not quarantine what is live in production, only staging")
	})
	if err := s.by(limited, deploy("stage")); err != nil {
		s.Errorf("the environment that the token names: %v", err)
	}
}

func reads(s *suite) []question {
	const need = sluice.MayRead
	return []question{
		questionOf("components", need, s.Components, sluice.ComponentQuery{}),
		questionOf("component", need, s.Component, prompt),
		questionOf("draft", sluice.MayPublish, s.Draft, prompt),
		questionOf("versions", need, s.Versions, sluice.VersionQuery{Component: prompt}),
		{"version", need, func(ctx context.Context) error { _, err := s.Version(ctx, prompt, "1"); return err }},
		{"file", need, func(ctx context.Context) error { _, err := s.File(ctx, prompt, "1", "prompt.md"); return err }},
		questionOf("environments", need, s.Environments, true),
		questionOf("environment", need, s.Environment, "prod"),
		questionOf("releases", need, s.Releases, sluice.ReleaseQuery{}),
		questionOf("state", need, s.State, sluice.EnvironmentRef{Name: "prod"}),
		{"setting", need, func(ctx context.Context) error {
			_, err := s.Setting(ctx, sluice.EnvironmentRef{Name: "prod"}, prompt)
			return err
		}},
		questionOf("resolve", need, s.Resolve, sluice.ResolveRequest{Environment: "staging", Component: prompt}),
		questionOf("diff", need, s.Diff, sluice.DiffRequest{From: "prod", To: "staging"}),
		{"watch", need, func(ctx context.Context) error {
			for _, err := range s.Watch(ctx, sluice.WatchRequest{Environment: "prod"}) {
				return err
			}
			return nil
		}},
		questionOf("entries", need, s.Entries, sluice.AuditQuery{}),
		questionOf("verify", need, s.Verify, sluice.VerifyRequest{}),
		{"checkpoint", need, func(ctx context.Context) error { _, err := s.Checkpoint(ctx); return err }},
		{"info", need, func(ctx context.Context) error { _, err := s.Info(ctx); return err }},
		{"tokens", sluice.MayAdminister, func(ctx context.Context) error { _, err := s.Tokens(ctx); return err }},
	}
}

// changes that are allowed fail for another reason or are dry runs, so that
// their order does not matter.
func changes(s *suite) []question {
	dry := sluice.Change{DryRun: true, Reason: "to see who may"}
	past := sluice.TimeOf(s.clock.Add(-time.Hour))
	set := set(prompt, "v1.1.0")
	return []question{
		questionOf("add component", sluice.MayPublish, s.AddComponent, sluice.AddComponentRequest{Name: "x", Kind: "prompt", Change: dry}),
		questionOf("edit component", sluice.MayPublish, s.EditComponent, sluice.EditComponentRequest{Name: prompt, Change: dry}),
		questionOf("save draft", sluice.MayPublish, s.SaveDraft, sluice.SaveDraftRequest{Component: prompt, Files: text("x"), Change: dry}),
		questionOf("publish draft", sluice.MayPublish, s.PublishDraft, sluice.PublishDraftRequest{Component: prompt, Change: dry}),
		{"discard draft", sluice.MayPublish, func(ctx context.Context) error { return s.DiscardDraft(ctx, prompt) }},
		questionOf("publish", sluice.MayPublish, s.Publish, sluice.PublishRequest{Component: prompt, Files: text("x"), Change: dry}),
		questionOf("edit version", sluice.MayPublish, s.EditVersion, sluice.EditVersionRequest{Component: prompt, Version: "1", Change: dry}),
		questionOf("quarantine", sluice.MayQuarantine, s.Quarantine, sluice.QuarantineRequest{Component: prompt, Version: "1", Change: dry}),
		questionOf("lift", sluice.MayAdminister, s.Quarantine, sluice.QuarantineRequest{Component: prompt, Version: "1", Lift: true, Change: dry}),
		questionOf("purge", sluice.MayAdminister, s.Purge, sluice.PurgeRequest{Component: prompt, Version: "2", Change: dry}),
		questionOf("create environment", sluice.MayAdminister, s.CreateEnvironment, sluice.CreateEnvironmentRequest{Name: "x", Change: dry}),
		questionOf("edit environment", sluice.MayAdminister, s.EditEnvironment, sluice.EditEnvironmentRequest{Name: "prod", Change: dry}),
		questionOf("delete environment", sluice.MayAdminister, s.DeleteEnvironment, sluice.DeleteEnvironmentRequest{Name: "staging", Change: dry}),
		questionOf("deploy", sluice.MayDeploy, s.Deploy, sluice.DeployRequest{Environment: "prod", Changes: set, Change: dry}),
		questionOf("promote", sluice.MayDeploy, s.Promote, sluice.PromoteRequest{Environment: "prod", From: "staging", Change: dry}),
		questionOf("rollback", sluice.MayDeploy, s.Rollback, sluice.RollbackRequest{Environment: "prod", To: "prod#0", Change: dry}),
		questionOf("restore", sluice.MayDeploy, s.Restore, sluice.RestoreRequest{Environment: "prod", From: "staging", Change: dry}),
		questionOf("import a version", sluice.MayImport, s.Publish, sluice.PublishRequest{Component: prompt, Files: text("x"), At: past, Change: dry}),
		questionOf("import a release", sluice.MayImport, s.Deploy, sluice.DeployRequest{Environment: "prod", Changes: set, Author: "alice", Change: dry}),
		questionOf("create token", sluice.MayAdminister, s.CreateToken, sluice.CreateTokenRequest{Name: "x", Roles: []sluice.Role{sluice.RoleViewer}, Change: dry}),
		questionOf("rotate token", sluice.MayAdminister, s.RotateToken, sluice.RotateTokenRequest{ID: "0000000000"}),
		questionOf("revoke token", sluice.MayAdminister, s.RevokeToken, sluice.RevokeTokenRequest{ID: "0000000000"}),
	}
}

// credentials follows tokens from their making to their end.
func credentials(s *suite) {
	who := func(secret string) (actor sluice.Actor, err error) {
		err = s.by(secret, func(ctx context.Context) error {
			info, err := s.Info(ctx)
			actor = info.Actor
			return err
		})
		actor.ExpiresAt = 0 // is not told
		return actor, err
	}
	bob := s.token("bob", []string{"prod"}, sluice.RoleDeployer, sluice.RolePublisher)
	actor, err := who(bob.Secret)
	s.equal("who bob is", actor, sluice.Actor{
		Name: "bob", Org: "default", Roles: []sluice.Role{sluice.RoleDeployer, sluice.RolePublisher}, Environments: []string{"production"},
	})
	s.equal("and nothing else", err, nil)
	for name, secret := range map[string]string{
		"a made-up one": "sluice_0000000000_00", "another's form": "ghp_0123456789", "one digit more": bob.Secret + "0", "the id alone": bob.ID,
	} {
		if _, err := who(secret); sluice.CodeOf(err) != sluice.Unauthenticated {
			s.Errorf("%s: %v", name, err)
		}
	}
	rotated, err := s.RotateToken(s.ctx, sluice.RotateTokenRequest{ID: bob.ID, Grace: 60})
	if err != nil {
		s.Fatal(err)
	}
	for _, secret := range []string{bob.Secret, rotated.Secret} {
		if _, err := who(secret); err != nil {
			s.Errorf("within the grace: %v", err)
		}
	}
	s.advance(61 * time.Second)
	s.publish(prompt, "v1.0.0") // a server may take what it looked up for good until something happens, though not for long
	if _, err := who(bob.Secret); sluice.CodeOf(err) != sluice.Unauthenticated {
		s.Errorf("the old secret after the grace: %v", err)
	}
	if _, err := s.RevokeToken(s.ctx, sluice.RevokeTokenRequest{ID: bob.ID}); err != nil {
		s.Fatal(err)
	}
	_, err = who(rotated.Secret)
	s.refused(err, sluice.Unauthenticated, "was revoked")
	short, err := s.CreateToken(s.ctx, sluice.CreateTokenRequest{Name: "bob", Roles: []sluice.Role{sluice.RoleViewer}, ExpiresIn: 60})
	if err != nil {
		s.Fatal(err)
	}
	if _, err := who(short.Secret); err != nil {
		s.Errorf("before it expires: %v", err)
	}
	s.advance(61 * time.Second)
	_, err = who(short.Secret)
	s.refused(err, sluice.Unauthenticated, "expired")
}

// twoPeople at one incident do not go back twice, and the ledger tells them apart.
func twoPeople(s *suite) {
	s.published(3)
	for _, v := range []string{"v1.0.0", "v1.1.0", "v1.2.0"} {
		s.deploy("prod", prompt, v)
	}
	bob := s.token("bob", nil, sluice.RoleAdmin).Secret
	req := sluice.RollbackRequest{Environment: "prod", Components: []string{prompt}}
	ok[sluice.Outcome](s)(s.Rollback(s.ctx, req))
	back := func(req sluice.RollbackRequest) error {
		return s.by(bob, questionOf("", sluice.MayDeploy, s.Rollback, req).ask)
	}
	s.unchanged("right after alice", func() {
		s.refused(back(req), sluice.Conflict, "alice rolled my-prompt in production back to v1.1.0", "further: true")
	})
	further := req
	further.Further = true
	if err := back(further); err != nil {
		s.Errorf("further: %v", err)
	}
	m := s.live("prod", "my-prompt v1.0.0")
	page := ok[sluice.Page[sluice.Release]](s)(s.Releases(s.ctx, sluice.ReleaseQuery{Paging: sluice.Paging{Limit: 2}}))
	s.equal("who", page.Items[0].Actor+" after "+page.Items[1].Actor, "bob after alice")
	s.equal("by bob", len(ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{Actor: "bob"})).Items), 1)
	_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: set(prompt, "v1.2.0"), ExpectedRelease: &page.Items[1].Number})
	s.refused(err, sluice.Conflict, "rollback by bob")
	s.equal("at", m.Release, page.Items[0].Number)
	// Keys of different people do not meet.
	keyed := sluice.DeployRequest{Environment: "prod", Changes: set(prompt, "v1.1.0"), Change: sluice.Change{IdempotencyKey: "deploy"}}
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, keyed))
	keyed.Changes = set(prompt, "v1.2.0")
	if err := s.by(bob, questionOf("", sluice.MayDeploy, s.Deploy, keyed).ask); err != nil {
		s.Errorf("bob's key: %v", err)
	}
	s.live("prod", "my-prompt v1.2.0")
}
