package control

import (
	"context"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Draft returns a component's working copy, to those who may publish it.
func (c *Control) Draft(ctx context.Context, component string) (sluice.Draft, error) {
	var d sluice.Draft
	if _, err := c.may(ctx, sluice.MayPublish, ""); err != nil {
		return d, err
	}
	err := c.view(ctx, func(tx *store.Tx) error {
		found, err := findComponent(tx, component)
		if err != nil {
			return err
		}
		d, err = draftOf(tx, found.Name)
		return err
	})
	return d, err
}

func draftOf(tx *store.Tx, component string) (sluice.Draft, error) {
	d, found, err := tx.Draft(component)
	if err != nil {
		return d, err
	}
	if !found {
		return d, sluice.Errorf(sluice.NotFound, "%s has no draft", component).
			Do(sluice.PutDraft(component), "save one")
	}
	same, err := tx.VersionsByDigest(component, string(d.Digest))
	if len(same) > 0 {
		d.Published = same[0].Number
	}
	return d, err
}

// SaveDraft replaces a component's draft, and makes the component when it is new.
func (c *Control) SaveDraft(ctx context.Context, req sluice.SaveDraftRequest) (sluice.Draft, error) {
	actor, err := c.may(ctx, sluice.MayPublish, "")
	if err != nil {
		return sluice.Draft{}, err
	}
	_, digest, err := sluice.CheckFiles(req.Files)
	if err != nil {
		return sluice.Draft{}, err
	}
	work := publishing{PublishRequest: sluice.PublishRequest{Component: req.Component, Kind: req.Kind, Files: req.Files}, digest: digest}
	if err := c.checkContent(ctx, &work); err != nil {
		return sluice.Draft{}, err
	}
	out, err := update(ctx, c, "draft.save "+req.Component, req, req.Change, func(tx *store.Tx) (sluice.Draft, error) {
		component, found, err := tx.Component(req.Component)
		if err != nil {
			return sluice.Draft{}, err
		}
		if !found {
			if req.Kind == "" {
				return sluice.Draft{}, sluice.AsError(errorOf(findComponent(tx, req.Component))).Ask("to make it, say its kind: {kind=prompt}")
			}
			if component, err = addComponent(tx, actor.Name, sluice.AddComponentRequest{Name: req.Component, Kind: req.Kind}); err != nil {
				return sluice.Draft{}, err
			}
		}
		if err := expectDraft(tx, component.Name, req.Expect); err != nil {
			return sluice.Draft{}, err
		}
		d := sluice.Draft{Component: component.Name, Digest: digest, Files: req.Files, SavedAt: tx.WallClock(), SavedBy: actor.Name}
		if err := tx.PutDraft(d); err != nil {
			return d, err
		}
		return draftOf(tx, component.Name)
	})
	if err == nil { // work that is not finished is kept, and what keeps it from being published is told
		out.Unchecked = sluice.UncheckedBy(work.Mistakes)
	}
	return out, err
}

// expectDraft checks that the draft is still the one that the caller saw.
func expectDraft(tx *store.Tx, component, expect string) error {
	if expect == "" {
		return nil
	}
	d, found, err := tx.Draft(component)
	if err != nil {
		return err
	}
	switch {
	case found && string(d.Digest) == expect, !found && strings.EqualFold(expect, "none"):
		return nil
	case !found:
		return sluice.Errorf(sluice.Conflict, "%s has no draft, %s was expected", component, expect)
	}
	return sluice.Errorf(sluice.Conflict, "the draft of %s is %s since %s, saved by %s", component, d.Digest.Short(), d.SavedAt, d.SavedBy).
		Do(sluice.GetDraft(component), "see {}, then save on top of it")
}

// DiscardDraft removes a component's draft.
func (c *Control) DiscardDraft(ctx context.Context, component string) error {
	if _, err := c.may(ctx, sluice.MayPublish, ""); err != nil {
		return err
	}
	return c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		found, err := findComponent(tx, component)
		if err != nil {
			return err
		}
		return tx.DropDraft(found.Name)
	})
}

// PublishDraft makes a version of the draft as it stands. The draft stays.
func (c *Control) PublishDraft(ctx context.Context, req sluice.PublishDraftRequest) (sluice.Published, error) {
	actor, err := c.may(ctx, sluice.MayPublish, "")
	if err != nil {
		return sluice.Published{}, err
	}
	if err := mayUnchecked(actor, req.Unchecked); err != nil {
		return sluice.Published{}, err
	}
	read, err := c.readDraft(ctx, req.Component)
	if err != nil {
		return sluice.Published{}, err
	}
	out, err := update(ctx, c, "draft.publish "+req.Component, req, req.Change, func(tx *store.Tx) (sluice.Published, error) {
		component, err := findComponent(tx, req.Component)
		if err != nil {
			return sluice.Published{}, err
		}
		if err := expectDraft(tx, component.Name, req.Expect); err != nil {
			return sluice.Published{}, err
		}
		d, err := draftOf(tx, component.Name)
		if err != nil {
			return sluice.Published{}, err
		}
		if d.Digest != read.digest {
			return sluice.Published{}, sluice.Errorf(sluice.Conflict, "the draft of %s was saved anew meanwhile, by %s", component.Name, d.SavedBy).
				Do(sluice.GetDraft(component.Name), "see {}, then publish it again")
		}
		p, err := checkPublish(sluice.PublishRequest{
			Component: component.Name, Files: d.Files, Label: req.Label, Name: req.Name, Note: req.Note, Unchecked: req.Unchecked,
		})
		if err != nil {
			return sluice.Published{}, err
		}
		p.checked = read.checked
		return c.publish(tx, actor.Name, p)
	})
	out.DryRun = req.DryRun && err == nil
	return out, err
}

// readDraft reads a draft outside of any transaction. A
// component or draft that is not there is for the transaction to tell.
func (c *Control) readDraft(ctx context.Context, component string) (publishing, error) {
	var p publishing
	err := c.db.View(ctx, c.org, func(tx *store.Tx) error {
		found, there, err := tx.Component(component)
		if err != nil || !there {
			return err
		}
		d, there, err := tx.Draft(found.Name)
		if err == nil && there {
			p.Component, p.Kind, p.Files, p.digest = found.Name, found.Kind, d.Files, d.Digest
		}
		return err
	})
	if err != nil || p.Component == "" {
		return p, err
	}
	return p, c.checkContent(ctx, &p)
}
