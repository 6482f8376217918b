package control

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// secretPrefix marks a secret of Sluice wherever one turns up.
const secretPrefix = "sluice_"

// maxSeconds bounds how far ahead a token may expire: ten years.
const maxSeconds = 10 * 366 * 24 * 3600

// Authenticate returns who a secret speaks for.
func (c *Control) Authenticate(ctx context.Context, secret string) (sluice.Actor, error) {
	id, _, ok := strings.Cut(strings.TrimPrefix(secret, secretPrefix), "_")
	if !ok || !strings.HasPrefix(secret, secretPrefix) || len(secret) > 200 {
		return sluice.Actor{}, badToken("the token is not one of Sluice's")
	}
	hash, epoch := hashSecret(secret), c.live.Epoch()
	if actor, found := c.known.find(hash, epoch); found {
		return actor, nil
	}
	var t sluice.Token
	err := c.db.View(ctx, c.org, func(tx *store.Tx) error {
		found := false
		var err error
		if t, found, err = tx.TokenByHash(id, hash, tx.WallClock()); err != nil {
			return err
		}
		switch {
		case !found:
			return badToken("the token is not valid")
		case t.RevokedAt != 0:
			return badToken("the token was revoked at " + t.RevokedAt.String())
		case t.ExpiresAt != 0 && t.ExpiresAt <= tx.WallClock():
			return badToken("the token expired at " + t.ExpiresAt.String())
		}
		return nil
	})
	actor := sluice.Actor{Name: t.Name, Org: c.org, Roles: t.Roles, Environments: t.Environments, ExpiresAt: t.ExpiresAt}
	if err == nil && t.ExpiresAt == 0 {
		c.known.keep(hash, epoch, actor)
	}
	return actor, err
}

func badToken(why string) error {
	return sluice.Errorf(sluice.Unauthenticated, "%s", why).
		Do(sluice.MakeToken(sluice.RoleDeployer), "{token=a token that an administrator made}")
}

func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func newSecret(id string) (string, error) {
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return secretPrefix + id + "_" + hex.EncodeToString(b[:]), nil
}

// Tokens lists all tokens, without secrets.
func (c *Control) Tokens(ctx context.Context) ([]sluice.Token, error) {
	if _, err := c.may(ctx, sluice.MayAdminister, ""); err != nil {
		return nil, err
	}
	var out []sluice.Token
	err := c.view(ctx, func(tx *store.Tx) (err error) {
		out, err = tx.Tokens()
		return err
	})
	return out, err
}

// CreateToken makes a token; its secret is in this answer alone.
func (c *Control) CreateToken(ctx context.Context, req sluice.CreateTokenRequest) (sluice.Token, error) {
	actor, err := c.may(ctx, sluice.MayAdminister, "")
	if err != nil {
		return sluice.Token{}, err
	}
	if err := checkToken(req); err != nil {
		return sluice.Token{}, err
	}
	return update(ctx, c, "token.create", req, req.Change, func(tx *store.Tx) (sluice.Token, error) {
		return createToken(tx, actor.Name, req)
	})
}

// roleNames are the roles that there are, for advice.
func roleNames() string {
	var names []string
	for _, r := range sluice.Roles() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

func checkToken(req sluice.CreateTokenRequest) error {
	if err := sluice.CheckName("token name", req.Name); err != nil {
		return err
	}
	if len(req.Roles) == 0 {
		return sluice.Errorf(sluice.Invalid, "a token needs a role").Fix("choose from: %s", roleNames())
	}
	for _, r := range req.Roles {
		if !slices.Contains(sluice.Roles(), r) {
			return sluice.Errorf(sluice.Invalid, "role %q is not known", string(r)).Fix("choose from: %s", roleNames())
		}
	}
	if len(req.Environments) > 0 && slices.Contains(req.Roles, sluice.RoleAdmin) {
		return sluice.Errorf(sluice.Invalid, "the role admin cannot be limited to an environment").
			Fix("leave the environment out, or take other roles")
	}
	if len(req.Environments) > 0 && !slices.ContainsFunc(req.Roles, sluice.Role.InEnvironments) {
		return sluice.Errorf(sluice.Invalid, "the role %s cannot be limited to an environment", req.Roles[0]).
			Fix("leave the environment out, or take a role that can be: runner, deployer, revealer or importer")
	}
	if req.ExpiresIn < 0 || req.ExpiresIn > maxSeconds {
		return sluice.Errorf(sluice.Invalid, "a token can expire in at most ten years")
	}
	return nil
}

func createToken(tx *store.Tx, actor string, req sluice.CreateTokenRequest) (sluice.Token, error) {
	var id [5]byte
	if _, err := rand.Read(id[:]); err != nil {
		return sluice.Token{}, err
	}
	t := sluice.Token{ID: hex.EncodeToString(id[:]), Name: req.Name, Roles: req.Roles, CreatedAt: tx.LedgerTime(), CreatedBy: actor}
	for _, name := range req.Environments {
		e, err := findEnvironment(tx, name)
		if err != nil {
			return t, err
		}
		t.Environments = append(t.Environments, e.Name)
	}
	if req.ExpiresIn > 0 {
		t.ExpiresAt = tx.WallClock() + sluice.Time(req.ExpiresIn*1_000_000)
	}
	if _, err := tx.Append(actor, sluice.EntryTokenCreate, t.ID, t); err != nil {
		return t, err
	}
	secret, err := newSecret(t.ID)
	if err != nil {
		return t, err
	}
	t.Secret = secret
	return t, tx.AddToken(t, hashSecret(secret))
}

// RotateToken replaces a token's secret.
func (c *Control) RotateToken(ctx context.Context, req sluice.RotateTokenRequest) (sluice.Token, error) {
	actor, err := c.may(ctx, sluice.MayAdminister, "")
	if err != nil {
		return sluice.Token{}, err
	}
	if req.Grace < 0 || req.Grace > maxSeconds {
		return sluice.Token{}, sluice.Errorf(sluice.Invalid, "the grace is between 0 and ten years, in seconds")
	}
	return update(ctx, c, "token.rotate "+req.ID, req, req.Change, func(tx *store.Tx) (sluice.Token, error) {
		t, err := findToken(tx, req.ID)
		if err != nil {
			return t, err
		}
		if t.RevokedAt != 0 {
			return t, sluice.Errorf(sluice.Conflict, "token %s was revoked at %s", t.ID, t.RevokedAt).Fix("create a new one")
		}
		if _, err := tx.Append(actor.Name, sluice.EntryTokenRotate, t.ID, t); err != nil {
			return t, err
		}
		secret, err := newSecret(t.ID)
		if err != nil {
			return t, err
		}
		t.Secret = secret
		return t, tx.RotateToken(t.ID, hashSecret(secret), tx.WallClock()+sluice.Time(req.Grace*1_000_000))
	})
}

// RevokeToken ends a token at once.
func (c *Control) RevokeToken(ctx context.Context, req sluice.RevokeTokenRequest) (sluice.Token, error) {
	actor, err := c.may(ctx, sluice.MayAdminister, "")
	if err != nil {
		return sluice.Token{}, err
	}
	return update(ctx, c, "token.revoke "+req.ID, req, req.Change, func(tx *store.Tx) (sluice.Token, error) {
		t, err := findToken(tx, req.ID)
		if err != nil || t.RevokedAt != 0 {
			return t, err
		}
		t.RevokedAt = tx.LedgerTime()
		if _, err := tx.Append(actor.Name, sluice.EntryTokenRevoke, t.ID, t); err != nil {
			return t, err
		}
		return t, tx.RevokeToken(t.ID, t.RevokedAt)
	})
}

func findToken(tx *store.Tx, id string) (sluice.Token, error) {
	t, found, err := tx.Token(id)
	if err == nil && !found {
		err = sluice.Errorf(sluice.NotFound, "token %q does not exist", id).Do(sluice.ListTokens(), "see {}")
	}
	return t, err
}

// FirstToken makes an administrator's token when there is no token at all, and
// returns its secret; "" otherwise.
func (c *Control) FirstToken(ctx context.Context) (string, error) {
	secret := ""
	err := c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		have, err := tx.Tokens()
		if err != nil || len(have) > 0 {
			return err
		}
		t, err := createToken(tx, systemActor, sluice.CreateTokenRequest{Name: "admin", Roles: []sluice.Role{sluice.RoleAdmin}})
		secret = t.Secret
		return err
	})
	return secret, err
}
