package seal_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice/internal/seal"
)

func master(t testing.TB) *seal.Master {
	t.Helper()
	key, err := seal.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	m, err := seal.Read(t.Context(), seal.Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ring(t testing.TB) *seal.Ring {
	t.Helper()
	r, err := seal.NewEphemeral()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// newRing makes an organization's first data key, and opens it as it is stored.
func newRing(m *seal.Master) (*seal.Ring, seal.Wrapped, error) {
	first, err := m.NewDataKey()
	if err != nil {
		return nil, first, err
	}
	r, err := m.Unwrap([]seal.Wrapped{first})
	return r, first, err
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	r := ring(t)
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(rt, "value")
		org, fingerprint := rapid.String().Draw(rt, "org"), rapid.String().Draw(rt, "fingerprint")
		number, sealed, err := r.Seal(org, fingerprint, value)
		if err != nil {
			rt.Fatal(err)
		}
		if len(value) >= 8 && bytes.Contains(sealed, value) {
			rt.Fatal("the value shows")
		}
		got, err := r.Open(org, fingerprint, number, sealed)
		if err != nil || !bytes.Equal(got, value) {
			rt.Fatalf("got %x, %v, want %x", got, err, value)
		}
		for _, other := range []struct {
			org, fingerprint string
			number           int64
		}{{org + "x", fingerprint, number}, {org, fingerprint + "x", number}, {org, fingerprint, number + 1}} {
			if _, err := r.Open(other.org, other.fingerprint, other.number, sealed); err == nil {
				rt.Fatalf("it opens as %v", other)
			}
		}
	})
}

// TestLengthsAreHidden shows that values of up to 60 bytes look alike.
func TestLengthsAreHidden(t *testing.T) {
	t.Parallel()
	r := ring(t)
	_, short, _ := r.Seal("o", "f", nil)
	_, longer, _ := r.Seal("o", "f", make([]byte, 60))
	_, next, _ := r.Seal("o", "f", make([]byte, 61))
	if len(short) != len(longer) || len(next) <= len(longer) {
		t.Errorf("got %d, %d and %d bytes", len(short), len(longer), len(next))
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	r := ring(t)
	number, sealed, err := r.Seal("default", "f", []byte("hush"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(sealed) * 8 {
		damaged := slices.Clone(sealed)
		damaged[i/8] ^= 1 << (i % 8)
		if _, err := r.Open("default", "f", number, damaged); err == nil || !strings.Contains(err.Error(), "is damaged") {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
	for n := range sealed {
		if _, err := r.Open("default", "f", number, sealed[:n]); err == nil {
			t.Fatalf("%d bytes open", n)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	m := master(t)
	r, first, err := newRing(m)
	if err != nil {
		t.Fatal(err)
	}
	before := r.Fingerprint("KEY", []byte("v"))
	number, old, err := r.Seal("default", "f", []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Rotate(m)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := m.Unwrap([]seal.Wrapped{second, first}) // in any order
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*seal.Ring{r, opened} {
		if r.Fingerprint("KEY", []byte("v")) != before {
			t.Error("the fingerprint changed")
		}
		if got, err := r.Open("default", "f", number, old); err != nil || string(got) != "v" {
			t.Errorf("the old value: %q, %v", got, err)
		}
		if n, _, _ := r.Seal("default", "f", nil); n != 2 || r.Current() != 2 {
			t.Errorf("seals with %d of %d", n, r.Current())
		}
	}
	if r.Opened([]seal.Wrapped{first}) || r.Opened([]seal.Wrapped{first, second}) {
		t.Error("a ring that makes a key passes for one that was opened from what is stored")
	}
	foreign, err := m.NewDataKey() // number 1 too
	if err != nil {
		t.Fatal(err)
	}
	for name, stored := range map[string][]seal.Wrapped{"fewer": {first}, "none": nil, "another of the number": {foreign, second}} {
		if opened.Opened(stored) {
			t.Errorf("%s: the ring passes for one of other keys", name)
		}
	}
	if !opened.Opened([]seal.Wrapped{second, first}) {
		t.Error("the ring does not know its own keys")
	}
	late, err := m.Unwrap([]seal.Wrapped{first})
	if err != nil {
		t.Fatal(err)
	}
	n, sealed, _ := r.Seal("default", "f", []byte("new"))
	if _, err := late.Open("default", "f", n, sealed); err == nil || !strings.Contains(err.Error(), "data key 2, which is not there") {
		t.Errorf("without the new key: %v", err)
	}
}

func TestFingerprints(t *testing.T) {
	t.Parallel()
	r := ring(t)
	a := r.Fingerprint("KEY", []byte("value"))
	if len(a) != 32 || strings.Trim(a, "0123456789abcdef") != "" {
		t.Errorf("got %q", a)
	}
	for name, other := range map[string]string{
		"another value": r.Fingerprint("KEY", []byte("valu")), "another key": r.Fingerprint("KEY2", []byte("value")),
		"another split": r.Fingerprint("KEY\x00v", []byte("alue")), "another organization": ring(t).Fingerprint("KEY", []byte("value")),
	} {
		if other == a {
			t.Errorf("%s has the same", name)
		}
	}
	if r.Fingerprint("KEY", []byte("value")) != a {
		t.Error("it is not the same twice")
	}
}

func TestUnwrapRefusals(t *testing.T) {
	t.Parallel()
	m := master(t)
	_, first, err := newRing(m)
	if err != nil {
		t.Fatal(err)
	}
	_, foreign, err := newRing(m) // of another organization
	if err != nil {
		t.Fatal(err)
	}
	foreign.Number = 2
	flipped := seal.Wrapped{Number: 1, Bytes: slices.Clone(first.Bytes)}
	flipped.Bytes[len(flipped.Bytes)-1] ^= 1
	for name, test := range map[string]struct {
		m    *seal.Master
		keys []seal.Wrapped
		want string
	}{
		"none":               {m, nil, "there is no data key"},
		"another master":     {master(t), []seal.Wrapped{first}, "is another master key"},
		"a flipped bit":      {m, []seal.Wrapped{flipped}, "data key 1 is damaged"},
		"no age file":        {m, []seal.Wrapped{{Number: 1, Bytes: []byte("rubbish")}}, "data key 1 is damaged"},
		"nothing":            {m, []seal.Wrapped{{Number: 1}}, "data key 1 is damaged"},
		"another number":     {m, []seal.Wrapped{{Number: 2, Bytes: first.Bytes}}, "data key 2 is damaged"},
		"mixed up with some": {m, []seal.Wrapped{first, foreign}, "data key 2 is damaged"},
	} {
		if _, err := test.m.Unwrap(test.keys); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	m := master(f)
	r, first, err := newRing(m)
	if err != nil {
		f.Fatal(err)
	}
	_, sealed, _ := r.Seal("default", "f", []byte("hush"))
	f.Add(sealed, first.Bytes)
	f.Add([]byte{}, []byte("age-encryption.org/v1\n"))
	f.Fuzz(func(t *testing.T, value, key []byte) {
		if got, err := r.Open("default", "f", 1, value); err == nil && !bytes.Equal(value, sealed) {
			t.Errorf("%x opens to %q", value, got)
		}
		if _, err := m.Unwrap([]seal.Wrapped{{Number: 1, Bytes: key}}); err == nil && !bytes.Equal(key, first.Bytes) {
			t.Errorf("%x is a data key", key)
		}
	})
}

// sizes are those of a password and of the largest file that people keep in one.
var sizes = []struct {
	name  string
	bytes int
}{{"100B", 100}, {"64KiB", 64 << 10}}

func BenchmarkSeal(b *testing.B) {
	for _, size := range sizes {
		r, value := ring(b), make([]byte, size.bytes)
		b.Run(size.name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := r.Seal("default", "f", value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, size := range sizes {
		r := ring(b)
		number, sealed, err := r.Seal("default", "f", make([]byte, size.bytes))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(size.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := r.Open("default", "f", number, sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFingerprint(b *testing.B) {
	for _, size := range sizes {
		r, value := ring(b), make([]byte, size.bytes)
		b.Run(size.name, func(b *testing.B) {
			for b.Loop() {
				r.Fingerprint("KEY", value)
			}
		})
	}
}

func BenchmarkUnwrap(b *testing.B) {
	m := master(b)
	_, w, err := newRing(m)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := m.Unwrap([]seal.Wrapped{w}); err != nil {
			b.Fatal(err)
		}
	}
}
