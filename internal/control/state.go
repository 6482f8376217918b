package control

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// maxDiffBytes bounds the text of one file's difference.
const maxDiffBytes = 256 << 10

// State returns the manifest of an environment, now or then.
func (c *Control) State(ctx context.Context, ref sluice.EnvironmentRef) (sluice.Manifest, error) {
	var m sluice.Manifest
	err := c.view(ctx, func(tx *store.Tx) (err error) {
		m, err = manifestAt(tx, ref)
		return err
	})
	return m, err
}

// Setting returns one component's part of the manifest, now or then, by one
// look-up.
func (c *Control) Setting(ctx context.Context, ref sluice.EnvironmentRef, component string) (sluice.Setting, error) {
	var s sluice.Setting
	err := c.view(ctx, func(tx *store.Tx) error {
		e, release, err := point(tx, ref)
		if err != nil {
			return err
		}
		found, err := findComponent(tx, component)
		if err != nil {
			return err
		}
		if s, err = tx.Setting(e.Name, sluice.ComponentSlot(found.Name), release); s.Value.IsZero() {
			s = sluice.Setting{Slot: s.Slot} // what a manifest leaves out has nothing to tell
		}
		if err != nil {
			return err
		}
		var ids []store.VersionID
		for _, p := range s.Value.Pins() {
			ids = append(ids, store.VersionID{Component: found.Name, Number: p.Version})
		}
		marked, err := tx.Unproven(ids)
		s.Unchecked = marksOf(marked)
		return err
	})
	return s, err
}

func manifestAt(tx *store.Tx, ref sluice.EnvironmentRef) (sluice.Manifest, error) {
	e, release, err := point(tx, ref)
	if err != nil {
		return sluice.Manifest{}, err
	}
	return tx.Manifest(e, release)
}

// Resolve returns the version of a component that a key gets, from memory.
func (c *Control) Resolve(ctx context.Context, req sluice.ResolveRequest) (sluice.Resolution, error) {
	var out sluice.Resolution
	if _, err := c.may(ctx, sluice.MayRead, ""); err != nil {
		return out, err
	}
	if len(req.Key) > sluice.MaxKeyBytes {
		return out, sluice.Errorf(sluice.LimitExceeded, "the key is %d bytes; the limit is %d", len(req.Key), sluice.MaxKeyBytes)
	}
	if req.AtLeast > 0 {
		if err := c.live.WaitFor(ctx, req.AtLeast); err != nil {
			return out, err
		}
	}
	m, err := c.manifest(ctx, req.Environment)
	if err != nil {
		return out, err
	}
	setting, found := m.Find(sluice.ComponentSlot(req.Component))
	if !found || !setting.Value.Live() {
		return out, c.notLive(ctx, req.Component, m.Environment)
	}
	out = sluice.Resolution{
		Component: req.Component, Environment: m.Environment, Pin: setting.Value.Pick(req.Component, req.Key),
		Release: m.Release, Epoch: m.Epoch,
	}
	if req.Content {
		out.Files, err = c.content(ctx, req.Component, out.Version)
	}
	return out, err
}

// manifest is the live manifest of an environment, by name or alias. Only the
// first question about an environment is asked of the store.
func (c *Control) manifest(ctx context.Context, name string) (*sluice.Manifest, error) {
	if m, found := c.live.Named(name); found {
		return m, nil
	}
	e, err := c.Environment(ctx, name)
	if err != nil {
		return nil, err
	}
	return c.live.Manifest(ctx, e.Name)
}

func (c *Control) notLive(ctx context.Context, component, environment string) error {
	return c.view(ctx, func(tx *store.Tx) error {
		found, err := findComponent(tx, component)
		if err != nil {
			return err
		}
		return sluice.Errorf(sluice.NotFound, "%s is not live in %s", found.Name, environment).
			Do(sluice.DeployVersion(found.Name, "", environment), "deploy it")
	})
}

func (c *Control) content(ctx context.Context, component string, number int) ([]sluice.File, error) {
	var files []sluice.File
	err := c.view(ctx, func(tx *store.Tx) error {
		v, err := versionOf(tx, component, strconv.Itoa(number))
		if err != nil {
			return err
		}
		files, err = readFiles(tx, v)
		return err
	})
	return files, err
}

func readFiles(tx *store.Tx, v sluice.Version) ([]sluice.File, error) {
	infos, err := tx.Files(v.Digest)
	if err != nil {
		return nil, err
	}
	files := make([]sluice.File, 0, len(infos))
	for _, info := range infos {
		f, err := readFile(tx, v, info)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// Watch follows one environment.
func (c *Control) Watch(ctx context.Context, req sluice.WatchRequest) iter.Seq2[sluice.Event, error] {
	return func(yield func(sluice.Event, error) bool) {
		m, err := sluice.Manifest{}, error(nil)
		if _, err = c.may(ctx, sluice.MayRead, ""); err == nil {
			m, err = c.State(ctx, sluice.EnvironmentRef{Name: req.Environment})
		}
		if ctx.Err() != nil {
			return // a watch ends with its context
		}
		if err != nil {
			yield(sluice.Event{}, err)
			return
		}
		req.Environment = m.Environment
		for event, err := range c.live.Watch(ctx, req) {
			if !yield(event, err) {
				return
			}
		}
	}
}

// Diff compares two environments, each now or then, or two versions.
func (c *Control) Diff(ctx context.Context, req sluice.DiffRequest) (sluice.Diff, error) {
	var out sluice.Diff
	err := c.view(ctx, func(tx *store.Tx) error {
		from, isFrom, err := asPoint(tx, req.From)
		if err != nil {
			return err
		}
		to, isTo, err := asPoint(tx, req.To)
		if err != nil {
			return err
		}
		switch {
		case isFrom && isTo:
			out, err = diffEnvironments(tx, from, to, req.Contents)
		case !isFrom && !isTo:
			out, err = diffVersions(tx, req.From, req.To)
		default:
			err = sluice.Errorf(sluice.Invalid, "%s and %s are not of one kind", req.From, req.To).
				Fix("compare two environments (production#41 production) or two versions (my-prompt@1 my-prompt@2)")
		}
		return err
	})
	return out, err
}

// asPoint reads a reference to an environment; false says that it is something else.
func asPoint(tx *store.Tx, text string) (sluice.EnvironmentRef, bool, error) {
	name := text
	if i := strings.IndexAny(text, "#@"); i >= 0 {
		name = text[:i]
	}
	e, found, err := tx.FindEnvironment(name)
	if err != nil || !found || e.Deleted {
		if err == nil && !strings.Contains(text, "@") {
			err = errorOf(findEnvironment(tx, name)) // not a version either
		}
		return sluice.EnvironmentRef{}, false, err
	}
	ref, err := parsePoint(text)
	return ref, err == nil, err
}

func diffEnvironments(tx *store.Tx, from, to sluice.EnvironmentRef, contents bool) (sluice.Diff, error) {
	a, err := manifestAt(tx, from)
	if err != nil {
		return sluice.Diff{}, err
	}
	b, err := manifestAt(tx, to)
	if err != nil {
		return sluice.Diff{}, err
	}
	out := sluice.Diff{
		From: a.Environment + "#" + strconv.FormatInt(a.Release, 10), To: b.Environment + "#" + strconv.FormatInt(b.Release, 10),
		Slots: sluice.DiffManifests(&a, &b),
	}
	if !contents {
		return out, nil
	}
	for _, s := range out.Slots {
		if s.Slot.Component() == "" {
			continue
		}
		files, err := diffPins(tx, s.Slot.Component(), s.From.Pin, s.To.Pin)
		if err != nil {
			return out, err
		}
		out.Files = append(out.Files, files...)
	}
	return out, nil
}

func diffVersions(tx *store.Tx, from, to string) (sluice.Diff, error) {
	var pins [2]sluice.Version
	for i, text := range []string{from, to} {
		ref, err := sluice.ParseComponentRef(text)
		if err != nil {
			return sluice.Diff{}, err
		}
		if pins[i], err = versionOf(tx, ref.Component, ref.Version.String()); err != nil {
			return sluice.Diff{}, err
		}
	}
	a, b := pins[0], pins[1]
	files, err := diffContents(tx, b.Component, a.Digest, b.Digest, a.Ref(), b.Ref())
	return sluice.Diff{From: a.Ref(), To: b.Ref(), Files: files}, err
}

func diffPins(tx *store.Tx, component string, from, to sluice.Pin) ([]sluice.FileDiff, error) {
	name := func(p sluice.Pin) string {
		if p.Version == 0 {
			return "nothing"
		}
		return component + "@" + p.String()
	}
	return diffContents(tx, component, from.Digest, to.Digest, name(from), name(to))
}

func diffContents(tx *store.Tx, component string, from, to sluice.Digest, fromName, toName string) ([]sluice.FileDiff, error) {
	a, err := tx.Files(from)
	if err != nil {
		return nil, err
	}
	b, err := tx.Files(to)
	if err != nil {
		return nil, err
	}
	out := sluice.DiffFiles(component, a, b)
	for i := range out {
		if out[i].Unified, err = unified(tx, out[i], fromName, toName); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// unified is the difference of one file as text, or a sentence that says why
// there is none.
func unified(tx *store.Tx, f sluice.FileDiff, fromName, toName string) (string, error) {
	var texts [2]string
	for i, d := range []sluice.Digest{f.From, f.To} {
		if d == "" {
			continue
		}
		b, found, err := tx.Blob(d)
		if err != nil {
			return "", err
		}
		switch file := sluice.NewFile(f.Path, b); {
		case !found:
			return "the content was purged\n", nil
		case file.Base64 != nil || slices.Contains(b, 0):
			return "not text\n", nil
		}
		texts[i] = string(b)
	}
	text := udiff.Unified(fromName+"/"+f.Path, toName+"/"+f.Path, texts[0], texts[1])
	if len(text) > maxDiffBytes {
		return "the difference is larger than 256 KiB; compare the files themselves\n", nil
	}
	return text, nil
}
