package control_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// change is one change under way: what slots shall hold, beside the world as it
// is. It is committed as a whole or forgotten.
type change struct {
	*world
	actor string
	next  map[string]map[string]*held
	free  bool // asks no policy of environments that inherit

	secrets    sluice.SecretPolicy
	withConfig bool
	stubbed    []string

	kept      []string // components that were meant and left
	neverLive []string
	did       map[sluice.Action]bool
}

func (w *world) change(actor string) *change {
	return &change{world: w, actor: actor, next: map[string]map[string]*held{}, did: map[sluice.Action]bool{}}
}

// action is what a change set is called for what it did.
func (c *change) action() sluice.Action {
	components := maps.Clone(c.did)
	delete(components, sluice.ActionConfigure)
	switch {
	case len(components) == 0 && c.did[sluice.ActionConfigure]:
		return sluice.ActionConfigure
	case c.did[sluice.ActionDeploy] || len(components) == 0:
		return sluice.ActionDeploy
	case c.did[sluice.ActionRollback]:
		return sluice.ActionRollback
	}
	return sluice.ActionUnset
}

func refuse(code sluice.Code, why string) error { return sluice.Errorf(code, "%s", why) }

func (c *change) get(e *place, component string) *held {
	if h := c.next[e.name][component]; h != nil {
		return h
	}
	return e.after(e.latest()).of(component)
}

// fromParent is what an environment holds when it has nothing of its own.
func (c *change) fromParent(e *place, component string) *held {
	parent := c.environments[e.parent]
	if parent == nil {
		return &held{}
	}
	h := c.get(parent, component)
	switch {
	case !h.value.Live():
		return &held{}
	case h.origin != "":
		return &held{value: h.value, origin: h.origin}
	}
	return &held{value: h.value, origin: parent.name}
}

// put gives a slot a value and passes it on.
func (c *change) put(e *place, component string, h *held) error {
	h.since = e.latest() + 1
	if c.next[e.name] == nil {
		c.next[e.name] = map[string]*held{}
	}
	c.next[e.name][component] = h
	for _, child := range c.children(e.name) {
		if err := c.inherit(child, component); err != nil {
			return err
		}
	}
	return nil
}

// inherit brings an environment up to its parent.
func (c *change) inherit(e *place, component string) error {
	cur := c.get(e, component)
	if cur.own() {
		return nil
	}
	h := c.fromParent(e, component)
	if h.looksLike(cur) {
		return nil
	}
	h.below = c.below(e, cur, h.value)
	if !h.value.Equal(cur.value) {
		if was := cur.find(h.value.Version); was != nil && h.value.Settled() {
			h.below = was.below
		} else if h.value.Live() && !c.free {
			if err := c.policy(e, component, h.value); err != nil {
				return err
			}
		}
	}
	return c.put(e, component, h)
}

// below is what a rollback uncovers after v has replaced cur: what was live as
// one version, which nothing is that the same release brought.
func (c *change) below(e *place, cur *held, v sluice.Value) *held {
	if cur.value.Settled() && !cur.value.Equal(v) && cur.since <= e.latest() {
		return cur
	}
	return cur.below
}

func (h *held) find(version int) *held {
	if version == 0 {
		return nil
	}
	for at := h.below; at != nil; at = at.below {
		if at.value.Version == version {
			return at
		}
	}
	return nil
}

// content refuses quarantined versions.
func (c *change) content(component string, v sluice.Value) error {
	for _, pin := range v.Pins() {
		if c.components[component].quarantined[pin.Digest] {
			return refuse(sluice.Refused, "quarantined")
		}
	}
	return nil
}

// policy refuses versions that were live in none of the sources.
func (c *change) policy(e *place, component string, v sluice.Value) error {
	for _, pin := range v.Pins() {
		live := len(e.sources) == 0
		for _, source := range e.sources {
			live = live || c.environments[source].wasLive(component, pin.Version) != nil
		}
		if !live {
			return refuse(sluice.Refused, "was never live in a source")
		}
	}
	return nil
}

func (c *change) lay(e *place, component string, v sluice.Value) error {
	return c.put(e, component, &held{value: v, below: c.below(e, c.get(e, component), v)})
}

func (c *change) expect(e *place, component, expected string) error {
	v := c.get(e, component).value
	switch {
	case expected == "", expected == "none" && !v.Live(), v.Settled() && expected == number(v.Version):
		return nil
	}
	return refuse(sluice.Conflict, "expected "+expected)
}

// deploy lays a version on top, unless it lies below: then it is uncovered.
func (c *change) deploy(e *place, component string, version int) error {
	cur, want := c.get(e, component), sluice.Settle(c.components[component].pin(version))
	if cur.value.Equal(want) {
		if cur.own() {
			return nil
		}
		c.did[sluice.ActionDeploy] = true
		return c.lay(e, component, want)
	}
	if was := cur.find(version); was != nil {
		c.did[sluice.ActionRollback] = true
		return c.uncover(e, component, was)
	}
	c.did[sluice.ActionDeploy] = true
	if err := c.content(component, want); err != nil {
		return err
	}
	if err := c.policy(e, component, want); err != nil {
		return err
	}
	return c.lay(e, component, want)
}

func (c *change) split(e *place, component string, shares []sluice.Share) error {
	cur := c.get(e, component)
	v := sluice.Value{Pin: cur.value.Pin, Split: slices.Clone(shares)}
	if v.Version == 0 && cur.below != nil {
		v.Pin = cur.below.value.Pin
	}
	if v.Version == 0 {
		v.Pin = shares[0].Pin
	}
	slices.SortFunc(v.Split, func(a, b sluice.Share) int {
		switch v.Version {
		case a.Version:
			return 1
		case b.Version:
			return -1
		}
		return a.Version - b.Version
	})
	if cur.own() && cur.value.Equal(v) {
		return nil
	}
	c.did[sluice.ActionDeploy] = true
	if err := c.content(component, v); err != nil {
		return err
	}
	if err := c.policy(e, component, v); err != nil {
		return err
	}
	return c.lay(e, component, v)
}

func (c *change) unset(e *place, component string) error {
	cur := c.get(e, component)
	if !cur.own() {
		c.kept = append(c.kept, component)
		return nil
	}
	c.took(component)
	h := c.fromParent(e, component)
	h.below = c.below(e, cur, h.value)
	return c.put(e, component, h)
}

func (c *change) hide(e *place, component string) error {
	want := sluice.Value{None: true}
	if overlaid(component) != "" {
		want = sluice.Value{Sealed: sluice.Sealed{Hidden: true}}
	}
	if cur := c.get(e, component); cur.value.Equal(want) && cur.own() {
		return nil
	}
	c.took(component)
	return c.lay(e, component, want)
}

// took notes that something was taken away.
func (c *change) took(key string) {
	if isVariable(key) {
		c.did[sluice.ActionConfigure] = true
	} else {
		c.did[sluice.ActionUnset] = true
	}
}

func (c *change) promote(e *place, from snapshot, only func(string) bool) error {
	for component, h := range from.held {
		if !h.value.Live() || !only(component) || isVariable(component) {
			continue
		}
		want := sluice.Settle(h.value.Pin)
		if c.get(e, component).value.Equal(want) {
			continue
		}
		if err := c.content(component, want); err != nil {
			return err
		}
		if err := c.policy(e, component, want); err != nil {
			return err
		}
		if err := c.lay(e, component, want); err != nil {
			return err
		}
	}
	return nil
}

// uncover goes back to what an earlier snapshot held: a value of its own, or
// what was inherited then, as its own when the parent has moved on.
func (c *change) uncover(e *place, component string, was *held) error {
	want := was.value
	if len(want.Split) > 0 {
		want = sluice.Settle(want.Pin)
	}
	if err := c.content(component, want); err != nil {
		return err
	}
	c.free = true
	defer func() { c.free = false }()
	if was.own() {
		return c.put(e, component, &held{value: want, below: was.below, pinned: was.pinned})
	}
	h := c.freeze(e, component, want, was.origin != "")
	h.below = was.below
	return c.put(e, component, h)
}

func (c *change) freeze(e *place, component string, want sluice.Value, inherited bool) *held {
	parent := c.fromParent(e, component)
	if want.Equal(parent.value) {
		return parent
	}
	h := &held{value: want}
	if want.IsZero() {
		h.value = sluice.Value{None: true}
	}
	if inherited || parent.value.Live() {
		h.pinned = e.latest() + 1
	}
	return h
}

// sameAs reports whether going back to was changes nothing that runs.
func sameAs(cur, was *held) bool {
	then := was.runs()
	if len(then.Split) > 0 {
		then = sluice.Settle(then.Pin)
	}
	return cur.runs().Equal(then)
}

// back takes one component to what lies below, past what is quarantined.
func (c *change) back(e *place, component string, further bool) error {
	cur := c.get(e, component)
	if cur.since > 0 && !further {
		by := e.past[cur.since-1]
		fresh := c.clock-by.made < sluice.Time(sluice.RollbackGuard.Microseconds()) // by the wall clock
		if by.action == sluice.ActionRollback && by.actor != c.actor && fresh {
			return refuse(sluice.Conflict, "somebody just did")
		}
	}
	for was := cur.below; was != nil; was = was.below {
		if c.content(component, was.value) == nil && !was.value.Equal(cur.value) {
			if err := c.overlays(e, component, e.ended(component, was)); err != nil {
				return err
			}
			return c.uncover(e, component, was)
		}
	}
	return refuse(sluice.NotFound, "nothing was live before")
}

func (c *change) backTo(e *place, component string, version int) error {
	cur, want := c.get(e, component), sluice.Settle(c.components[component].pin(version))
	if cur.value.Equal(want) {
		return nil
	}
	was := cur.find(version)
	if was == nil {
		was = e.wasLive(component, version)
	}
	if was != nil {
		if err := c.overlays(e, component, e.ended(component, was)); err != nil {
			return err
		}
		return c.uncover(e, component, was)
	}
	c.neverLive = append(c.neverLive, component)
	if err := c.content(component, want); err != nil {
		return err
	}
	if err := c.policy(e, component, want); err != nil {
		return err
	}
	return c.lay(e, component, want)
}

// backAt takes what was chosen to what it was after a release; components that
// were named, with their overlays when that is asked.
func (c *change) backAt(e *place, release int64, named []string, only func(string) bool) error {
	for _, key := range c.names() {
		was := e.after(release).of(key)
		if !only(key) {
			continue
		}
		if slices.Contains(named, key) {
			if err := c.overlays(e, key, release); err != nil {
				return err
			}
		}
		if sameAs(c.get(e, key), was) {
			continue
		}
		if err := c.goBack(e, key, was); err != nil {
			return err
		}
	}
	return nil
}

// revert takes back what one release did, where it still stands.
func (c *change) revert(e *place, release int64) error {
	before, after := e.after(release-1), e.after(release)
	for _, component := range c.names() {
		was, did, cur := before.of(component), after.of(component), c.get(e, component)
		if did.since != release {
			continue
		}
		if !cur.value.Equal(did.value) {
			c.kept = append(c.kept, component)
			continue
		}
		if sameAs(cur, was) && cur.origin == was.origin {
			continue
		}
		if err := c.goBack(e, component, was); err != nil {
			return err
		}
	}
	return nil
}

// restore makes an environment run what a snapshot ran.
func (c *change) restore(e *place, from snapshot, only func(string) bool) error {
	for _, component := range c.names() {
		cur, want := c.get(e, component), from.of(component).runs()
		if !only(component) || cur.runs().Equal(want) {
			continue
		}
		if isVariable(component) {
			var keep bool
			var err error
			if want, keep, err = c.returning(cur, from.of(component), component); err != nil {
				return err
			} else if keep {
				continue
			}
		}
		if err := c.content(component, want); err != nil {
			return err
		}
		for _, pin := range want.Pins() {
			if e.wasLive(component, pin.Version) == nil {
				if err := c.policy(e, component, sluice.Settle(pin)); err != nil {
					return err
				}
			}
		}
		h := c.freeze(e, component, want, false)
		h.below = c.below(e, cur, h.value)
		if err := c.put(e, component, h); err != nil {
			return err
		}
	}
	return nil
}

// adopt gives an environment what its parent holds.
func (c *change) adopt(e *place) error {
	for _, component := range c.names() {
		if err := c.inherit(e, component); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) names() []string {
	var out []string
	for name := range c.components {
		out = append(out, name)
	}
	slices.SortFunc(out, strings.Compare)
	return append(out, variableKeys...)
}
