package cli

import (
	"fmt"
	"io"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/gitsync"
)

// skippedAtMost is how many things that were skipped are told to people.
const skippedAtMost = 20

// importedText is the summary of an import, and of a dry run what it would make.
func (e *env) importedText(w io.Writer, made gitsync.Imported) {
	if made.DryRun {
		e.wouldImport(w, made)
	}
	if len(made.Versions) > 0 {
		fmt.Fprintf(w, "%s %s of %s by %s\n", did("made", made.DryRun), counted(len(made.Versions), "version"),
			counted(len(made.Components), "component"), counted(len(made.Authors), "author"))
	}
	uncheckedVersions(w, made.Versions)
	for _, name := range environmentsOf(made.Releases) {
		of := slices.DeleteFunc(slices.Clone(made.Releases), func(r sluice.Release) bool { return r.Environment != name })
		span := e.clock(of[0].At)
		if last := e.clock(of[len(of)-1].At); last != span {
			span += " to " + last
		}
		fmt.Fprintf(w, "%s %s of %s, %s\n", did("recorded", made.DryRun), counted(len(of), "release"), name, span)
	}
	if k := made.Known; k.Versions+k.Releases > 0 {
		fmt.Fprintf(w, "known already: %s, %s\n", counted(k.Versions, "version"), counted(k.Releases, "release"))
	}
	if made.Again > 0 {
		fmt.Fprintf(w, "%s went back to what a version holds already\n", counted(made.Again, "change"))
	}
	if len(made.Versions)+len(made.Releases)+made.Known.Versions+made.Known.Releases == 0 {
		fmt.Fprintln(w, "found nothing to import")
		e.note("without tags of versions, name the files whose commits are versions: --commits 'components/prompts/*.md'")
	}
	if len(made.Deleted) > 0 {
		fmt.Fprintf(w, "no longer in the repository: %s\n", sluice.Listing(made.Deleted, 8))
	}
	for i, s := range made.Skipped {
		if i == skippedAtMost {
			fmt.Fprintf(w, "skipped %d more: -o json lists them\n", len(made.Skipped)-i)
			break
		}
		fmt.Fprintf(w, "skipped %s: %s\n", skippedName(s), s.Reason)
	}
	for _, n := range made.Notes {
		e.note("%s", n)
	}
}

// uncheckedVersions names the versions in which mistakes were found: they were
// published, so they are taken in, and marked.
func uncheckedVersions(w io.Writer, versions []sluice.Version) {
	var marked []sluice.Marked
	for _, v := range versions {
		if v.Unchecked != nil {
			marked = append(marked, sluice.Marked{Component: v.Component, Pin: v.Pin(), Unchecked: *v.Unchecked})
		}
	}
	uncheckedText(w, marked[:min(len(marked), skippedAtMost)])
	if more := len(marked) - skippedAtMost; more > 0 {
		fmt.Fprintf(w, "unchecked %d more: -o json lists them\n", more)
	}
}

// wouldImport lists versions and releases.
func (e *env) wouldImport(w io.Writer, made gitsync.Imported) {
	t := table{}
	for _, v := range made.Versions {
		t.add("version", v.Component+"@"+v.Pin().String(), e.clock(v.At), v.Author, gitrepo.OID(v.Commit).Short(), v.Note)
	}
	t.write(w)
	t = table{}
	for _, r := range made.Releases {
		for _, c := range r.Changes {
			t.add(r.Ref(), slotName(c.Slot), movement(c, r.Action), e.clock(r.At), deed(r))
		}
	}
	t.write(w)
}

// environmentsOf are the environments of releases, in their order.
func environmentsOf(releases []sluice.Release) (out []string) {
	for _, r := range releases {
		if !slices.Contains(out, r.Environment) {
			out = append(out, r.Environment)
		}
	}
	return out
}

// skippedName is what was skipped, as people would look it up.
func skippedName(s gitsync.Skipped) string {
	switch {
	case s.Ref != "":
		return gitrepo.ShortRef(s.Ref)
	case s.Path != "":
		return s.Path + " of " + gitrepo.OID(s.Commit).Short()
	}
	return "commit " + gitrepo.OID(s.Commit).Short()
}
