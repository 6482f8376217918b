package sluice

import (
	"context"
	"slices"
)

// Role is what a token may do.
type Role string

// The roles. Each may read.
const (
	RoleViewer    Role = "viewer"
	RolePublisher Role = "publisher" // components, drafts, versions
	RoleRunner    Role = "runner"    // runs, in the environments that the token names
	RoleDeployer  Role = "deployer"  // what is live, and runs, in the environments that the token names
	RoleRevealer  Role = "revealer"  // the values of secrets, in the environments that the token names
	RoleImporter  Role = "importer"  // publish and deploy with the author and date of elsewhere
	RoleOverrider Role = "overrider" // publish, also what cannot run
	RoleAdmin     Role = "admin"     // everything
)

// Roles are all roles, weakest first.
func Roles() []Role {
	return []Role{RoleViewer, RolePublisher, RoleRunner, RoleDeployer, RoleRevealer, RoleImporter, RoleOverrider, RoleAdmin}
}

// Permission is one thing that a role allows.
type Permission string

// The permissions.
const (
	MayRead       Permission = "read"
	MayPublish    Permission = "publish"
	MayDeploy     Permission = "deploy" // in one environment
	MayRun        Permission = "run"    // in one environment
	MayReveal     Permission = "reveal" // the secrets of one environment
	MayImport     Permission = "import"
	MayQuarantine Permission = "quarantine"
	MayAdminister Permission = "administer"
	// MayPublishUnchecked allows to publish content that cannot run, besides MayPublish.
	MayPublishUnchecked Permission = "publish unchecked"
)

var granted = map[Role][]Permission{
	RoleViewer:    {MayRead},
	RolePublisher: {MayRead, MayPublish, MayQuarantine},
	RoleRunner:    {MayRead, MayRun},
	RoleDeployer:  {MayRead, MayDeploy, MayRun, MayQuarantine},
	RoleRevealer:  {MayRead, MayReveal},
	RoleImporter:  {MayRead, MayPublish, MayDeploy, MayImport},
	RoleOverrider: {MayRead, MayPublish, MayPublishUnchecked},
}

// inEnvironments reports whether a permission is one of an environment at a time.
func (p Permission) inEnvironments() bool {
	return slices.Contains([]Permission{MayDeploy, MayRun, MayReveal, MayQuarantine}, p)
}

// InEnvironments reports whether a role ends at the environments that a token names.
func (r Role) InEnvironments() bool {
	return slices.Contains([]Role{RoleRunner, RoleDeployer, RoleRevealer, RoleImporter}, r)
}

// Actor is who asks.
type Actor struct {
	Name string `json:"name"`
	Org  string `json:"organization"`
	// Roles are added up.
	Roles []Role `json:"roles"`
	// Environments limit what a deployer or importer may change, a runner run in and a
	// revealer see; empty is all.
	Environments []string `json:"environments,omitempty"`
	// ExpiresAt is when the token that was shown ends, 0 for never.
	ExpiresAt Time `json:"-"`
}

// May returns a Denied error unless the actor has the permission. Environment
// matters to [MayDeploy], [MayRun] and [MayReveal] alone.
func (a Actor) May(p Permission, environment string) error {
	if a.Name == "" {
		return Errorf(Unauthenticated, "no token was given").Ask("{token}")
	}
	limited := false
	for _, r := range a.Roles {
		if r == RoleAdmin {
			return nil
		}
		if !slices.Contains(granted[r], p) {
			continue
		}
		if !p.inEnvironments() || !r.InEnvironments() || len(a.Environments) == 0 || slices.Contains(a.Environments, environment) {
			return nil
		}
		limited = true
	}
	deed := "change"
	switch p {
	case MayReveal:
		deed = "see the secrets of"
	case MayRun:
		deed = "run anything in"
	case MayQuarantine:
		deed = "quarantine what is live in"
	}
	if limited {
		return Errorf(Denied, "%s may not %s %s, only %s", a.Name, deed, environment, Listing(a.Environments, 5)).
			Fix("ask an administrator for a token with the role %s in %s", roleFor(p), environment)
	}
	if p == MayReveal || p == MayRun {
		return Errorf(Denied, "%s may not %s %s", a.Name, deed, environment).
			Fix("ask an administrator for a token with the role %s in %s", roleFor(p), environment)
	}
	return Errorf(Denied, "%s may not %s", a.Name, p).Fix("ask an administrator for a token with the role %s", roleFor(p))
}

// MayAnywhere returns a Denied error unless the actor has the permission in some
// environment, which a request that names none yet can be asked first.
func (a Actor) MayAnywhere(p Permission) error {
	environment := "any environment"
	if len(a.Environments) > 0 {
		environment = a.Environments[0]
	}
	return a.May(p, environment)
}

func roleFor(p Permission) Role {
	for _, r := range Roles() {
		if slices.Contains(granted[r], p) {
			return r
		}
	}
	return RoleAdmin
}

type actorKey struct{}

// WithActor returns a context that carries who asks.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf returns who asks; the zero Actor when nobody was authenticated.
func ActorOf(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

// Token is a key to the API. Its secret is shown once, when it is made.
type Token struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"` // the actor that it speaks for
	Roles        []Role   `json:"roles"`
	Environments []string `json:"environments,omitempty"`
	CreatedAt    Time     `json:"created_at"`
	CreatedBy    string   `json:"created_by"`
	ExpiresAt    Time     `json:"expires_at,omitzero"`
	RevokedAt    Time     `json:"revoked_at,omitzero"`
	// Secret is set in the answer that makes or rotates the token, and never again.
	Secret string `json:"secret,omitempty"`
}

// CreateTokenRequest makes a token.
type CreateTokenRequest struct {
	Name         string   `json:"name"`
	Roles        []Role   `json:"roles"`
	Environments []string `json:"environments,omitempty"`
	// ExpiresIn is in seconds; 0 never expires.
	ExpiresIn int64 `json:"expires_in,omitempty"`
	Change
}

// RotateTokenRequest replaces a token's secret. The old one works for Grace
// seconds more.
type RotateTokenRequest struct {
	ID    string `json:"-"`
	Grace int64  `json:"grace,omitempty"`
	Change
}

// RevokeTokenRequest ends a token at once.
type RevokeTokenRequest struct {
	ID string `json:"-"`
	Change
}
