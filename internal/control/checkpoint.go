package control

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// checkpointKey is where the signing key is kept, beside the ledger.
const checkpointKey = "checkpoint_key"

// Checkpoint signs the head of the ledger's tree. The key is made at first use
// and stays in the database, so the signature shows where a checkpoint comes
// from and does not by itself protect the ledger: who can rewrite the database
// can sign a rewritten one. What finds a rewrite is a checkpoint, and the
// verifier key, that were kept elsewhere.
func (c *Control) Checkpoint(ctx context.Context) (sluice.Checkpoint, error) {
	var out sluice.Checkpoint
	if _, err := c.may(ctx, sluice.MayRead, ""); err != nil {
		return out, err
	}
	key, err := c.signingKey(ctx)
	if err != nil {
		return out, err
	}
	err = c.db.View(ctx, c.org, func(tx *store.Tx) error {
		size, _, err := tx.Position()
		if err != nil {
			return err
		}
		root, err := tx.TreeHash(size)
		if err != nil {
			return err
		}
		out = sluice.Checkpoint{Ledger: c.db.Ledger(), Size: size, Root: root.String(), At: tx.WallClock()}
		return sign(&out, key, origin(c.db.Ledger(), c.org))
	})
	return out, err
}

// origin names one ledger of one organization: the first line of a checkpoint.
func origin(ledger, org string) string { return "sluice/" + ledger + "/" + org }

// signingKey returns the key that signs, and makes it when there is none.
func (c *Control) signingKey(ctx context.Context) (string, error) {
	key := ""
	read := func(tx *store.Tx) (err error) {
		key, err = tx.Meta(checkpointKey)
		return err
	}
	if err := c.db.View(ctx, c.org, read); err != nil || key != "" {
		return key, err
	}
	err := c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		made, _, err := note.GenerateKey(rand.Reader, origin(c.db.Ledger(), c.org))
		if err != nil {
			return err
		}
		if err := tx.SetMeta(checkpointKey, made); err != nil {
			return err
		}
		return read(tx) // another node's, when it was faster
	})
	return key, err
}

// sign writes a checkpoint's note: the text of a tree head, as transparency logs
// write it (origin, size, root, a line each), and its signature.
func sign(cp *sluice.Checkpoint, key, origin string) error {
	signer, err := note.NewSigner(key)
	if err != nil {
		return fmt.Errorf("the checkpoint key is damaged: %w", err)
	}
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, cp.Size, cp.Root)}, signer)
	if err != nil {
		return err
	}
	cp.Note = string(signed)
	cp.Key, err = verifierKey(key)
	return err
}

// verifierKey is the public half of a signing key, which is written as
// PRIVATE+KEY+<name>+<hash>+<base64 of a type byte and the seed>.
func verifierKey(key string) (string, error) {
	parts := strings.SplitN(key, "+", 5)
	if len(parts) != 5 {
		return "", errors.New("the checkpoint key is damaged")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", errors.New("the checkpoint key is damaged")
	}
	public, _ := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(parts[2], public)
}

// treeHead is a checkpoint that the ledger is held against.
type treeHead struct {
	origin string
	size   int64
	root   tlog.Hash
	found  tlog.Hash // of the ledger's first size entries
}

// openCheckpoint reads and verifies what the caller holds against the ledger.
func (v *verifier) openCheckpoint(req sluice.VerifyRequest) error {
	if req.Against == "" {
		return nil
	}
	key := req.Key
	if key == "" {
		own, err := v.tx.Meta(checkpointKey)
		if err != nil {
			return err
		}
		if own == "" {
			return brokenf("the checkpoint was not signed by this ledger, which never signed one")
		}
		if key, err = verifierKey(own); err != nil {
			return err
		}
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return sluice.Errorf(sluice.Invalid, "%.200q is not a verifier key", key).Fix("pass the key that was printed with the checkpoint")
	}
	n, err := note.Open([]byte(req.Against), note.VerifierList(verifier))
	var unknown *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unknown):
		return brokenf("the checkpoint was not signed with the key %s", key)
	case errors.As(err, &invalid):
		return brokenf("the checkpoint's signature with the key %s is not valid: its text was changed", key)
	case err != nil:
		return notACheckpoint(err)
	}
	v.against, err = parseHead(n.Text)
	return err
}

func parseHead(text string) (*treeHead, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return nil, notACheckpoint(nil)
	}
	h := &treeHead{origin: lines[0]}
	var err error
	if h.size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || h.size < 0 {
		return nil, notACheckpoint(err)
	}
	if h.root, err = tlog.ParseHash(lines[2]); err != nil {
		return nil, notACheckpoint(err)
	}
	return h, nil
}

func notACheckpoint(cause error) error {
	return sluice.Errorf(sluice.Invalid, "the text is not a checkpoint").
		Fix("pass the whole note of the checkpoint, with its signature").Because(cause)
}

// checkAgainst compares the replayed ledger with the checkpoint. A restored
// backup continues its ledger, so a checkpoint of that one counts too.
func (v *verifier) checkAgainst(ledger string) error {
	if v.against == nil {
		return nil
	}
	of, rest, _ := strings.Cut(strings.TrimPrefix(v.against.origin, "sluice/"), "/")
	if rest != v.org || of != ledger && !v.formers[of] {
		return brokenf("the checkpoint is of %s, and this ledger is %s", v.against.origin, origin(ledger, v.org))
	}
	if v.against.size == 0 {
		v.against.found = (&frontier{}).root()
	}
	if v.against.size > v.last.Seq {
		return brokenf("the ledger was cut off: it has %d entries, the checkpoint has %d", v.last.Seq, v.against.size)
	}
	if v.against.found != v.against.root {
		return brokenf("the ledger was rewritten: the root of its first %d entries is %s, the checkpoint has %s", v.against.size, v.against.found, v.against.root)
	}
	return nil
}
