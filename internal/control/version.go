package control

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/declare"
	"github.com/sluice-dev/sluice/internal/store"
)

// Publish makes a version, and in the same transaction the releases of the
// environments that track the latest.
func (c *Control) Publish(ctx context.Context, req sluice.PublishRequest) (sluice.Published, error) {
	actor, err := c.may(ctx, sluice.MayPublish, "")
	if err != nil {
		return sluice.Published{}, err
	}
	if req.Author != "" || req.At != 0 {
		if err := actor.May(sluice.MayImport, ""); err != nil {
			return sluice.Published{}, err
		}
	}
	if err := mayUnchecked(actor, req.Unchecked); err != nil {
		return sluice.Published{}, err
	}
	p, err := checkPublish(req)
	if err != nil {
		return sluice.Published{}, err
	}
	if err := c.checkContent(ctx, &p); err != nil {
		return sluice.Published{}, err
	}
	out, err := update(ctx, c, "publish "+req.Component, req, req.Change, func(tx *store.Tx) (sluice.Published, error) {
		return c.publish(tx, actor.Name, p)
	})
	out.DryRun = req.DryRun && err == nil
	return out, err
}

// mayUnchecked refuses those who may not publish what cannot run, whether it can or not.
func mayUnchecked(actor sluice.Actor, asked bool) error {
	if !asked {
		return nil
	}
	return actor.May(sluice.MayPublishUnchecked, "")
}

// publishing is a publish whose arguments have been checked, outside of the
// transaction.
type publishing struct {
	sluice.PublishRequest
	label      sluice.Label
	infos      []sluice.FileInfo
	digest     sluice.Digest
	requires   []string
	undeclared error // what the files declare cannot be read
	checked
	recorded bool // it was published elsewhere
	// What becomes of it, once the component is known.
	readAs string
	mark   *sluice.Unchecked
	pins   map[string]int
}

func checkPublish(req sluice.PublishRequest) (publishing, error) {
	p := publishing{PublishRequest: req}
	if err := sluice.CheckName("component", req.Component); err != nil {
		return p, err
	}
	var err error
	if req.Label != "" {
		if p.label, err = sluice.ParseLabel(req.Label); err != nil {
			return p, err
		}
	}
	if err := checkWords(req.Name, req.Note, req.Author); err != nil {
		return p, err
	}
	if err := sluice.CheckCommit(req.Commit); err != nil {
		return p, err
	}
	if p.infos, p.digest, err = sluice.CheckFiles(req.Files); err != nil {
		return p, err
	}
	// Whether it counts depends on the component's kind, which is not known yet.
	p.requires, p.undeclared = declare.Requires(req.Files)
	return p, nil
}

func checkWords(name, note, author string) error {
	if name != "" {
		if err := sluice.CheckWord("version name", name); err != nil {
			return err
		}
	}
	if err := sluice.CheckText("author", author, sluice.MaxTicketBytes); err != nil {
		return err
	}
	return sluice.CheckText("note", note, sluice.MaxNoteBytes)
}

func (c *Control) publish(tx *store.Tx, actor string, p publishing) (sluice.Published, error) {
	out := sluice.Published{Live: []sluice.Release{}, Refused: []sluice.Refusal{}}
	component, found, err := tx.Component(p.Component)
	if err != nil {
		return out, err
	}
	switch {
	case !found && p.Kind == "":
		return out, sluice.AsError(errorOf(findComponent(tx, p.Component))).Ask("to make it, say its kind: {kind=prompt}")
	case !found:
		if component, err = addComponent(tx, actor, sluice.AddComponentRequest{Name: p.Component, Kind: p.Kind}); err != nil {
			return out, err
		}
	}
	if strings.EqualFold(component.Kind, sluice.KindConfig) { // whose content is data
		p.requires = nil
	}
	if err := p.settle(tx, component); err != nil {
		return out, err
	}
	if component.Archived { // after the content, so that who would bring it back knows whether it can be published
		return out, archivedError(component.Name)
	}
	out.Notes = p.notes()
	if same, err := existing(tx, component, p); err != nil || same.Number > 0 {
		if err == nil && same.ReadAs == "" && p.readAs != "" {
			same.ReadAs, same.Unchecked = p.readAs, p.mark
			err = putChecked(tx, same)
		}
		out.Version = same
		return out, err
	}
	if p.Name != "" {
		if err := nameFree(tx, p.Name); err != nil {
			return out, err
		}
	}
	v, err := addVersion(tx, actor, component, p)
	if err != nil {
		return out, err
	}
	out.Version, out.Created = v, true
	return out, c.follow(tx, actor, v, &out)
}

func errorOf[T any](_ T, err error) error { return err }

// existing finds the version that a publish amounts to, if there is one: the one
// with its label, or without a label the newest with its content.
func existing(tx *store.Tx, component sluice.Component, p publishing) (sluice.Version, error) {
	if p.label != "" {
		v, found, err := tx.VersionByLabel(component.Name, p.label)
		if err == nil && found && v.Digest != p.digest {
			err = sluice.Errorf(sluice.Conflict, "%s@%s exists with other content (%s, by %s)", component.Name, p.label, v.Digest.Short(), v.Author).
				Fix("labels never move: choose the next one after %s", p.label)
		}
		return v, err
	}
	same, err := tx.VersionsByDigest(component.Name, string(p.digest))
	if err != nil {
		return sluice.Version{}, err
	}
	for _, v := range same {
		if !v.Purged {
			return v, nil
		}
	}
	return sluice.Version{}, nil
}

func addVersion(tx *store.Tx, actor string, component sluice.Component, p publishing) (sluice.Version, error) {
	size := int64(0)
	for _, f := range p.infos {
		size += f.Size
	}
	now := tx.LedgerTime()
	v := sluice.Version{
		Component: component.Name, Number: component.Latest + 1, Label: p.label, Name: p.Name, Note: p.Note,
		Digest: p.digest, Size: size, Files: p.infos, Requires: p.requires, Pins: p.pins, Commit: p.Commit, Author: actor, At: now, RecordedAt: now,
		ReadAs: p.readAs, Unchecked: p.mark,
	}
	if p.Author != "" {
		v.Author = p.Author
	}
	if p.At > now {
		return v, sluice.Errorf(sluice.Invalid, "a version cannot be from the future: %s", p.At)
	} else if p.At != 0 {
		v.At = p.At
	}
	if _, err := tx.Append(actor, sluice.EntryVersionPublish, v.Component+"@"+strconv.Itoa(v.Number), v); err != nil {
		return v, err
	}
	component.Latest = v.Number
	if err := tx.PutComponent(component); err != nil {
		return v, err
	}
	return v, tx.AddVersion(v, p.Files)
}

// nameFree refuses a version name that would be read as an environment.
func nameFree(tx *store.Tx, name string) error {
	e, found, err := tx.FindEnvironment(name)
	if err == nil && found && !e.Deleted {
		err = sluice.Errorf(sluice.Conflict, "version name %s is an environment", name).Fix("choose a word that says what changed")
	}
	return err
}

// nameUntaken refuses a name that another version of the component has.
func nameUntaken(tx *store.Tx, v sluice.Version) error {
	other, found, err := tx.VersionByName(v.Component, v.Name)
	if err == nil && found && other.Number != v.Number {
		err = sluice.Errorf(sluice.Conflict, "%s@%d is named %s already", v.Component, other.Number, other.Name).Fix("choose another name")
	}
	return err
}

// follow releases a new version where the latest is tracked. An environment that
// refuses it is recorded and left as it is; the publish stands.
func (c *Control) follow(tx *store.Tx, actor string, v sluice.Version, out *sluice.Published) error {
	environments, err := tx.Environments(false)
	if err != nil {
		return err
	}
	for _, e := range environments {
		if e.Tracks != sluice.TracksLatest {
			continue
		}
		// An earlier follower may have changed this one, which inherits from it.
		if e, err = tx.Environment(e.Name); err != nil {
			return err
		}
		plan := sluice.NewPlan(tx, actor, tx.WallClock())
		var releases []sluice.Release
		err := plan.Deploy(e, []sluice.Move{{Slot: sluice.ComponentSlot(v.Component), Pin: v.Pin()}})
		if err == nil { // a refusal comes before anything is written
			releases, err = c.append(tx, plan, head{actor: actor, action: sluice.ActionTrack, cause: v.Component + "@" + strconv.Itoa(v.Number)})
		}
		if sluice.CodeOf(err) == sluice.Refused {
			refusal := sluice.Refusal{Environment: e.Name, Reason: err.Error()}
			out.Refused = append(out.Refused, refusal)
			if _, err := tx.Append(actor, sluice.EntryTrackRefused, e.Name, map[string]string{"version": v.Ref(), "reason": refusal.Reason}); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		out.Live = append(out.Live, releases...)
	}
	return nil
}

// Versions lists a component's versions, newest first.
func (c *Control) Versions(ctx context.Context, q sluice.VersionQuery) (sluice.Page[sluice.Version], error) {
	var out sluice.Page[sluice.Version]
	limit, cursor, err := page(q.Paging)
	if err != nil {
		return out, err
	}
	below := math.MaxInt32
	if cursor != "" {
		if below, err = strconv.Atoi(cursor); err != nil {
			return out, badCursor(cursor)
		}
	}
	err = c.view(ctx, func(tx *store.Tx) error {
		component, err := findComponent(tx, q.Component)
		if err != nil {
			return err
		}
		items, err := tx.Versions(component.Name, below, limit)
		out = pageOf(items, func(v sluice.Version) string { return strconv.Itoa(v.Number) })
		return err
	})
	return out, err
}

// Version returns one version with its files' names.
func (c *Control) Version(ctx context.Context, component, ref string) (sluice.Version, error) {
	var v sluice.Version
	err := c.view(ctx, func(tx *store.Tx) (err error) {
		v, err = versionOf(tx, component, ref)
		if err == nil {
			v.Files, err = tx.Files(v.Digest)
		}
		return err
	})
	return v, err
}

func versionOf(tx *store.Tx, component, ref string) (sluice.Version, error) {
	found, err := findComponent(tx, component)
	if err != nil {
		return sluice.Version{}, err
	}
	return findVersion(tx, found, ref)
}

// File returns one file of a version.
func (c *Control) File(ctx context.Context, component, ref, path string) (sluice.File, error) {
	var out sluice.File
	err := c.view(ctx, func(tx *store.Tx) error {
		v, err := versionOf(tx, component, ref)
		if err != nil {
			return err
		}
		infos, err := tx.Files(v.Digest)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(infos, func(f sluice.FileInfo) bool { return f.Path == path })
		if i < 0 {
			return sluice.Errorf(sluice.NotFound, "%s has no file %s", v.Ref(), path).Do(sluice.GetVersion(v.Component, v.Pin().String()), "see {}")
		}
		out, err = readFile(tx, v, infos[i])
		return err
	})
	return out, err
}

func readFile(tx *store.Tx, v sluice.Version, info sluice.FileInfo) (sluice.File, error) {
	content, found, err := tx.Blob(info.Digest)
	if err == nil && !found {
		err = sluice.Errorf(sluice.NotFound, "the content of %s was purged", v.Ref()).
			Do(sluice.ListAudit(v.Component), "see who and why")
	}
	return sluice.NewFile(info.Path, content), err
}

// EditVersion sets a version's name or note.
func (c *Control) EditVersion(ctx context.Context, req sluice.EditVersionRequest) (sluice.Version, error) {
	actor, err := c.may(ctx, sluice.MayPublish, "")
	if err != nil {
		return sluice.Version{}, err
	}
	return update(ctx, c, "version.edit "+req.Component+"@"+req.Version, req, req.Change, func(tx *store.Tx) (sluice.Version, error) {
		v, err := versionOf(tx, req.Component, req.Version)
		if err != nil {
			return v, err
		}
		was := v
		set(&v.Name, req.Name)
		set(&v.Note, req.Note)
		if err := checkWords(v.Name, v.Note, ""); err != nil {
			return was, err
		}
		if v.Name == was.Name && v.Note == was.Note {
			return v, nil
		}
		if v.Name != "" && v.Name != was.Name {
			if err := nameFree(tx, v.Name); err != nil {
				return was, err
			}
			if req.Untaken {
				if err := nameUntaken(tx, v); err != nil {
					return was, err
				}
			}
		}
		if _, err := tx.Append(actor.Name, sluice.EntryVersionEdit, v.Component+"@"+strconv.Itoa(v.Number), v); err != nil {
			return was, err
		}
		return v, tx.EditVersion(v.Component, v.Number, v.Name, v.Note)
	})
}
