package control

import (
	"context"
	"errors"
	"sync"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// keyring keeps the organization's data keys unwrapped, and knows where the
// master key comes from. What it keeps is used only while it was opened from the
// keys that are stored: another process may have made the first, or rotated them.
type keyring struct {
	master seal.Config
	mu     sync.Mutex
	ring   *seal.Ring
}

// errStaleKeys says that the data keys are not those which are stored.
var errStaleKeys = errors.New("the data keys were changed meanwhile")

// maxKeyTries bounds how often a change is begun anew after a rotation.
const maxKeyTries = 4

// CheckKeys reports whether the master key is there and opens what is stored, so
// that a wrong one is known when a server starts.
func (c *Control) CheckKeys(ctx context.Context) error {
	return c.db.View(ctx, c.org, func(tx *store.Tx) error {
		stored, err := tx.DataKeys()
		if err != nil {
			return err
		}
		if len(stored) > 0 {
			_, err = c.keys.unwrap(ctx, stored)
			return err
		}
		if !c.keys.master.Make && c.keys.master != (seal.Config{}) {
			_, err = seal.Read(ctx, c.keys.master)
		}
		return err
	})
}

// unwrap returns the ring of the stored data keys: the one that is kept, if it
// was opened from them, else a new one by the master key as it is now.
func (k *keyring) unwrap(ctx context.Context, stored []store.DataKey) (*seal.Ring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ring != nil && k.ring.Opened(wrappedOf(stored)) {
		return k.ring, nil
	}
	existing := k.master
	existing.Make = false // a new key would open nothing of what is there
	master, err := seal.Read(ctx, existing)
	if err != nil {
		return nil, err
	}
	ring, err := master.Unwrap(wrappedOf(stored))
	if err == nil {
		k.ring = ring
	}
	return ring, err
}

// stored is the ring of the keys that a transaction finds.
func (k *keyring) stored(tx *store.Tx) (*seal.Ring, error) {
	stored, err := tx.DataKeys()
	if err != nil {
		return nil, err
	}
	return k.unwrap(tx.Context(), stored)
}

func wrappedOf(stored []store.DataKey) []seal.Wrapped {
	out := make([]seal.Wrapped, len(stored))
	for i, s := range stored {
		out[i] = seal.Wrapped{Number: s.Number, Bytes: s.Wrapped}
	}
	return out
}

// openKeys are the data keys as they were read before a transaction. They seal
// nothing: a transaction that finds them stored gets a sealer of them.
type openKeys struct {
	ring *seal.Ring
	dry  bool // a dry run's own, where none is stored
	org  string
}

// sealing runs a change that seals values. The keys are read before it, since
// that may take a while; when they are rotated meanwhile, it is begun anew.
func sealing[T any](ctx context.Context, c *Control, dry bool, change func(*openKeys) (T, error)) (T, error) {
	var out T
	var err error
	for range maxKeyTries {
		var k *openKeys
		if k, err = c.openKeys(ctx, dry); err != nil {
			return out, err
		}
		if out, err = change(k); !errors.Is(err, errStaleKeys) {
			return out, err
		}
	}
	return out, sluice.Errorf(sluice.Unavailable, "the keys are being rotated").Fix("try again in a moment; nothing was changed").Because(err)
}

func (c *Control) openKeys(ctx context.Context, dry bool) (*openKeys, error) {
	var stored []store.DataKey
	err := c.db.View(ctx, c.org, func(tx *store.Tx) (err error) {
		stored, err = tx.DataKeys()
		return err
	})
	k := &openKeys{org: c.org}
	if err == nil && len(stored) == 0 {
		if dry { // which must not make a key
			k.dry = true
			k.ring, err = seal.NewEphemeral()
			return k, err
		}
		stored, err = c.firstKey(ctx)
	}
	if err != nil {
		return nil, err
	}
	k.ring, err = c.keys.unwrap(ctx, stored)
	return k, err
}

// firstKey stores the organization's first data key, unless there is one by now,
// and returns what is stored. It is a transaction of its own before the change that
// needs the key: also the hash of that request is taken with it.
func (c *Control) firstKey(ctx context.Context) ([]store.DataKey, error) {
	master, err := seal.Read(ctx, c.keys.master)
	if err != nil {
		return nil, err
	}
	first, err := master.NewDataKey()
	if err != nil {
		return nil, err
	}
	var stored []store.DataKey
	err = c.db.Update(ctx, c.org, func(tx *store.Tx) (err error) {
		if stored, err = tx.DataKeys(); err != nil || len(stored) > 0 {
			return err
		}
		if err = tx.AddDataKey(store.DataKey{Number: first.Number, Wrapped: first.Bytes}); err != nil {
			return err
		}
		stored, err = tx.DataKeys()
		return err
	})
	return stored, err
}

// sealer seals the values of one transaction, with the keys that it found stored.
type sealer struct {
	tx   *store.Tx
	ring *seal.Ring
	org  string
}

// sealer checks inside the transaction that the keys are those which are stored.
// [errStaleKeys] when they are not.
func (k *openKeys) sealer(tx *store.Tx) (*sealer, error) {
	stored, err := tx.DataKeys()
	switch {
	case err != nil:
		return nil, err
	case k.dry && len(stored) == 0, k.ring.Opened(wrappedOf(stored)):
		return &sealer{tx, k.ring, k.org}, nil
	}
	return nil, errStaleKeys
}

func (k *openKeys) fingerprint(key, value string) string {
	return k.ring.Fingerprint(key, []byte(value))
}

// put stores a value sealed, unless it is there. One that does not open any more
// is sealed anew: its name, the fingerprint, says that it was the same.
func (s *sealer) put(key, value string) (fingerprint string, err error) {
	fingerprint = s.ring.Fingerprint(key, []byte(value))
	there, err := s.tx.SealedValues([]string{fingerprint})
	if err != nil {
		return fingerprint, err
	}
	was, found := there[fingerprint]
	known := found && !was.Elsewhere()
	if known {
		if _, err := s.ring.Open(s.org, fingerprint, was.Key, was.Bytes); err == nil {
			return fingerprint, nil
		}
	}
	number, bytes, err := s.ring.Seal(s.org, fingerprint, []byte(value))
	if err != nil {
		return fingerprint, err
	}
	sealed := store.Sealed{Fingerprint: fingerprint, Key: number, Bytes: bytes}
	if known {
		return fingerprint, s.tx.Reseal(sealed)
	}
	return fingerprint, s.tx.PutSealed(sealed)
}

// show fills in the values of plain variables by the keys of this change, which
// a dry run has nowhere else.
func (s *sealer) show(lists ...[]sluice.Variable) error {
	for _, list := range lists {
		err := openAll(s.tx, list, false, func(v store.Sealed) ([]byte, error) { return s.ring.Open(s.org, v.Fingerprint, v.Key, v.Bytes) })
		if err != nil {
			return err
		}
	}
	return nil
}

// openAll fills in the values that may be shown: the plain ones, and secrets when
// they are to be revealed.
func (c *Control) openAll(tx *store.Tx, variables []sluice.Variable, secrets bool) error {
	var ring *seal.Ring
	return openAll(tx, variables, secrets, func(v store.Sealed) (_ []byte, err error) {
		if ring == nil { // only where a value is to be opened
			if ring, err = c.keys.stored(tx); err != nil {
				return nil, err
			}
		}
		return ring.Open(c.org, v.Fingerprint, v.Key, v.Bytes)
	})
}

// fingerprintsOf are those of the variables that have a value.
func fingerprintsOf(variables []sluice.Variable) []string {
	out := make([]string, 0, len(variables))
	for _, v := range variables {
		if v.Fingerprint != "" {
			out = append(out, v.Fingerprint)
		}
	}
	return out
}

func openAll(tx *store.Tx, variables []sluice.Variable, secrets bool, open func(store.Sealed) ([]byte, error)) error {
	rows, err := tx.SealedValues(fingerprintsOf(variables))
	if err != nil {
		return err
	}
	for i := range variables {
		v := &variables[i]
		row, found := rows[v.Fingerprint]
		v.Shredded, v.Unavailable = v.Fingerprint != "" && !found, found && row.Elsewhere()
		if !found || v.Unavailable || v.Secret && !secrets {
			continue
		}
		b, err := open(row)
		if err != nil {
			return err
		}
		value := string(b)
		v.Value = &value
	}
	return nil
}
