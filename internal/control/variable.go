package control

import (
	"context"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Variables lists an environment's variables by slot, now or then.
func (c *Control) Variables(ctx context.Context, q sluice.VariableQuery) (sluice.Page[sluice.Variable], error) {
	var out sluice.Page[sluice.Variable]
	limit, after, err := page(q.Paging)
	if err != nil {
		return out, err
	}
	if _, _, ok := sluice.Slot(after).Variable(); after != "" && !ok {
		return out, badCursor(after)
	}
	err = c.view(ctx, func(tx *store.Tx) error {
		e, release, err := point(tx, q.Environment)
		if err != nil {
			return err
		}
		if q.Component != "" {
			found, err := findComponent(tx, q.Component)
			if err != nil {
				return err
			}
			q.Component = found.Name
		}
		settings, err := tx.Variables(e.Name, release)
		if err != nil {
			return err
		}
		items := []sluice.Variable{}
		for _, s := range settings {
			v := sluice.VariableOf(e.Name, s)
			if string(s.Slot) > after && (q.Component == "" || v.Component == q.Component) && (!q.Wide || v.Component == "") {
				items = append(items, v)
			}
		}
		rows, err := c.openSome(tx, items, limit)
		out = pageOf(rows, func(v sluice.Variable) string { return string(v.Slot()) })
		return err
	})
	return out, err
}

// openedAtOnce is how many variables are opened before their bytes are counted.
const openedAtOnce = 16

// openSome opens as many variables as a page holds.
func (c *Control) openSome(tx *store.Tx, items []sluice.Variable, limit int) (store.Rows[sluice.Variable], error) {
	most, bytes, n := min(limit, len(items)), 0, 0
	for n < most && bytes < sluice.MaxPageBytes {
		some := items[n:min(n+openedAtOnce, most)]
		if err := c.openAll(tx, some, false); err != nil {
			return store.Rows[sluice.Variable]{}, err
		}
		for _, v := range some {
			if v.Value != nil {
				bytes += len(*v.Value)
			}
		}
		n += len(some)
	}
	return store.Rows[sluice.Variable]{Items: items[:n], More: n < len(items)}, nil
}

// Variable returns one variable, as a component gets it when one is named.
func (c *Control) Variable(ctx context.Context, req sluice.VariableRequest) (sluice.Variable, error) {
	var out sluice.Variable
	err := sluice.CheckKey(req.Key)
	if err != nil {
		return out, err
	}
	asked := ""
	read := func(tx *store.Tx) (err error) {
		out, asked, err = c.variable(tx, req)
		return err
	}
	if err = c.view(ctx, read); err != nil || !req.Reveal || !out.Secret {
		return out, err
	}
	return out, c.revealing(ctx, func(tx *store.Tx, actor sluice.Actor) error {
		if err := read(tx); err != nil {
			return err
		}
		shown := []sluice.Variable{out}
		if err := c.reveal(tx, actor, asked, req.Component, shown); err != nil {
			return err
		}
		out = shown[0]
		return nil
	})
}

// variable reads one variable, and says of which release it is.
func (c *Control) variable(tx *store.Tx, req sluice.VariableRequest) (sluice.Variable, string, error) {
	var none sluice.Variable
	e, release, err := point(tx, req.Environment)
	if err != nil {
		return none, "", err
	}
	s, err := tx.Setting(e.Name, sluice.VariableSlot(req.Key, ""), release)
	if err != nil {
		return none, "", err
	}
	if req.Component != "" {
		found, err := findComponent(tx, req.Component)
		if err != nil {
			return none, "", err
		}
		over, err := tx.Setting(e.Name, sluice.VariableSlot(req.Key, found.Name), release)
		if err != nil {
			return none, "", err
		}
		if over.Value.Live() {
			s = over
		}
	}
	if !s.Value.Live() || s.Value.Hidden {
		return none, "", notSet(tx, e, s, req)
	}
	out := []sluice.Variable{sluice.VariableOf(e.Name, s)}
	err = c.openAll(tx, out, false)
	return out[0], releaseRef(e, release), err
}

// releaseRef names a release that point found.
func releaseRef(e sluice.Environment, release int64) string {
	return sluice.Release{Environment: e.Name, Number: min(release, e.Release)}.Ref()
}

// notSet explains what there is instead.
func notSet(tx *store.Tx, e sluice.Environment, s sluice.Setting, req sluice.VariableRequest) error {
	if s.Value.Hidden {
		return sluice.Errorf(sluice.NotFound, "%s is hidden from %s in %s", req.Key, req.Component, e.Name).
			Do(sluice.DeleteVariable(e.Name, req.Component, req.Key), "show it again")
	}
	missing := sluice.Errorf(sluice.NotFound, "%s is not set in %s", req.Key, e.Name)
	settings, err := tx.Variables(e.Name, sluice.Latest)
	if err != nil {
		return err
	}
	var keys []string
	for _, s := range settings {
		key, component, _ := s.Slot.Variable()
		answers := component == "" || sluice.FoldName(component) == sluice.FoldName(req.Component) // who asks so
		if answers && s.Value.Live() && !s.Value.Hidden && key != req.Key && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	if near := sluice.Suggest(req.Key, keys); near != "" {
		missing = missing.Fix("did you mean %s?", near)
	} else if len(keys) > 0 {
		missing = missing.Fix("there is %s", sluice.Listing(keys, 12))
	}
	return missing.Do(sluice.SetVariables(e.Name, "", req.Key), "set it")
}

// revealing runs a reading that is recorded in the ledger.
func (c *Control) revealing(ctx context.Context, fn func(*store.Tx, sluice.Actor) error) error {
	actor, err := c.may(ctx, sluice.MayRead, "")
	if err != nil {
		return err
	}
	return c.db.Update(ctx, c.org, func(tx *store.Tx) error { return fn(tx, actor) })
}

// revealed is what the ledger keeps of a reveal.
type revealed struct {
	Environment string   `json:"environment"` // as it was asked for
	Component   string   `json:"component,omitempty"`
	Variables   []string `json:"variables"` // KEY or KEY@COMPONENT, and of which environment
}

// reveal fills in the values of secrets for one who may see them, and records it.
func (c *Control) reveal(tx *store.Tx, actor sluice.Actor, environment, component string, variables []sluice.Variable) error {
	entry := revealed{Environment: environment, Component: component, Variables: []string{}}
	for _, v := range variables {
		if !v.Secret {
			continue
		}
		if err := actor.May(sluice.MayReveal, v.Environment); err != nil {
			return err
		}
		entry.Variables = append(entry.Variables, v.Name()+" of "+v.Environment)
	}
	if err := c.openAll(tx, variables, true); err != nil || len(entry.Variables) == 0 {
		return err
	}
	_, err := tx.Append(actor.Name, sluice.EntryVariableReveal, environment, entry)
	return err
}
