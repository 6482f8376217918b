package sluicetest

import (
	"encoding/json"
	"testing"

	"github.com/sluice-dev/sluice"
)

// deed is one way to change something.
type deed struct {
	name string
	do   func(ch sluice.Change) (any, error)
}

// deedOf binds a request to its method; with puts the part into it that every
// change has.
func deedOf[Req, T any](s *suite, name string, call method[Req, T], with func(sluice.Change) Req) deed {
	return deed{name, func(ch sluice.Change) (any, error) { return call(s.ctx, with(ch)) }}
}

// everyChange holds each deed against what all of them promise: a dry run gives
// the answer of the deed and changes nothing, a retry with the same key gives
// the first answer, and the key is of no use for another request.
func everyChange(s *suite) {
	s.published(3)
	s.publish("archive", "v0.1.0")
	s.deploy("staging", prompt, "v1.0.0", other, "v1.0.0")
	s.deploy("prod", prompt, "v1.0.0")
	s.deploy("prod", prompt, "v1.1.0")
	s.keepTheirPromises(deeds(s))
	s.tokenOnce()
}

func (s *suite) keepTheirPromises(deeds []deed) {
	for _, d := range deeds {
		s.T.Run(d.name, func(t *testing.T) {
			on := *s
			on.T = t
			on.promises(d)
			s.said, s.sealed = on.said, on.sealed
		})
	}
}

func (s *suite) promises(d deed) {
	before := s.everything()
	dry, err := d.do(sluice.Change{Reason: "because", DryRun: true})
	if err != nil {
		s.Fatalf("dry run: %v", err)
	}
	if after := s.everything(); after != before {
		s.Errorf("the dry run changed\n%s\nto\n%s", before, after)
	}
	key := sluice.Change{Reason: "because", IdempotencyKey: d.name}
	first, err := d.do(key)
	if err != nil {
		s.Fatal(err)
	}
	if got, want := settledAnswer(s, dry), settledAnswer(s, first); got != want {
		s.Errorf("the dry run answered\n%s\nthe deed\n%s", got, want)
	}
	after := s.everything()
	if after == before {
		s.Error("the deed changed nothing")
	}
	again, err := d.do(key)
	if err != nil {
		s.Fatalf("retry: %v", err)
	}
	if got, want := settledAnswer(s, again), settledAnswer(s, first); got != want {
		s.Errorf("the retry answered\n%s\nthe first try\n%s", got, want)
	}
	_, err = d.do(sluice.Change{Reason: "for another reason", IdempotencyKey: d.name})
	s.refused(err, sluice.Conflict, "was used for another request")
	if now := s.everything(); now != after {
		s.Errorf("the retries changed\n%s\nto\n%s", after, now)
	}
}

// settledAnswer is an answer without the marks of how it was asked for.
func settledAnswer(s *suite, v any) string {
	switch out := v.(type) {
	case sluice.Outcome:
		out.DryRun, out.Replayed = false, false
		v = out
	case sluice.Published:
		out.DryRun = false
		v = out
	case sluice.EnvironmentChange:
		out.DryRun = false
		v = out
	case sluice.QuarantineReport:
		out.DryRun = false
		v = out
	case sluice.ImportReport:
		out.DryRun, out.Replayed = false, false
		for _, d := range out.Variables { // a stored answer holds no values
			for _, side := range []*sluice.Variable{d.From, d.To} {
				if side != nil {
					side.Value = nil
				}
			}
		}
		v = out
	case sluice.ShredReport:
		out.DryRun = false
		v = out
	case sluice.RecordReport:
		out.DryRun = false
		v = out
	}
	body, err := json.Marshal(v)
	if err != nil {
		s.Fatal(err)
	}
	return string(body)
}

// everything is all that can be read: the ledger stands for what happened, the
// rest for what is.
func (s *suite) everything() string {
	s.Helper()
	said := s.said
	out := []any{s.epoch()}
	components := ok[sluice.Page[sluice.Component]](s)(s.Components(s.ctx, sluice.ComponentQuery{Archived: true, Versions: true}))
	for _, c := range components.Items {
		draft, err := s.Draft(s.ctx, c.Name)
		out = append(out, c, draft, sluice.CodeOf(err))
	}
	for _, e := range ok[[]sluice.Environment](s)(s.Environments(s.ctx, false)) {
		out = append(out, e, ok[sluice.Manifest](s)(s.State(s.ctx, sluice.EnvironmentRef{Name: e.Name})), s.variables(in(e.Name)))
	}
	out = append(out, ok[[]sluice.Token](s)(s.Tokens(s.ctx)))
	s.said = said // what is only compared with itself is not written down
	body, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		s.Fatal(err)
	}
	return string(body)
}

// deeds are all changes but those of tokens, in an order in which each has an
// effect.
func deeds(s *suite) []deed {
	return append(contentDeeds(s), liveDeeds(s)...)
}

func contentDeeds(s *suite) []deed {
	words := "words"
	return []deed{
		deedOf(s, "add component", s.AddComponent, func(ch sluice.Change) sluice.AddComponentRequest {
			return sluice.AddComponentRequest{Name: "added", Kind: "agent", Change: ch}
		}),
		deedOf(s, "edit component", s.EditComponent, func(ch sluice.Change) sluice.EditComponentRequest {
			return sluice.EditComponentRequest{Name: "added", Description: &words, Change: ch}
		}),
		deedOf(s, "save draft", s.SaveDraft, func(ch sluice.Change) sluice.SaveDraftRequest {
			return sluice.SaveDraftRequest{Component: "drafted", Kind: "prompt", Files: text("a draft"), Change: ch}
		}),
		deedOf(s, "publish draft", s.PublishDraft, func(ch sluice.Change) sluice.PublishDraftRequest {
			return sluice.PublishDraftRequest{Component: "drafted", Label: "v1.0.0", Change: ch}
		}),
		deedOf(s, "publish", s.Publish, func(ch sluice.Change) sluice.PublishRequest {
			return sluice.PublishRequest{Component: "published", Kind: "prompt", Files: text("a prompt"), Name: "once", Change: ch}
		}),
		deedOf(s, "edit version", s.EditVersion, func(ch sluice.Change) sluice.EditVersionRequest {
			return sluice.EditVersionRequest{Component: prompt, Version: "1", Note: &words, Change: ch}
		}),
		deedOf(s, "quarantine", s.Quarantine, func(ch sluice.Change) sluice.QuarantineRequest {
			return sluice.QuarantineRequest{Component: prompt, Version: "v1.2.0", Change: ch}
		}),
		deedOf(s, "lift", s.Quarantine, func(ch sluice.Change) sluice.QuarantineRequest {
			return sluice.QuarantineRequest{Component: prompt, Version: "v1.2.0", Lift: true, Change: ch}
		}),
		deedOf(s, "purge", s.Purge, func(ch sluice.Change) sluice.PurgeRequest {
			return sluice.PurgeRequest{Component: "archive", Version: "1", Change: ch}
		}),
	}
}

func liveDeeds(s *suite) []deed {
	parent := "staging"
	return []deed{
		deedOf(s, "create environment", s.CreateEnvironment, func(ch sluice.Change) sluice.CreateEnvironmentRequest {
			return sluice.CreateEnvironmentRequest{Name: "created", Alias: "cr", Parent: "prod", Change: ch}
		}),
		deedOf(s, "edit environment", s.EditEnvironment, func(ch sluice.Change) sluice.EditEnvironmentRequest {
			return sluice.EditEnvironmentRequest{Name: "created", Parent: &parent, Change: ch}
		}),
		deedOf(s, "delete environment", s.DeleteEnvironment, func(ch sluice.Change) sluice.DeleteEnvironmentRequest {
			return sluice.DeleteEnvironmentRequest{Name: "created", Change: ch}
		}),
		deedOf(s, "revive environment", s.CreateEnvironment, func(ch sluice.Change) sluice.CreateEnvironmentRequest {
			return sluice.CreateEnvironmentRequest{Name: "created", Parent: "prod", Change: ch}
		}),
		deedOf(s, "deploy", s.Deploy, func(ch sluice.Change) sluice.DeployRequest {
			return sluice.DeployRequest{Environment: "born", Create: sluice.CreateAlways, Changes: set(prompt, "1", other, "2"), Change: ch}
		}),
		deedOf(s, "promote", s.Promote, func(ch sluice.Change) sluice.PromoteRequest {
			return sluice.PromoteRequest{Environment: "prod", From: "staging", Change: ch}
		}),
		deedOf(s, "restore", s.Restore, func(ch sluice.Change) sluice.RestoreRequest {
			return sluice.RestoreRequest{Environment: "restored", From: "staging#1", Create: sluice.CreateMissing, Change: ch}
		}),
		deedOf(s, "rollback", s.Rollback, func(ch sluice.Change) sluice.RollbackRequest {
			return sluice.RollbackRequest{Environment: "prod", To: "prod#2", Quarantine: true, Change: ch}
		}),
	}
}

// tokenOnce: a token differs with each answer, and no stored answer holds its
// secret, so what a retry can do is to say which token was made.
func (s *suite) tokenOnce() {
	req := sluice.CreateTokenRequest{Name: "bob", Roles: []sluice.Role{sluice.RoleViewer}, Change: sluice.Change{DryRun: true}}
	before := s.everything()
	if _, err := s.CreateToken(s.ctx, req); err != nil {
		s.Fatal(err)
	}
	if s.everything() != before {
		s.Error("the dry run made a token")
	}
	req.Change = sluice.Change{IdempotencyKey: "a token"}
	made, err := s.CreateToken(s.ctx, req)
	if err != nil {
		s.Fatal(err)
	}
	after := s.everything()
	again, err := s.CreateToken(s.ctx, req)
	if again.ID != made.ID || again.Secret != "" || err != nil && sluice.CodeOf(err) != sluice.Unavailable {
		s.Errorf("the retry answered %+v, %v; want %s without its secret", again, err, made.ID)
	}
	if s.everything() != after {
		s.Error("the retry made another token")
	}
	req.Name = "alice"
	if _, err := s.CreateToken(s.ctx, req); sluice.CodeOf(err) != sluice.Conflict {
		s.Errorf("another request under the same key: %v", err)
	}
}
