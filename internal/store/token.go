package store

import (
	"encoding/json"

	"github.com/sluice-dev/sluice"
)

const tokenColumns = "id, name, roles, environments, created_at, created_by, expires_at, revoked_at"

func scanToken(s scanner) (sluice.Token, error) {
	var t sluice.Token
	var roles, environments string
	if err := s.Scan(&t.ID, &t.Name, &roles, &environments, &t.CreatedAt, &t.CreatedBy, &t.ExpiresAt, &t.RevokedAt); err != nil {
		return t, err
	}
	if err := json.Unmarshal([]byte(roles), &t.Roles); err != nil {
		return t, err
	}
	return t, json.Unmarshal([]byte(environments), &t.Environments)
}

// Tokens lists all tokens, without secrets.
func (tx *Tx) Tokens() ([]sluice.Token, error) {
	return all(tx, scanToken, "SELECT "+tokenColumns+" FROM tokens WHERE org = $1 ORDER BY created_at, id", tx.org)
}

// Token finds one token.
func (tx *Tx) Token(id string) (sluice.Token, bool, error) {
	return first(tx, scanToken, "SELECT "+tokenColumns+" FROM tokens WHERE org = $1 AND id = $2", tx.org, id)
}

// TokenByHash finds the token whose secret, or whose former secret within its
// grace by the wall clock, has this hash.
func (tx *Tx) TokenByHash(id, hash string, now sluice.Time) (sluice.Token, bool, error) {
	return first(tx, scanToken, "SELECT "+tokenColumns+` FROM tokens
		WHERE org = $1 AND id = $2 AND (hash = $3 OR (old_hash = $4 AND old_until > $5))`, tx.org, id, hash, hash, now)
}

// AddToken writes a new token with the hash of its secret.
func (tx *Tx) AddToken(t sluice.Token, hash string) error {
	roles, err := sluice.EncodeJSON(t.Roles)
	if err != nil {
		return err
	}
	environments, err := sluice.EncodeJSON(t.Environments)
	if err != nil {
		return err
	}
	return tx.change(`INSERT INTO tokens (org, id, name, roles, environments, hash, old_hash, old_until, created_at, created_by, expires_at, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, '', 0, $7, $8, $9, 0)`,
		tx.org, t.ID, t.Name, string(roles), string(environments), hash, t.CreatedAt, t.CreatedBy, t.ExpiresAt)
}

// RotateToken replaces the hash; the former one is good until a time of the wall
// clock.
func (tx *Tx) RotateToken(id, hash string, oldUntil sluice.Time) error {
	return tx.change("UPDATE tokens SET old_hash = hash, old_until = $1, hash = $2 WHERE org = $3 AND id = $4", oldUntil, hash, tx.org, id)
}

// RevokeToken ends a token.
func (tx *Tx) RevokeToken(id string, at sluice.Time) error {
	return tx.change("UPDATE tokens SET revoked_at = $1, old_until = 0 WHERE org = $2 AND id = $3", at, tx.org, id)
}

// Answer is a stored answer to a request with an idempotency key.
type Answer struct {
	Request string // hash of the request
	Answer  string
	At      sluice.Time
}

// Answer finds what an actor's key was answered.
func (tx *Tx) Answer(actor, key string) (Answer, bool, error) {
	return first(tx, func(s scanner) (Answer, error) {
		var a Answer
		err := s.Scan(&a.Request, &a.Answer, &a.At)
		return a, err
	}, "SELECT request, answer, at FROM idempotency WHERE org = $1 AND actor = $2 AND key = $3", tx.org, actor, key)
}

// PutAnswer stores an answer, and forgets those from before a time. Those of after
// this one, which a clock that was ahead has dated, count from now.
func (tx *Tx) PutAnswer(actor, key string, a Answer, forget sluice.Time) error {
	if err := tx.change("DELETE FROM idempotency WHERE at < $1", forget); err != nil {
		return err
	}
	if err := tx.change("UPDATE idempotency SET at = $1 WHERE at > $2", a.At, a.At); err != nil {
		return err
	}
	return tx.change(`INSERT INTO idempotency (org, actor, key, request, answer, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (org, actor, key) DO UPDATE SET request = excluded.request, answer = excluded.answer, at = excluded.at`,
		tx.org, actor, key, a.Request, a.Answer, a.At)
}
