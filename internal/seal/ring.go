package seal

import (
	"bytes"
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"

	"filippo.io/age"

	"github.com/sluice-dev/sluice"
)

const (
	keyBytes         = 32
	fingerprintBytes = 16
	blockBytes       = 64 // sealed values are padded to a multiple, which hides their exact length
	lengthBytes      = 4
)

// wrappedForm begins what is wrapped: it, the number, the data key, the
// fingerprint key.
const wrappedForm = "sluice-data-key-1"

// Wrapped is a data key as it is stored.
type Wrapped struct {
	Number int64
	Bytes  []byte
}

// Ring holds the data keys of one organization and its fingerprint key, ready to
// use. What is kept is sealed only by a ring that [Master.Unwrap] opened from the
// stored keys, so that no caller seals with a key of its own. It is safe for
// concurrent use.
type Ring struct {
	fingerprints []byte
	mu           sync.RWMutex
	keys         []dataKey // by number; the last seals
	from         []Wrapped // what it was opened from, by number; nil once it holds more
}

type dataKey struct {
	number int64
	key    []byte
	aead   cipher.AEAD
}

// String hides the keys.
func (r *Ring) String() string { return redacted }

// GoString hides the keys.
func (r *Ring) GoString() string { return redacted }

// Format hides the keys under every verb: without it %d and %t print their bytes.
func (r *Ring) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the keys.
func (r *Ring) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the keys.
func (r *Ring) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func newDataKey(number int64, key []byte) (dataKey, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return dataKey{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return dataKey{number, key, aead}, err
}

// NewEphemeral makes a ring that is never stored, for what is only tried.
func NewEphemeral() (*Ring, error) {
	random := make([]byte, 2*keyBytes)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	key, err := newDataKey(1, random[:keyBytes])
	return &Ring{fingerprints: random[keyBytes:], keys: []dataKey{key}}, err
}

// NewDataKey makes an organization's first data key and its fingerprint key,
// wrapped. It seals once it is stored and was read back: of several that are made
// at once, one is stored.
func (m *Master) NewDataKey() (Wrapped, error) {
	r, err := NewEphemeral()
	if err != nil {
		return Wrapped{}, err
	}
	return m.wrap(r.keys[0], r.fingerprints)
}

func (m *Master) wrap(k dataKey, fingerprints []byte) (Wrapped, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, m.identities[0].Recipient())
	if err != nil {
		return Wrapped{}, err
	}
	_, err = w.Write(slices.Concat(formOf(k.number), k.key, fingerprints))
	err = errors.Join(err, w.Close()) // which writes the last of it
	return Wrapped{k.number, out.Bytes()}, err
}

// formOf is how what is wrapped begins, so that no data key passes for another.
func formOf(number int64) []byte {
	return binary.BigEndian.AppendUint64([]byte(wrappedForm), uint64(number))
}

// Unwrap opens stored data keys. Unavailable when the master key is another one
// or a data key is damaged.
func (m *Master) Unwrap(stored []Wrapped) (*Ring, error) {
	if len(stored) == 0 {
		return nil, sluice.Errorf(sluice.Internal, "there is no data key to open")
	}
	r := &Ring{from: slices.SortedFunc(slices.Values(stored), byNumber)}
	for _, w := range r.from {
		key, fingerprints, err := m.unwrap(w)
		if err != nil {
			return nil, err
		}
		if r.fingerprints != nil && !hmac.Equal(r.fingerprints, fingerprints) {
			return nil, damaged(w.Number)
		}
		k, err := newDataKey(w.Number, key)
		if err != nil {
			return nil, err
		}
		r.fingerprints, r.keys = fingerprints, append(r.keys, k)
	}
	return r, nil
}

func byNumber(a, b Wrapped) int { return cmp.Compare(a.Number, b.Number) }

// Opened reports whether the ring was opened from exactly these stored keys. Their
// bytes are compared: a number does not identify a key, since each caller that
// finds none would make a number 1.
func (r *Ring) Opened(stored []Wrapped) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.from) > 0 && slices.EqualFunc(r.from, slices.SortedFunc(slices.Values(stored), byNumber), func(a, b Wrapped) bool {
		return a.Number == b.Number && bytes.Equal(a.Bytes, b.Bytes)
	})
}

func (m *Master) unwrap(w Wrapped) (key, fingerprints []byte, err error) {
	identities := make([]age.Identity, len(m.identities))
	for i, id := range m.identities {
		identities[i] = id
	}
	plain, err := age.Decrypt(bytes.NewReader(w.Bytes), identities...)
	if no := (*age.NoIdentityMatchError)(nil); errors.As(err, &no) {
		return nil, nil, sluice.Errorf(sluice.Unavailable, "the key in %s does not open data key %d: it is another master key", m.source, w.Number).
			Fix("give the master key that the data was sealed under; after a rotation, the newest").
			Fix("all servers and command lines on one database need the same master key")
	}
	if err != nil {
		return nil, nil, damaged(w.Number)
	}
	b, err := io.ReadAll(io.LimitReader(plain, 1024))
	form := formOf(w.Number)
	if err != nil || len(b) != len(form)+2*keyBytes || !bytes.HasPrefix(b, form) {
		return nil, nil, damaged(w.Number)
	}
	b = b[len(form):]
	return b[:keyBytes:keyBytes], b[keyBytes:], nil
}

func damaged(number int64) error {
	return sluice.Errorf(sluice.Unavailable, "data key %d is damaged where it is stored", number).Do(sluice.RestoreBackup(), "restore a backup")
}

// Rotate makes the next data key, which seals from now on.
func (r *Ring) Rotate(m *Master) (Wrapped, error) {
	random := make([]byte, keyBytes)
	if _, err := rand.Read(random); err != nil {
		return Wrapped{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k, err := newDataKey(r.keys[len(r.keys)-1].number+1, random)
	if err != nil {
		return Wrapped{}, err
	}
	w, err := m.wrap(k, r.fingerprints)
	if err == nil {
		r.keys, r.from = append(slices.Clip(r.keys), k), nil
	}
	return w, err
}

// Rewrap wraps all data keys under the master key's first identity.
func (r *Ring) Rewrap(m *Master) ([]Wrapped, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []Wrapped
	for _, k := range r.keys {
		w, err := m.wrap(k, r.fingerprints)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// Current is the number of the data key that seals.
func (r *Ring) Current() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keys[len(r.keys)-1].number
}

func (r *Ring) find(number int64) (dataKey, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	i := slices.IndexFunc(r.keys, func(k dataKey) bool { return k.number == number })
	if i < 0 {
		return dataKey{}, false
	}
	return r.keys[i], true
}

// Fingerprint is the keyed hash of a value under its name, 32 hex digits. It stays
// the same when data keys rotate.
func (r *Ring) Fingerprint(name string, value []byte) string {
	h := hmac.New(sha256.New, r.fingerprints)
	h.Write([]byte(name))
	h.Write([]byte{0})
	h.Write(value)
	return hex.EncodeToString(h.Sum(nil)[:fingerprintBytes])
}

// Seal seals a value for one place: it opens under the same organization,
// fingerprint and number alone.
func (r *Ring) Seal(org, fingerprint string, value []byte) (number int64, sealed []byte, err error) {
	k, _ := r.find(r.Current())
	size := lengthBytes + len(value)
	padded := make([]byte, (size+blockBytes-1)/blockBytes*blockBytes)
	binary.BigEndian.PutUint32(padded, uint32(len(value)))
	copy(padded[lengthBytes:], value)
	return k.number, k.aead.Seal(nil, nil, padded, place(org, fingerprint, k.number)), nil
}

// Open opens a sealed value. Unavailable when its data key is not there or it is
// damaged.
func (r *Ring) Open(org, fingerprint string, number int64, sealed []byte) ([]byte, error) {
	k, found := r.find(number)
	if !found {
		return nil, sluice.Errorf(sluice.Unavailable, "a value is sealed with data key %d, which is not there", number).
			Do(sluice.RestoreBackup(), "try again; when it stays so, restore a backup")
	}
	padded, err := k.aead.Open(nil, nil, sealed, place(org, fingerprint, number))
	if err != nil || len(padded) < lengthBytes || uint64(binary.BigEndian.Uint32(padded)) > uint64(len(padded)-lengthBytes) {
		return nil, sluice.Errorf(sluice.Unavailable, "the sealed value %s does not open with data key %d: it is damaged, or another key sealed it", fingerprint, number).
			Do(sluice.VerifyLedger(), "see whether others do not either").
			Do(sluice.SetVariables("", ""), "set the variable again").
			Do(sluice.RestoreBackup(), "or restore a backup")
	}
	return padded[lengthBytes : lengthBytes+int(binary.BigEndian.Uint32(padded))], nil
}

// place binds a sealed value to where it is kept.
func place(org, fingerprint string, number int64) []byte {
	return []byte("sluice-sealed-1\x00" + org + "\x00" + fingerprint + "\x00" + strconv.FormatInt(number, 10))
}
