package control

import (
	"context"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Components lists components by name, with what is live where: now, or at q.At.
func (c *Control) Components(ctx context.Context, q sluice.ComponentQuery) (sluice.Page[sluice.Component], error) {
	var out sluice.Page[sluice.Component]
	limit, after, err := page(q.Paging)
	if err != nil {
		return out, err
	}
	if after != "" && sluice.CheckName("component", after) != nil {
		return out, badCursor(after)
	}
	err = c.view(ctx, func(tx *store.Tx) error {
		items, err := tx.Components(q, after, limit)
		if err != nil {
			return err
		}
		out = pageOf(items, func(c sluice.Component) string { return c.Name })
		if len(out.Items) == 0 {
			return nil
		}
		if q.Versions {
			if err := attachVersions(tx, out.Items); err != nil {
				return err
			}
		}
		if err := attachEnvironments(tx, out.Items, q.At); err != nil {
			return err
		}
		if q.At != 0 { // an import may have made live what was not known here yet
			out.Items = slices.DeleteFunc(out.Items, func(c sluice.Component) bool { return c.CreatedAt > q.At && len(c.Environments) == 0 })
		}
		return nil
	})
	return out, err
}

func attachVersions(tx *store.Tx, items []sluice.Component) error {
	versions, err := tx.VersionsOf(items[0].Name, items[len(items)-1].Name)
	if err != nil {
		return err
	}
	byName := map[string][]sluice.Version{}
	for _, v := range versions {
		byName[v.Component] = append(byName[v.Component], v)
	}
	for i := range items {
		items[i].Versions = byName[items[i].Name]
	}
	return nil
}

// attachEnvironments says where each component is live. Environments that have
// ended since are part of the past.
func attachEnvironments(tx *store.Tx, items []sluice.Component, at sluice.Time) error {
	index := make(map[string]int, len(items))
	for i := range items {
		items[i].Environments = map[string]string{}
		index[items[i].Name] = i
	}
	past := false
	if !at.IsZero() {
		var err error
		if past, err = tx.Past(at); err != nil {
			return err
		}
	}
	environments, err := tx.Environments(past)
	if err != nil {
		return err
	}
	for _, e := range environments {
		release := sluice.Latest
		if past {
			if release, err = tx.ReleaseAt(e.Name, at); err != nil {
				return err
			}
		}
		settings, err := settingsOf(tx, e, release, items)
		if err != nil {
			return err
		}
		for _, s := range settings {
			if i, ok := index[s.Slot.Component()]; ok && s.Value.Live() {
				items[i].Environments[e.Display()] = s.Value.Pin.String()
			}
		}
	}
	return nil
}

// settingsOf reads one slot for one component, and all slots for a list.
func settingsOf(tx *store.Tx, e sluice.Environment, release int64, items []sluice.Component) ([]sluice.Setting, error) {
	if release == 0 {
		return nil, nil
	}
	if len(items) > 1 {
		return tx.Settings(e.Name, release)
	}
	s, err := tx.Setting(e.Name, sluice.ComponentSlot(items[0].Name), release)
	return []sluice.Setting{s}, err
}

// Component returns one component with its versions, newest first.
func (c *Control) Component(ctx context.Context, name string) (sluice.Component, error) {
	var out sluice.Component
	err := c.view(ctx, func(tx *store.Tx) error {
		found, err := findComponent(tx, name)
		if err != nil {
			return err
		}
		items := []sluice.Component{found}
		if err := attachVersions(tx, items); err != nil {
			return err
		}
		err = attachEnvironments(tx, items, 0)
		out = items[0]
		return err
	})
	return out, err
}

// AddComponent makes a component without a version, or brings an archived one back
// as it is described now.
func (c *Control) AddComponent(ctx context.Context, req sluice.AddComponentRequest) (sluice.Component, error) {
	actor, err := c.may(ctx, sluice.MayPublish, "")
	if err != nil {
		return sluice.Component{}, err
	}
	return update(ctx, c, "component.add", req, req.Change, func(tx *store.Tx) (sluice.Component, error) {
		known, found, err := tx.Component(req.Name)
		switch {
		case err != nil:
			return sluice.Component{}, err
		case !found:
			return addComponent(tx, actor.Name, req)
		case !known.Archived:
			return sluice.Component{}, sluice.Errorf(sluice.Conflict, "component %s exists", known.Name).Do(sluice.GetComponent(known.Name), "see {}").Because(sluice.ErrExists)
		}
		next := known
		next.Kind, next.Description, next.Tags, next.Archived = req.Kind, req.Description, req.Tags, false
		return c.editComponent(tx, actor.Name, known, next, req.Change)
	})
}

func addComponent(tx *store.Tx, actor string, req sluice.AddComponentRequest) (sluice.Component, error) {
	out := sluice.Component{Name: req.Name, Kind: req.Kind, Description: req.Description, CreatedBy: actor, Environments: map[string]string{}}
	if err := sluice.CheckName("component", req.Name); err != nil {
		return out, err
	}
	if err := sluice.CheckKind(req.Kind); err != nil {
		return out, err
	}
	if err := sluice.CheckText("description", req.Description, sluice.MaxNoteBytes); err != nil {
		return out, err
	}
	var err error
	if out.Tags, err = sluice.CheckTags(req.Tags); err != nil {
		return out, err
	}
	out.CreatedAt = tx.LedgerTime()
	if _, err := tx.Append(actor, sluice.EntryComponentAdd, out.Name, out); err != nil {
		return out, err
	}
	return out, tx.PutComponent(out)
}

// EditComponent changes a component's kind or description, archives or revives it.
func (c *Control) EditComponent(ctx context.Context, req sluice.EditComponentRequest) (sluice.Component, error) {
	actor, err := c.may(ctx, sluice.MayPublish, "")
	if err != nil {
		return sluice.Component{}, err
	}
	return update(ctx, c, "component.edit "+req.Name, req, req.Change, func(tx *store.Tx) (sluice.Component, error) {
		was, err := findComponent(tx, req.Name)
		if err != nil {
			return was, err
		}
		next := was
		set(&next.Kind, req.Kind)
		set(&next.Description, req.Description)
		set(&next.Archived, req.Archived)
		if req.Tags != nil {
			next.Tags = *req.Tags
		}
		return c.editComponent(tx, actor.Name, was, next, req.Change)
	})
}

// editComponent writes a component as it is to be, takes it out of or back to the
// environments that track it, and answers with where it is live then.
func (c *Control) editComponent(tx *store.Tx, actor string, was, next sluice.Component, ch sluice.Change) (sluice.Component, error) {
	var err error
	if next.Tags, err = sluice.CheckTags(next.Tags); err != nil {
		return was, err
	}
	if err := checkEdit(was, next); err != nil {
		return was, err
	}
	if next.Kind == was.Kind && next.Description == was.Description && next.Archived == was.Archived && slices.Equal(next.Tags, was.Tags) {
		return located(tx, next)
	}
	if next.Archived && !was.Archived {
		if err := c.archive(tx, actor, next, ch); err != nil {
			return was, err
		}
	}
	if _, err := tx.Append(actor, sluice.EntryComponentEdit, next.Name, next); err != nil {
		return was, err
	}
	if sluice.ReadsAs(next.Kind) != sluice.ReadsAs(was.Kind) {
		if err := tx.ForgetChecked(next.Name); err != nil {
			return was, err
		}
	}
	if err := tx.PutComponent(next); err != nil {
		return was, err
	}
	if was.Archived && !next.Archived {
		if err := c.revive(tx, actor, next); err != nil {
			return was, err
		}
	}
	return located(tx, next)
}

// located is a component with where it is live now.
func located(tx *store.Tx, component sluice.Component) (sluice.Component, error) {
	items := []sluice.Component{component}
	err := attachEnvironments(tx, items, 0)
	return items[0], err
}

func checkEdit(was, next sluice.Component) error {
	if next.Kind != was.Kind {
		if err := sluice.CheckKind(next.Kind); err != nil {
			return err
		}
	}
	return sluice.CheckText("description", next.Description, sluice.MaxNoteBytes)
}

// set overwrites dst when a request names a value.
func set[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}
