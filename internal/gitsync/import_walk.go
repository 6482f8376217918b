package gitsync

import (
	"path"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// step is a commit of a walk through history with what it did to components.
type step struct {
	gitrepo.LogEntry
	touched []touch
}

// touch is what one commit did to one component.
type touch struct {
	component, kind string
	path            string
	content         content
}

// content is what a component holds: the digest of its version, or why there can be
// none. When it holds nothing, both are empty.
type content struct {
	digest sluice.Digest
	err    error
}

// walker goes through the commits of one history, oldest first.
type walker struct {
	im     *importer
	finder *finder
	names  *namer
	files  map[string]string // where each component's files are, folded
}

func (im *importer) newWalker(f *finder) *walker {
	if im.lastNames == nil {
		im.lastNames = map[string]string{}
	}
	return &walker{im: im, finder: f, names: newNamer(im.lastNames), files: map[string]string{}}
}

// step works out what a commit did. Version, when it is not nil, is called for each
// content that a component got.
func (w *walker) step(e gitrepo.LogEntry, version func(step, touch, []sluice.File) error) (step, error) {
	s := step{LogEntry: e}
	if e.Cut && len(e.Changes) > 0 && w.im.once("cut "+string(e.ID)) {
		w.im.skip(Skipped{Commit: string(e.ID)}, sluice.Errorf(sluice.LimitExceeded, "it changes more files than are looked at; what it holds of the rest is missing"))
	}
	changed, order, left := w.places(e)
	for _, place := range left {
		c := changed[place]
		name := c.Name
		if named := w.names.leave(place); named != "" {
			name = named
		}
		key := sluice.FoldName(name)
		if name != "" && w.files[key] == place {
			delete(w.files, key)
			s.put(touch{component: name, kind: c.Kind, path: place})
		}
	}
	for _, place := range order {
		t, files, err := w.touch(e, changed[place])
		if err != nil {
			return s, err
		}
		if t.component == "" {
			continue
		}
		if version != nil && t.content.digest != "" {
			if err := version(s, t, files); err != nil {
				return s, err
			}
		}
		s.put(t)
	}
	return s, nil
}

// put notes a touch. Of one component in several places the last one counts.
func (s *step) put(t touch) {
	for i, other := range s.touched {
		if sluice.FoldName(other.component) == sluice.FoldName(t.component) {
			s.touched[i] = t
			return
		}
	}
	s.touched = append(s.touched, t)
}

// changedPlace is a component's place with the change of it, if it is a file.
type changedPlace struct {
	Found
	change gitrepo.PathChange
}

// places are those that a commit changed: those that are there after it in their
// order, and those that left. A directory is told to be there when a file of it is; a
// look into it says whether any is left.
func (w *walker) places(e gitrepo.LogEntry) (changed map[string]changedPlace, order, left []string) {
	changed = map[string]changedPlace{}
	for _, c := range e.Changes {
		found, ok := w.finder.at(c.Path)
		if !ok {
			continue
		}
		if _, seen := changed[found.Path]; seen {
			continue
		}
		changed[found.Path] = changedPlace{found, c}
		if c.New == "" && !strings.HasSuffix(found.Path, "/") {
			left = append(left, found.Path)
			continue
		}
		order = append(order, found.Path)
	}
	return changed, order, left
}

// touch is what a commit did to a place that is there, or was a directory.
func (w *walker) touch(e gitrepo.LogEntry, c changedPlace) (touch, []sluice.File, error) {
	t := touch{kind: c.Kind, path: c.Path}
	directory := strings.HasSuffix(c.Path, "/")
	var files []sluice.File
	var err error
	if directory {
		if files, err = FilesAt(w.im.reader, e.ID, c.Path); sluice.CodeOf(err) == sluice.NotFound {
			t.component = w.names.leave(c.Path)
			delete(w.files, sluice.FoldName(t.component))
			return t, nil, nil
		}
		if err != nil && !refuse(err) {
			return t, nil, err
		}
	}
	if t.component = w.names.name(c.Found); t.component == "" {
		if w.im.once("name " + c.Path) {
			w.im.skip(Skipped{Commit: string(e.ID), Path: shown(c.Path)}, sluice.Errorf(sluice.Invalid, "its name cannot be a component's"))
		}
		return t, nil, nil
	}
	w.files[sluice.FoldName(t.component)] = c.Path
	if directory {
		_, t.content.digest, t.content.err = checked(files, err)
	} else if files, t.content, err = w.im.contentOf(t.component, c.change); err != nil {
		return t, nil, err
	}
	if t.content.err != nil {
		w.im.skip(Skipped{Commit: string(e.ID), Path: shown(c.Path), Component: t.component}, t.content.err)
	}
	return t, files, nil
}

// checked is [sluice.CheckFiles] of files that may have failed to be read.
func checked(files []sluice.File, err error) ([]sluice.FileInfo, sluice.Digest, error) {
	if err != nil {
		return nil, "", err
	}
	return sluice.CheckFiles(files)
}

// contentOf is what a component of one file holds after a change of it. Files are
// nil when a version holds it already.
func (im *importer) contentOf(component string, c gitrepo.PathChange) ([]sluice.File, content, error) {
	base := path.Base(c.Path)
	key := sluice.FoldName(component) + "\x00" + base + "\x00" + string(c.New)
	if !c.NewMode.Regular() {
		key += "\x00" // a link may point at what another file holds
	}
	if known, ok := im.read[key]; ok {
		return nil, known, nil
	}
	raw, err := contentOf(im.reader, gitrepo.TreeFile{Path: c.Path, ID: c.New, Mode: c.NewMode})
	if err != nil && !refuse(err) {
		return nil, content{}, err
	}
	files := []sluice.File{sluice.NewFile(base, raw)}
	var got content
	_, got.digest, got.err = checked(files, err)
	im.read[key] = got
	return files, got, nil
}

// shown is a path as it can be shown, which in Git may be any bytes.
func shown(p string) string { return storable(p, 500) }

// The times that can be recorded, in seconds.
var (
	earliest = time.Date(1971, 1, 2, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(9999, 12, 30, 0, 0, 0, 0, time.UTC).Unix()
)

// dateOf is when something was signed, as far as Sluice can say it.
func dateOf(who gitrepo.Signature) sluice.Time {
	return sluice.Time(inRange(who.When.Unix()) * 1e6)
}

// signerOf is who signed something, as far as Sluice can hold it.
func signerOf(who gitrepo.Signature) string {
	return firstWord(storable(who.Name, sluice.MaxTicketBytes), storable(who.Email, sluice.MaxTicketBytes), "unknown")
}

// maxSubject bounds what is kept of the first line of a commit, in bytes.
const maxSubject = 500

// firstLine is the first line of a message.
func firstLine(message string) string {
	return storable(gitrepo.ParseMessage(message).Subject, maxSubject)
}
