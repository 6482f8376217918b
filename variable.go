package sluice

import (
	"maps"
	"slices"
	"strings"
)

// Variable is one entry of an environment's configuration. Its value is set only
// where it may be shown: a secret's in the answer that reveals it.
type Variable struct {
	Key       string  `json:"key"`
	Component string  `json:"component,omitempty"` // of an overlay
	Value     *string `json:"value,omitempty"`
	Sealed
	// None hides what a parent holds.
	None bool `json:"none,omitempty"`
	// Shredded says that the value was made unrecoverable.
	Shredded bool `json:"shredded,omitempty"`
	// Unavailable says that the value was set elsewhere, and that only its fingerprint
	// is known here.
	Unavailable bool `json:"unavailable,omitempty"`
	// Environment owns the value: the one asked, or the one that it inherits from.
	Environment string `json:"environment"`
	// Since is the release of the environment asked that brought the value.
	Since    int64 `json:"since,omitempty"`
	PinnedBy int64 `json:"pinned_by,omitempty"`
	// Hides are the weaker layers that hold the key too, strongest first.
	Hides []Layer `json:"hides,omitempty"`
}

// Layer is an entry that a stronger one hides.
type Layer struct {
	Environment string `json:"environment"`
	Component   string `json:"component,omitempty"` // of an overlay
	Sealed
	None bool `json:"none,omitempty"`
}

// Slot is where the variable stands.
func (v Variable) Slot() Slot { return VariableSlot(v.Key, v.Component) }

// Name is the variable as people write it: KEY, or KEY@COMPONENT.
func (v Variable) Name() string { return strings.TrimPrefix(string(v.Slot()), variablePrefix) }

// VariableOf is a setting of a variable as its environment lists it, masked.
func VariableOf(environment string, s Setting) Variable {
	key, component, _ := s.Slot.Variable()
	v := Variable{
		Key: key, Component: component, Sealed: s.Value.Sealed, None: s.Value.None,
		Environment: environment, Since: s.Since, PinnedBy: s.PinnedBy,
	}
	if s.Origin != "" {
		v.Environment = s.Origin
	}
	return v
}

// Overlaid picks the settings that one component gets from those of an
// environment: its overlay's where there is one, else the wide ones, sorted by
// key. One that the overlay hides is there as hidden. Without a component they are
// the wide ones.
func Overlaid(settings []Setting, component string) []Setting {
	overlay := map[string]Setting{}
	for _, s := range settings {
		if key, of, ok := s.Slot.Variable(); ok && of != "" && of == component && s.Value.Live() {
			overlay[key] = s
		}
	}
	out := slices.Collect(maps.Values(overlay))
	for _, s := range settings {
		if key, of, ok := s.Slot.Variable(); ok && of == "" && s.Value.Live() && overlay[key].Slot == "" {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b Setting) int { return strings.Compare(a.key(), b.key()) })
	return out
}

func (s Setting) key() string {
	key, _, _ := s.Slot.Variable()
	return key
}

// SecretPolicy says what becomes of secrets when an environment goes back or is
// restored, since an old credential may have been revoked.
type SecretPolicy string

// The policies. Plain variables come back exactly under each of them.
const (
	SecretsCurrent SecretPolicy = "current" // the target's present value stays; where it has none, a stub
	SecretsExact   SecretPolicy = "exact"   // the old value comes back
	SecretsStub    SecretPolicy = "stub"    // a stub, so that someone must set it
)

// ParseSecretPolicy reads one; empty is [SecretsCurrent].
func ParseSecretPolicy(s SecretPolicy) (SecretPolicy, error) {
	switch s {
	case "":
		return SecretsCurrent, nil
	case SecretsCurrent, SecretsExact, SecretsStub:
		return s, nil
	}
	return "", Errorf(Invalid, "the policy for secrets is not one that is known").Fix("use current, exact or stub")
}

// CheckValue checks the value of a variable. The message does not repeat it.
func CheckValue(key, value string) error {
	if len(value) > MaxValueBytes {
		return Errorf(LimitExceeded, "the value of %s is %d bytes; the limit is %d", key, len(value), MaxValueBytes).
			Fix("publish it as a component of the kind config, and let the variable name that")
	}
	return CheckIsText("the value of "+key, value)
}

// VariableQuery selects variables of one environment.
type VariableQuery struct {
	Environment EnvironmentRef // now or then
	Component   string         // only its overlay
	Wide        bool           // no overlays
	Paging
}

// VariableRequest asks for one variable, as a component gets it when one is named.
type VariableRequest struct {
	Environment EnvironmentRef // now or then
	Key         string
	Component   string
	// Reveal asks for a secret's value too, which needs a permission and is recorded.
	Reveal bool
}

// EffectiveRequest asks for all variables that a component gets in an
// environment; without a component, for those that every one gets.
type EffectiveRequest struct {
	Environment EnvironmentRef // now or then
	Component   string
	Reveal      bool // with the values of secrets, which is recorded
}

// EffectiveSet is what a component gets, sorted by key.
type EffectiveSet struct {
	Environment string     `json:"environment"`
	Component   string     `json:"component,omitempty"`
	Release     int64      `json:"release"`
	Root        Digest     `json:"root"`
	Variables   []Variable `json:"variables"`
}

// ImportVariablesRequest sets variables from the text of a file, as one release.
type ImportVariablesRequest struct {
	Environment string `json:"-"`
	Component   string `json:"component,omitempty"` // into its overlay
	File        string `json:"file,omitempty"`      // its name, for messages
	Text        string `json:"text"`
	// Dialect is how Text is written: [DialectDotenv], which "" is, or [DialectDocker].
	Dialect string `json:"dialect,omitempty"`
	// Prune takes away the environment's own keys that the text lacks.
	Prune bool `json:"prune,omitempty"`
	// Secret says of all keys whether they are; when it is not given each keeps what
	// it was, and a new one is judged by its look.
	Secret *bool `json:"secret,omitempty"`
	// Secrets says so of single keys, which the text must assign.
	Secrets         map[string]bool `json:"secrets,omitempty"`
	Create          string          `json:"create,omitempty"` // "", "missing" or "always"
	ExpectedRelease *int64          `json:"expected_release,omitempty"`
	Change
}

// SecretOf says whether a key was said to be a secret; nil leaves that to the rules.
func (r ImportVariablesRequest) SecretOf(key string) *bool {
	if said, found := r.Secrets[key]; found {
		return &said
	}
	return r.Secret
}

// CheckSecrets refuses to say of a key that nothing is assigned to whether it is a
// secret: it is a slip. The message does not repeat what was given.
func (r ImportVariablesRequest) CheckSecrets(list []Assignment) error {
	for key := range r.Secrets {
		if !slices.ContainsFunc(list, func(a Assignment) bool { return a.Key == key }) {
			return Errorf(Invalid, "it is said of a key whether it is a secret, and the text does not assign it").
				Ask("name keys that the text assigns in {secrets}")
		}
	}
	return nil
}

// ImportReport says what an import did.
type ImportReport struct {
	Outcome
	Variables []VariableDiff `json:"variables"` // each key of the text or, with prune, of the environment
	Repeated  []Repeated     `json:"repeated,omitempty"`
}

// Repeated is a key that a text assigned before it assigned it again.
type Repeated struct {
	Key  string `json:"key"`
	Line int    `json:"line"`
}

// The ways in which two sides of a variable differ.
const (
	DiffAdded   = "added"   // only the second has it
	DiffRemoved = "removed" // only the first has it
	DiffChanged = "changed"
	DiffSame    = "same"
)

// VariableDiff is one variable on two sides, masked.
type VariableDiff struct {
	Key       string    `json:"key"`
	Component string    `json:"component,omitempty"`
	Status    string    `json:"status"` // added, removed, changed or same
	From      *Variable `json:"from,omitempty"`
	To        *Variable `json:"to,omitempty"`
}

// DiffVariablesRequest compares the variables of two environments, each now or
// then; with a component, what that one gets.
type DiffVariablesRequest struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Component string `json:"component,omitempty"`
}

// VariablesDiff lists what differs, sorted by key and component.
type VariablesDiff struct {
	From      string         `json:"from"` // with the release number
	To        string         `json:"to"`
	Variables []VariableDiff `json:"variables"`
}

// DiffVariables compares two lists that are sorted by slot. A key that is hidden
// on one side is not there.
func DiffVariables(from, to []Variable) []VariableDiff {
	out := []VariableDiff{}
	add := func(a, b *Variable) {
		v := a
		if v == nil {
			v = b
		}
		d := VariableDiff{Key: v.Key, Component: v.Component, From: a, To: b, Status: DiffChanged}
		switch {
		case a == nil:
			d.Status = DiffAdded
		case b == nil:
			d.Status = DiffRemoved
		case a.Sealed == b.Sealed && a.None == b.None:
			d.Status = DiffSame
		}
		out = append(out, d)
	}
	for len(from) > 0 || len(to) > 0 {
		switch {
		case len(to) == 0 || len(from) > 0 && from[0].Slot() < to[0].Slot():
			add(&from[0], nil)
			from = from[1:]
		case len(from) == 0 || to[0].Slot() < from[0].Slot():
			add(nil, &to[0])
			to = to[1:]
		default:
			add(&from[0], &to[0])
			from, to = from[1:], to[1:]
		}
	}
	return out
}

// ShredRequest makes past values of one variable unrecoverable.
type ShredRequest struct {
	Environment string `json:"-"`
	Key         string `json:"-"`
	Component   string `json:"component,omitempty"` // of an overlay
	// Before spares values that were still live then. Zero is now.
	Before Time `json:"before,omitzero"`
	Change
}

// ShredReport says which values are gone. What is live somewhere is kept.
type ShredReport struct {
	Environment string   `json:"environment"`
	Key         string   `json:"key"`
	Component   string   `json:"component,omitempty"`
	Shredded    []string `json:"shredded"` // fingerprints
	Kept        []Kept   `json:"kept,omitempty"`
	DryRun      bool     `json:"dry_run,omitempty"`
}

// RotateKeyRequest replaces the key that values are sealed with.
type RotateKeyRequest struct {
	// Master makes a new master key too, where it is a file that Sluice may write.
	Master bool `json:"master,omitempty"`
	Change
}

// KeyReport says what a rotation did.
type KeyReport struct {
	Key      int64  `json:"key"`      // number of the data key that seals from now on
	Resealed int64  `json:"resealed"` // values
	Master   string `json:"master"`   // where the master key comes from
	// NewMaster says that the key file has a new first key. The older ones in it
	// still open older backups.
	NewMaster bool `json:"new_master,omitempty"`
	DryRun    bool `json:"dry_run,omitempty"`
}
