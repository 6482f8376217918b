package gitsync

import (
	"slices"

	"github.com/sluice-dev/sluice"
)

// Imported says what an import made.
type Imported struct {
	// Versions are those that were made, in their order, without their files.
	Versions []sluice.Version `json:"versions"`
	// Releases are those that were made. Cause says of which commit or tag each is.
	Releases   []sluice.Release `json:"releases"`
	Components []string         `json:"components"`      // of the versions
	Authors    []string         `json:"authors"`         // of the versions
	Known      Counts           `json:"known"`           // what was here already
	Again      int              `json:"again,omitempty"` // commits that went back to what a version holds
	Skipped    []Skipped        `json:"skipped"`
	Deleted    []string         `json:"deleted,omitempty"` // components whose files are gone in the end
	Notes      []string         `json:"notes,omitempty"`
	DryRun     bool             `json:"dry_run,omitempty"`
}

// Counts are numbers of versions and releases.
type Counts struct {
	Versions int `json:"versions"`
	Releases int `json:"releases"`
}

// Skipped is something of the history that became nothing, and why.
type Skipped struct {
	Ref       string `json:"ref,omitempty"` // of a tag
	Commit    string `json:"commit,omitempty"`
	Path      string `json:"path,omitempty"`
	Component string `json:"component,omitempty"`
	Reason    string `json:"reason"`
}

// finished sorts what people look things up in, and leaves no list out.
func (o Imported) finished() Imported {
	for _, names := range []*[]string{&o.Components, &o.Authors, &o.Deleted} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
	if o.Versions == nil {
		o.Versions = []sluice.Version{}
	}
	if o.Releases == nil {
		o.Releases = []sluice.Release{}
	}
	if o.Components == nil {
		o.Components = []string{}
	}
	if o.Authors == nil {
		o.Authors = []string{}
	}
	if o.Skipped == nil {
		o.Skipped = []Skipped{}
	}
	return o
}

// skip tells of something that becomes nothing.
func (im *importer) skip(s Skipped, err error) {
	s.Reason = sluice.AsError(err).Message
	im.out.Skipped = append(im.out.Skipped, s)
}

// once reports whether something is to be told the first time.
func (im *importer) once(what string) bool {
	if im.told[what] {
		return false
	}
	im.told[what] = true
	return true
}
