package control

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// contentReplay is what the ledger says was published.
type contentReplay struct {
	components  map[string]*componentReplay
	contents    map[sluice.Digest]*content
	quarantines map[barred]sluice.Quarantine
}

type componentReplay struct {
	component sluice.Component
	versions  []*store.VersionRow // number 1 first
	seen      int                 // rows that were compared
}

// content is one set of files, under however many versions.
type content struct {
	files    [sha256.Size]byte
	versions []*store.VersionRow
	seen     bool
}

type barred struct {
	component string
	digest    sluice.Digest
}

func newContentReplay() *contentReplay {
	return &contentReplay{
		components: map[string]*componentReplay{}, contents: map[sluice.Digest]*content{}, quarantines: map[barred]sluice.Quarantine{},
	}
}

// take applies an entry about components and versions; others it leaves alone.
func (c *contentReplay) take(e sluice.Entry) error {
	switch e.Kind {
	case sluice.EntryComponentAdd, sluice.EntryComponentEdit:
		return c.component(e)
	case sluice.EntryVersionPublish:
		return c.publish(e)
	case sluice.EntryVersionEdit, sluice.EntryVersionQuarantine, sluice.EntryVersionCheck:
		var v sluice.Version
		if err := payload(e, &v); err != nil {
			return err
		}
		return c.change(e, v)
	case sluice.EntryVersionLift, sluice.EntryVersionPurge:
		var p struct{ Version sluice.Version }
		if err := payload(e, &p); err != nil {
			return err
		}
		return c.change(e, p.Version)
	}
	return nil
}

func (c *contentReplay) component(e sluice.Entry) error {
	var next sluice.Component
	if err := payload(e, &next); err != nil {
		return err
	}
	known := c.components[next.Name]
	if known == nil {
		known = &componentReplay{}
		c.components[next.Name] = known
	}
	next.Latest = len(known.versions)
	if sluice.ReadsAs(next.Kind) != sluice.ReadsAs(known.component.Kind) {
		for _, v := range known.versions {
			v.ReadAs, v.Unchecked = "", ""
		}
	}
	known.component = next
	return nil
}

func (c *contentReplay) publish(e sluice.Entry) error {
	var v sluice.Version
	if err := payload(e, &v); err != nil {
		return err
	}
	component := c.components[v.Component]
	switch {
	case component == nil:
		return brokenf("version %s@%d: component %s was never added", v.Component, v.Number, v.Component)
	case v.Number != len(component.versions)+1:
		return brokenf("version %s@%d follows %s@%d: a number is missing or doubled", v.Component, v.Number, v.Component, len(component.versions))
	case sluice.DigestFiles(v.Files) != v.Digest:
		return brokenf("version %s@%d: its digest is %s, its files in the ledger give %s", v.Component, v.Number, v.Digest, sluice.DigestFiles(v.Files))
	}
	pins, err := store.EncodePins(v.Pins)
	if err != nil {
		return err
	}
	unchecked, err := store.EncodeUnchecked(v.Unchecked)
	if err != nil {
		return err
	}
	row := &store.VersionRow{
		Component: v.Component, Number: int64(v.Number), Label: string(v.Label), Name: v.Name, Note: v.Note,
		Digest: v.Digest, Size: v.Size, Author: v.Author, At: v.At, RecordedAt: v.RecordedAt,
		Requires: strings.Join(v.Requires, " "), Pins: pins, Commit: v.Commit, ReadAs: v.ReadAs, Unchecked: unchecked,
	}
	component.takeName(v.Name)
	component.versions = append(component.versions, row)
	component.component.Latest = v.Number
	known := c.contents[v.Digest]
	if known == nil {
		known = &content{files: filesHash(v.Files)}
		c.contents[v.Digest] = known
	}
	known.versions = append(known.versions, row)
	return nil
}

// takeName takes a version name from the version that carries it.
func (c *componentReplay) takeName(name string) {
	if name == "" {
		return
	}
	for _, v := range c.versions {
		if strings.EqualFold(v.Name, name) {
			v.Name = ""
		}
	}
}

// change applies what was done to a version that exists.
func (c *contentReplay) change(e sluice.Entry, v sluice.Version) error {
	component := c.components[v.Component]
	if component == nil || v.Number < 1 || v.Number > len(component.versions) {
		return brokenf("ledger entry %d (%s): version %s@%d was never published", e.Seq, e.Kind, v.Component, v.Number)
	}
	row := component.versions[v.Number-1]
	switch e.Kind {
	case sluice.EntryVersionEdit:
		component.takeName(v.Name)
		row.Name, row.Note = v.Name, v.Note
	case sluice.EntryVersionCheck:
		unchecked, err := store.EncodeUnchecked(v.Unchecked)
		if err != nil {
			return err
		}
		row.ReadAs, row.Unchecked = v.ReadAs, unchecked
	case sluice.EntryVersionPurge:
		for _, same := range c.contents[row.Digest].versions {
			same.Purged = 1
		}
	case sluice.EntryVersionLift:
		delete(c.quarantines, barred{v.Component, row.Digest})
	case sluice.EntryVersionQuarantine:
		if v.Quarantine == nil {
			return brokenf("ledger entry %d (%s %s): it holds no quarantine", e.Seq, e.Kind, e.Subject)
		}
		c.quarantines[barred{v.Component, row.Digest}] = *v.Quarantine
	}
	return nil
}

func filesHash(files []sluice.FileInfo) [sha256.Size]byte {
	lines := make([]string, 0, len(files))
	for _, f := range files {
		lines = append(lines, string(f.Digest)+" "+strconv.FormatInt(f.Size, 10)+" "+f.Path)
	}
	return hashOf(lines...)
}

// checkContents compares components, versions, files, bytes and quarantines with
// the ledger.
func (v *verifier) checkContents() error {
	for _, check := range []func() error{v.checkNames, v.checkComponents, v.checkVersions, v.checkFiles, v.checkBlobs, v.checkQuarantines} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkNames checks that what is looked up by name, ignoring case, is found.
func (v *verifier) checkNames() error {
	name, err := v.tx.Misfiled()
	if err == nil && name != "" {
		err = brokenf("%s is not filed under its own name", name)
	}
	return err
}

func (v *verifier) checkComponents() error {
	stored, err := v.tx.AllComponents()
	if err != nil {
		return err
	}
	for _, c := range stored {
		known := v.contents.components[c.Name]
		if known == nil {
			return brokenf("component %s: the ledger does not know it", c.Name)
		}
		want := known.component
		if err := differs("component "+c.Name,
			column{"kind", c.Kind, want.Kind}, column{"description", c.Description, want.Description}, column{"archived", c.Archived, want.Archived},
			column{"tags", strings.Join(c.Tags, ","), strings.Join(want.Tags, ",")},
			column{"latest version", c.Latest, want.Latest}, column{"time of creation", c.CreatedAt, want.CreatedAt}, column{"creator", c.CreatedBy, want.CreatedBy}); err != nil {
			return err
		}
	}
	if len(stored) == len(v.contents.components) {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(v.contents.components)) {
		if !slices.ContainsFunc(stored, func(c sluice.Component) bool { return c.Name == name }) {
			return brokenf("component %s is missing; the ledger added it", name)
		}
	}
	return brokenf("components: %d are stored, the ledger gives %d", len(stored), len(v.contents.components))
}

func (v *verifier) checkVersions() error {
	err := v.tx.EachVersionRow(func(r store.VersionRow) error {
		v.report.Versions++
		component := v.contents.components[r.Component]
		if component == nil || r.Number < 1 || r.Number > int64(len(component.versions)) {
			return brokenf("version %s@%d: the ledger does not know it", r.Component, r.Number)
		}
		if component.seen++; r.Number != int64(component.seen) {
			return brokenf("version %s@%d is missing; the ledger published it", r.Component, component.seen)
		}
		want := component.versions[r.Number-1]
		return differs("version "+r.Component+"@"+strconv.FormatInt(r.Number, 10),
			column{"label", r.Label, want.Label}, column{"name", r.Name, want.Name}, column{"note", r.Note, want.Note},
			column{"digest", r.Digest, want.Digest}, column{"size", r.Size, want.Size}, column{"author", r.Author, want.Author},
			column{"time", r.At, want.At}, column{"recorded time", r.RecordedAt, want.RecordedAt}, column{"purge mark", r.Purged, want.Purged},
			column{"required variables", r.Requires, want.Requires}, column{"pins", r.Pins, want.Pins}, column{"commit", r.Commit, want.Commit},
			column{"kind that it was read as", r.ReadAs, want.ReadAs}, column{"mark", r.Unchecked, want.Unchecked})
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(v.contents.components)) {
		if c := v.contents.components[name]; c.seen != len(c.versions) {
			return brokenf("version %s@%d is missing; the ledger published it", name, c.seen+1)
		}
	}
	return nil
}
