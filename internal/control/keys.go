package control

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
)

// keyring keeps the organization's data keys unwrapped, and knows where the
// master key comes from. What it keeps may be out of date: another process may
// have rotated them, so that each use compares the numbers with those stored.
type keyring struct {
	master seal.Config
	mu     sync.Mutex
	ring   *seal.Ring
}

// errStaleKeys says that the data keys are not those which are stored.
var errStaleKeys = errors.New("the data keys were rotated meanwhile")

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
// has the same, else a new one by the master key as it is now.
func (k *keyring) unwrap(ctx context.Context, stored []store.DataKey) (*seal.Ring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ring != nil && slices.Equal(k.ring.Numbers(), numbersOf(stored)) {
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

func wrappedOf(stored []store.DataKey) []seal.Wrapped {
	out := make([]seal.Wrapped, len(stored))
	for i, s := range stored {
		out[i] = seal.Wrapped{Number: s.Number, Bytes: s.Wrapped}
	}
	return out
}

func numbersOf(stored []store.DataKey) []int64 {
	out := make([]int64, len(stored))
	for i, s := range stored {
		out[i] = s.Number
	}
	return out
}

// sealer seals the values of one change.
type sealer struct {
	ring  *seal.Ring
	fresh *seal.Wrapped // the first data key, which the change itself must store
	dry   bool
	org   string
}

// sealing runs a change that seals values. The keys are read before it, since
// that may take a while; when they are rotated meanwhile, it is begun anew.
func sealing[T any](ctx context.Context, c *Control, dry bool, change func(*sealer) (T, error)) (T, error) {
	var out T
	var err error
	for range maxKeyTries {
		var s *sealer
		if s, err = c.sealer(ctx, dry); err != nil {
			return out, err
		}
		if out, err = change(s); !errors.Is(err, errStaleKeys) {
			return out, err
		}
	}
	return out, sluice.Errorf(sluice.Unavailable, "the keys are being rotated").Fix("try again in a moment; nothing was changed").Because(err)
}

func (c *Control) sealer(ctx context.Context, dry bool) (*sealer, error) {
	var stored []store.DataKey
	err := c.db.View(ctx, c.org, func(tx *store.Tx) (err error) {
		stored, err = tx.DataKeys()
		return err
	})
	s := &sealer{org: c.org, dry: dry}
	switch {
	case err != nil:
		return nil, err
	case len(stored) > 0:
		s.ring, err = c.keys.unwrap(ctx, stored)
		return s, err
	case dry: // which must not make a key
		s.ring, err = seal.NewEphemeral()
		return s, err
	}
	master, err := seal.Read(ctx, c.keys.master)
	if err != nil {
		return nil, err
	}
	ring, first, err := master.NewRing()
	s.ring, s.fresh = ring, &first
	return s, err
}

// confirm checks inside the transaction that the keys are those which are
// stored, and stores the first.
func (s *sealer) confirm(tx *store.Tx) error {
	stored, err := tx.DataKeys()
	switch {
	case err != nil:
		return err
	case len(stored) == 0 && s.fresh != nil:
		return tx.AddDataKey(store.DataKey{Number: s.fresh.Number, Wrapped: s.fresh.Bytes})
	case len(stored) == 0 && s.dry:
		return nil
	case !slices.Equal(s.ring.Numbers(), numbersOf(stored)):
		return errStaleKeys
	}
	return nil
}

func (s *sealer) fingerprint(key, value string) string { return s.ring.Fingerprint(key, []byte(value)) }

// put stores a value sealed, unless it is there.
func (s *sealer) put(tx *store.Tx, key, value string) (fingerprint string, err error) {
	fingerprint = s.fingerprint(key, value)
	if known, err := tx.Opens(fingerprint); known || err != nil {
		return fingerprint, err
	}
	number, bytes, err := s.ring.Seal(s.org, fingerprint, []byte(value))
	if err != nil {
		return fingerprint, err
	}
	return fingerprint, tx.PutSealed(store.Sealed{Fingerprint: fingerprint, Key: number, Bytes: bytes})
}

// show fills in the values of plain variables by the keys of this change, which
// a dry run has nowhere else.
func (s *sealer) show(tx *store.Tx, lists ...[]sluice.Variable) error {
	for _, list := range lists {
		err := openAll(tx, list, false, func(v store.Sealed) ([]byte, error) { return s.ring.Open(s.org, v.Fingerprint, v.Key, v.Bytes) })
		if err != nil {
			return err
		}
	}
	return nil
}

// openAll fills in the values that may be shown: the plain ones, and secrets when
// they are to be revealed.
func (c *Control) openAll(tx *store.Tx, variables []sluice.Variable, secrets bool) error {
	return openAll(tx, variables, secrets, func(v store.Sealed) ([]byte, error) {
		ring, err := c.keys.having(tx, v.Key)
		if err != nil {
			return nil, err
		}
		return ring.Open(c.org, v.Fingerprint, v.Key, v.Bytes)
	})
}

func openAll(tx *store.Tx, variables []sluice.Variable, secrets bool, open func(store.Sealed) ([]byte, error)) error {
	fingerprints := make([]string, 0, len(variables))
	for _, v := range variables {
		if v.Fingerprint != "" {
			fingerprints = append(fingerprints, v.Fingerprint)
		}
	}
	rows, err := tx.SealedValues(fingerprints)
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

// having is a ring with a data key: the one that is kept, or that of the keys as
// they are stored.
func (k *keyring) having(tx *store.Tx, number int64) (*seal.Ring, error) {
	k.mu.Lock()
	ring := k.ring
	k.mu.Unlock()
	if ring != nil && ring.Has(number) {
		return ring, nil
	}
	stored, err := tx.DataKeys()
	if err != nil {
		return nil, err
	}
	return k.unwrap(tx.Context(), stored)
}
