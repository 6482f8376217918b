package control_test

import (
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Slots of variables stand in the model under their own address, and components
// under their bare names, which sort before them as their slots do.

// slot is the address of what the model keeps under a key.
func slot(key string) sluice.Slot {
	if isVariable(key) {
		return sluice.Slot(key)
	}
	return sluice.ComponentSlot(key)
}

func keyOf(s sluice.Slot) string {
	if name := s.Component(); name != "" {
		return name
	}
	return string(s)
}

func isVariable(key string) bool { return strings.HasPrefix(key, "var/") }

// overlaid is the key of the wide variable that an overlay covers, "" for a wide one.
func overlaid(key string) string {
	wide, _, overlay := strings.Cut(key, "@")
	if !overlay {
		return ""
	}
	return wide
}

// variableKeys are all variables that the model's people set.
var variableKeys = []string{
	"var/API_TOKEN", "var/API_TOKEN@alpha", "var/API_TOKEN@beta", "var/API_TOKEN@gamma",
	"var/MODEL", "var/MODEL@alpha", "var/MODEL@beta", "var/MODEL@gamma", "var/SEED",
}

// variableValues are their values; the last gives itself away.
var variableValues = []string{"", "one", "two", "three", "postgres://u:hush@h/d"}

func concealed(v sluice.Value) bool { return v.Secret || v.Stub }

// secret decides whether a value is one: by what is asked, by what the key was,
// by the look of key and value.
func (c *change) secret(e *place, key string, asked *bool, value string) bool {
	telling := strings.Contains(value, "hush")
	if asked != nil {
		return *asked
	}
	for _, k := range []string{key, overlaid(key)} {
		if v := c.get(e, k).value; v.Fingerprint != "" || v.Stub {
			return concealed(v) || telling
		}
	}
	return strings.HasPrefix(key, "var/API_TOKEN") || telling
}

func (c *change) assign(e *place, key, print string, secret bool) error {
	cur, want := c.get(e, key), sluice.Value{Sealed: sluice.Sealed{Fingerprint: print, Secret: secret}}
	if cur.own() && cur.value.Equal(want) {
		return nil
	}
	c.did[sluice.ActionConfigure] = true
	return c.lay(e, key, want)
}

func (c *change) copyVariable(e *place, key string, h *held) error {
	if c.get(e, key).value.Equal(h.value) {
		return nil
	}
	if h.value.Stub {
		return refuse(sluice.Refused, "a stub")
	}
	return c.lay(e, key, h.value)
}

// returning is what a variable becomes that goes back to was; keep leaves it.
func (c *change) returning(cur, was *held, key string) (want sluice.Value, keep bool, err error) {
	want = was.runs()
	gone := want.Fingerprint != "" && c.shredded[want.Fingerprint]
	stub := sluice.Value{Sealed: sluice.Sealed{Stub: true}}
	switch {
	case want.Equal(cur.runs()):
		return want, false, nil
	case !concealed(want) && !concealed(cur.value):
		if gone {
			c.stubbed = append(c.stubbed, key)
			want = stub
		}
		return want, false, nil
	case c.secrets == sluice.SecretsExact && gone:
		return want, false, refuse(sluice.Refused, "shredded")
	case c.secrets == sluice.SecretsExact:
		return want, false, nil
	case c.secrets != sluice.SecretsStub && cur.value.Live():
		c.kept = append(c.kept, key)
		return want, true, nil
	case concealed(want):
		c.stubbed = append(c.stubbed, key)
		return stub, cur.value.Equal(stub), nil
	}
	return want, want.Equal(cur.value), nil
}

// goBack takes a slot back to what it was.
func (c *change) goBack(e *place, key string, was *held) error {
	if !isVariable(key) {
		return c.uncover(e, key, was)
	}
	want, keep, err := c.returning(c.get(e, key), was, key)
	if err != nil || keep {
		return err
	}
	then := *was
	then.value = want
	return c.uncover(e, key, &then)
}

// overlays takes a component's overlays back to what they were after a release,
// or names those that have changed.
func (c *change) overlays(e *place, component string, release int64) error {
	for _, key := range variableKeys {
		was := e.after(release).of(key)
		if !strings.HasSuffix(key, "@"+component) || sameAs(c.get(e, key), was) {
			continue
		}
		if !c.withConfig {
			c.kept = append(c.kept, key)
			continue
		}
		if err := c.goBack(e, key, was); err != nil {
			return err
		}
	}
	return nil
}

// ended is the last release after which a slot held exactly this.
func (e *place) ended(key string, was *held) int64 {
	for n := e.latest(); n > 0; n-- {
		if e.past[n-1].of(key).since == was.since {
			return n
		}
	}
	return 0
}

// effective is what a component gets of a variable: its overlay, else what all get.
func (s snapshot) effective(wide, component string) sluice.Value {
	if v := s.of(wide + "@" + component).value; v.Live() {
		return v
	}
	return s.of(wide).value
}

// shred forgets the past values of a slot that are live nowhere.
func (w *world) shred(e *place, key string) []string {
	var gone []string
	for _, s := range e.past {
		print := s.of(key).value.Fingerprint
		live := slices.ContainsFunc(w.living(), func(at *place) bool {
			return slices.ContainsFunc(variableKeys, func(k string) bool { return at.after(at.latest()).of(k).value.Fingerprint == print })
		})
		if print != "" && !live && !w.shredded[print] && !slices.Contains(gone, print) {
			gone = append(gone, print)
		}
	}
	return gone
}
