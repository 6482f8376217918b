package sluice

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Weight is a share of traffic in steps of 0.01 %.
type Weight int

// Whole is all of the traffic.
const Whole Weight = 10_000

// String returns the weight in percent, such as 12.5%.
func (w Weight) String() string {
	return strconv.FormatFloat(float64(w)/100, 'f', -1, 64) + "%"
}

// Pin is one exact version. Number and digest say what runs; the label is for
// people and never changes for a version.
type Pin struct {
	Version int    `json:"version,omitempty"`
	Label   Label  `json:"label,omitempty"`
	Digest  Digest `json:"digest,omitempty"`
}

// String is the bare version: its label, else its number.
func (p Pin) String() string {
	if p.Label != "" {
		return string(p.Label)
	}
	return strconv.Itoa(p.Version)
}

// Share is one version's part of a split.
type Share struct {
	Pin
	Weight Weight `json:"weight"`
}

// Sealed is what the slot of a variable holds: never the value itself, which is
// sealed elsewhere under its fingerprint.
type Sealed struct {
	// Fingerprint is the keyed hash of key and value, 32 hex digits. The same key
	// and value have the same in every environment.
	Fingerprint string `json:"fingerprint,omitempty"`
	Secret      bool   `json:"secret,omitempty"`
	// Stub stands for a secret that should be here and is not: someone must set it.
	Stub bool `json:"stub,omitempty"`
	// Hidden, in an overlay, hides the key from its component.
	Hidden bool `json:"hidden,omitempty"`
}

// Value is what a slot holds. The zero Value is absent. None hides what a parent
// holds. A component's value has a pin: alone when it is settled, with shares
// when it is split, and then the pin is the settled version that it started from.
// A variable's value is sealed.
type Value struct {
	Pin
	Split []Share `json:"split,omitempty"`
	None  bool    `json:"none,omitempty"`
	Sealed
}

// Settle is the value of one version at 100 %.
func Settle(p Pin) Value { return Value{Pin: p} }

// IsZero reports whether the value is absent.
func (v Value) IsZero() bool { return !v.Live() && !v.None && len(v.Split) == 0 }

// Live reports whether the slot has an effect: the value is neither absent nor none.
func (v Value) Live() bool { return v.Version > 0 || v.Sealed != Sealed{} }

// Settled reports whether the value is live and no split.
func (v Value) Settled() bool { return v.Live() && len(v.Split) == 0 }

// Equal reports whether both values are the same versions at the same weights,
// or the same variable.
func (v Value) Equal(o Value) bool {
	return v.Pin == o.Pin && v.None == o.None && v.Sealed == o.Sealed && slices.Equal(v.Split, o.Split)
}

// String is the value for people: a bare version, "none", "" when absent, the
// shares of a split, or as much of a variable as anyone may see.
func (v Value) String() string {
	switch {
	case v.None:
		return "none"
	case v.IsZero():
		return ""
	case v.Sealed != Sealed{}:
		return v.Sealed.String()
	case v.Settled():
		return v.Pin.String()
	}
	parts := make([]string, len(v.Split))
	for i, s := range v.Split {
		parts[i] = fmt.Sprintf("%s %s", s.Pin, s.Weight)
	}
	return strings.Join(parts, " / ")
}

// String is the variable masked: its sort and the beginning of its fingerprint.
func (s Sealed) String() string {
	switch {
	case s.Hidden:
		return "hidden"
	case s.Stub:
		return "stub"
	case s.Secret:
		return "secret:" + s.short()
	}
	return "plain:" + s.short()
}

func (s Sealed) short() string { return s.Fingerprint[:min(8, len(s.Fingerprint))] }

// Pins are the versions that run under this value.
func (v Value) Pins() []Pin {
	if len(v.Split) == 0 {
		if v.Version == 0 {
			return nil
		}
		return []Pin{v.Pin}
	}
	pins := make([]Pin, len(v.Split))
	for i, s := range v.Split {
		pins[i] = s.Pin
	}
	return pins
}

// Allocate checks the shares of a split and puts them into their one order:
// the base version last, the others by number, so that a key keeps its version
// while a challenger's weight grows.
func Allocate(base Pin, shares []Share) (Value, error) {
	if len(shares) < 2 || len(shares) > MaxShares {
		return Value{}, Errorf(Invalid, "a split has %d versions; it needs 2 to %d", len(shares), MaxShares)
	}
	if base.Version == 0 {
		base = shares[0].Pin
	}
	sum, seen := Weight(0), map[int]bool{}
	for _, s := range shares {
		if s.Weight < 1 || s.Weight >= Whole {
			return Value{}, Errorf(Invalid, "weight %d of version %s is not between 1 and %d", s.Weight, s.Pin, Whole-1).
				Fix("weights are in steps of 0.01 %% and add up to %d", Whole)
		}
		if seen[s.Version] {
			return Value{}, Errorf(Invalid, "version %s has two shares of one split", s.Pin).Fix("add them up")
		}
		seen[s.Version] = true
		sum += s.Weight
	}
	if sum != Whole {
		return Value{}, Errorf(Invalid, "the weights add up to %s", sum).Fix("weights are in steps of 0.01 %% and add up to %d", Whole)
	}
	ordered := slices.Clone(shares)
	slices.SortFunc(ordered, func(a, b Share) int { return rank(a, base) - rank(b, base) })
	return Value{Pin: base, Split: ordered}, nil
}

func rank(s Share, base Pin) int {
	if s.Version == base.Version {
		return math.MaxInt
	}
	return s.Version
}

// Pick returns the version that a sticky key gets. Without a key it is the
// settled version. The same component, key and shares give the same version on
// every machine: the key's bucket of 10,000 is a 64-bit FNV-1a hash of
// component, a zero byte and key, finished by MurmurHash3's mixer.
func (v Value) Pick(component, key string) Pin {
	if len(v.Split) == 0 || key == "" {
		return v.Pin
	}
	bucket := Weight(bucketOf(component, key))
	for _, s := range v.Split {
		if bucket < s.Weight {
			return s.Pin
		}
		bucket -= s.Weight
	}
	return v.Pin
}

func bucketOf(component, key string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(component) {
		h = (h ^ uint64(component[i])) * prime
	}
	h *= prime // the zero byte
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * prime
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return h % uint64(Whole)
}

// Encode writes the value as it is stored: "" for absent, "none", three words
// for a settled version, JSON for a split, and for a variable its sort with its
// fingerprint.
func (v Value) Encode() string {
	switch {
	case v.IsZero():
		return ""
	case v.None:
		return "none"
	case v.Sealed != Sealed{}:
		return v.Sealed.encode()
	case v.Settled():
		return strconv.Itoa(v.Version) + " " + string(v.Digest) + " " + string(v.Label)
	}
	b, err := json.Marshal(v)
	if err != nil { // no field of a Value can fail to encode
		panic(err)
	}
	return string(b)
}

func (s Sealed) encode() string {
	switch {
	case s.Hidden:
		return "hidden"
	case s.Stub:
		return "stub"
	case s.Secret:
		return "secret " + s.Fingerprint
	}
	return "plain " + s.Fingerprint
}

// DecodeValue reads what [Value.Encode] wrote.
func DecodeValue(s string) (Value, error) {
	switch {
	case s == "":
		return Value{}, nil
	case s == "none":
		return Value{None: true}, nil
	case s[0] == '{':
		var v Value
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			return Value{}, Errorf(Invalid, "stored value is damaged: %w", err)
		}
		return v, nil
	}
	number, rest, _ := strings.Cut(s, " ")
	switch number {
	case "hidden":
		return Value{Sealed: Sealed{Hidden: true}}, nil
	case "stub":
		return Value{Sealed: Sealed{Stub: true}}, nil
	case "secret", "plain":
		return Value{Sealed: Sealed{Fingerprint: rest, Secret: number == "secret"}}, nil
	}
	digest, label, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return Value{}, Errorf(Invalid, "stored value %q is damaged", clip(s))
	}
	return Settle(Pin{Version: n, Digest: Digest(digest), Label: Label(label)}), nil
}
