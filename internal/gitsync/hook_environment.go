package gitsync

import (
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// maxHookCommits bounds how far a hook goes back in a history.
const maxHookCommits = 20_000

// environment is about the history of an environment: it only goes forward, unless
// what it leaves behind is kept, and each new commit is a release that is whole.
func (h *hook) environment(p PushedRef) error {
	display, ok := ParseEnvironmentRef(p.Ref)
	if !ok {
		return sluice.Errorf(sluice.Invalid, "it is not named as the history of an environment").Fix("leave it out: only Sluice moves the refs below %s", EnvironmentsPrefix)
	}
	if p.New == "" {
		return h.renamed(p)
	}
	fresh, err := h.fresh(p)
	if err != nil {
		return err
	}
	if len(fresh) == 0 {
		return h.known(p, display)
	}
	for i := len(fresh) - 1; i >= 0; i-- { // oldest first
		if err := h.release(fresh[i], display, i == 0); err != nil {
			e := sluice.AsError(err)
			out := sluice.Errorf(e.Code, "commit %s: %s", fresh[i].ID.Short(), e.Message)
			out.Fixes = e.Fixes
			return out
		}
	}
	return nil
}

// known is about a history that is here already: it comes under another name when
// the environment is shown under that since, and then the other one goes.
func (h *hook) known(p PushedRef, display string) error {
	text, err := h.manifest(p.New)
	if err != nil {
		return err
	}
	head, _, err := HeadOf(text)
	if err != nil {
		return err
	}
	shown := sluice.Environment{Name: head.Name, Alias: head.Alias}.Display()
	if goes := h.pushed[EnvironmentRef(shown)]; shown == display || goes.Old == p.New && goes.New == "" {
		return nil
	}
	return sluice.Errorf(sluice.Invalid, "it is the history of %s", shown).Fix("leave it out: only Sluice moves the refs below %s", EnvironmentsPrefix)
}

// renamed lets a history go that stands under another name since, or aside.
func (h *hook) renamed(p PushedRef) error {
	for ref, other := range h.pushed {
		if !strings.HasPrefix(ref, EnvironmentsPrefix) || other.New == "" {
			continue
		}
		if found, err := h.passes(other.New, p.Old); err != nil || found {
			return err
		}
	}
	return sluice.Errorf(sluice.Refused, "the history of an environment stays").
		Do(sluice.DropEnvironment(strings.TrimPrefix(p.Ref, EnvironmentsPrefix)), "delete the environment with Sluice, which ends its history")
}

// passes reports whether a history goes through a commit.
func (h *hook) passes(from, through gitrepo.OID) (found bool, err error) {
	err = h.back(from, func(c gitrepo.Commit) (bool, error) {
		found = c.ID == through
		return !found, nil
	})
	return found, err
}

// back goes through a history from its end, until more says no.
func (h *hook) back(from gitrepo.OID, more func(gitrepo.Commit) (bool, error)) error {
	for n := 0; from != ""; n++ {
		if n == maxHookCommits {
			return sluice.Errorf(sluice.LimitExceeded, "the history has more than %d releases that are new here", maxHookCommits).Fix("push it in parts, oldest first")
		}
		c, err := h.commit(from)
		if err != nil {
			return err
		}
		if on, err := more(c); err != nil || !on {
			return err
		}
		if from = ""; len(c.Parents) > 0 {
			from = c.Parents[0]
		}
	}
	return nil
}

func (h *hook) commit(id gitrepo.OID) (gitrepo.Commit, error) {
	o, found, err := h.reader.Object(string(id))
	if err != nil {
		return gitrepo.Commit{}, err
	}
	if !found || o.Kind != "commit" {
		return gitrepo.Commit{}, sluice.Errorf(sluice.Invalid, "%s is no commit that is here", id.Short()).Do(sluice.PushGit(), "push what Sluice made")
	}
	return gitrepo.ParseCommit(id, o.Bytes)
}

// fresh are the commits that a push adds to a history, newest first.
func (h *hook) fresh(p PushedRef) (out []gitrepo.Commit, err error) {
	known := map[gitrepo.OID]bool{p.Old: true}
	for ref, r := range h.refs {
		if strings.HasPrefix(ref, EnvironmentsPrefix) || strings.HasPrefix(ref, SupersededPrefix) {
			known[r.ID] = true
		}
	}
	on := false
	err = h.back(p.New, func(c gitrepo.Commit) (bool, error) {
		on = on || c.ID == p.Old
		if !known[c.ID] {
			out = append(out, c)
			return true, nil
		}
		return false, nil
	})
	if err != nil || on || p.Old == "" {
		return out, err
	}
	// It stands on what was there before the end of the history, or beside it: then
	// what it leaves behind must stay.
	if on, err = h.passes(p.New, p.Old); err != nil || on {
		return out, err
	}
	display, _ := ParseEnvironmentRef(p.Ref)
	aside := SupersededRef(display, p.Old)
	if h.refs[aside].ID == p.Old || h.pushed[aside].New == p.Old {
		return h.beside(p)
	}
	last, err := h.commit(p.Old)
	if err != nil {
		return nil, err
	}
	subject, _, _ := strings.Cut(last.Message, "\n")
	return nil, sluice.Errorf(sluice.Refused, "it leaves %s behind, %q by %s", p.Old.Short(), subject, last.Author.Name).
		Do(sluice.SyncGit("rebase"), "release on top of it: {}, then {push-git}")
}

// beside are the commits of a history that goes on from before the end of the one
// that is there.
func (h *hook) beside(p PushedRef) (out []gitrepo.Commit, err error) {
	known := map[gitrepo.OID]bool{}
	if err := h.back(p.Old, func(c gitrepo.Commit) (bool, error) {
		known[c.ID] = true
		return true, nil
	}); err != nil {
		return nil, err
	}
	return out, h.back(p.New, func(c gitrepo.Commit) (bool, error) {
		if !known[c.ID] {
			out = append(out, c)
		}
		return !known[c.ID], nil
	})
}

// release checks one commit that is new.
func (h *hook) release(c gitrepo.Commit, display string, last bool) error {
	if len(c.Parents) > 1 {
		return sluice.Errorf(sluice.Invalid, "a release has one parent, and it has %d", len(c.Parents)).Do(sluice.SyncGit(""), "never merge histories of environments")
	}
	head, err := ParseReleaseMessage(c)
	if err != nil {
		return err
	}
	text, err := h.manifest(c.ID)
	if err != nil {
		return err
	}
	m, err := ParseManifest(text)
	if err != nil {
		return err
	}
	shown := sluice.Environment{Name: m.Environment.Name, Alias: m.Environment.Alias}.Display()
	switch {
	case m.Environment.Name != head.Environment:
		return sluice.Errorf(sluice.Invalid, "its message is about %s, and its manifest about %s", head.Environment, m.Environment.Name).Fix(fixManifest)
	case last && shown != display && m.Environment.Name != display:
		return sluice.Errorf(sluice.Invalid, "it is a release of %s", shown).Fix("push it to %s", EnvironmentRef(shown))
	case m.Root != head.Root:
		return sluice.Errorf(sluice.Invalid, "its message has the root %s, and its manifest %s", head.Root.Short(), m.Root.Short()).Fix(fixManifest)
	}
	if RootOf(m) != m.Root {
		if alone, err := h.alone(c, head.Entry.Ledger); err != nil || alone {
			return cmpErr(err, sluice.Errorf(sluice.Invalid, "its root is %s, and what it says is live has %s", m.Root.Short(), RootOf(m).Short()).Fix(fixManifest))
		}
	}
	var before []byte
	parent := gitrepo.OID("")
	if len(c.Parents) > 0 {
		parent = c.Parents[0]
		if before, err = h.manifest(parent); err != nil {
			return err
		}
	}
	changes, err := DiffManifests(before, text)
	if err != nil {
		return err
	}
	if err := h.tree(c.ID, parent, m, changes); err != nil {
		return err
	}
	return h.promotions(display, parent, head, changes)
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// alone reports whether all of a history was made over one ledger. In one that was
// not, numbers of versions are of several, and roots are worked out with one's own.
func (h *hook) alone(c gitrepo.Commit, ledger string) (bool, error) {
	alone := true
	err := h.back(c.ID, func(c gitrepo.Commit) (bool, error) {
		head, err := ParseReleaseMessage(c)
		alone = err == nil && head.Entry.Ledger == ledger
		return alone, err
	})
	return alone, err
}

// manifest is the manifest of a commit.
func (h *hook) manifest(commit gitrepo.OID) ([]byte, error) {
	if text, known := h.manifests[commit]; known {
		return text, nil
	}
	text, err := readManifest(h.reader, commit)
	if err != nil {
		return nil, err
	}
	if len(h.manifests) > 64 { // a history is gone through in order
		clear(h.manifests)
	}
	h.manifests[commit] = text
	return text, nil
}

// tree checks that a commit has the files of what is live, and no others.
func (h *hook) tree(commit, parent gitrepo.OID, m Manifest, changes []LineChange) error {
	is, err := h.files(commit)
	if err != nil {
		return err
	}
	was, err := h.files(parent)
	if err != nil {
		return err
	}
	touched := func(file string) bool {
		return slices.ContainsFunc(changes, func(c LineChange) bool {
			return c.From != nil && holds(c.From.Path, file) || c.To != nil && holds(c.To.Path, file)
		})
	}
	for file, blob := range is {
		if was[file] != blob && !touched(file) {
			return sluice.Errorf(sluice.Invalid, "it changes %s, which is of nothing that it releases", clip(file)).Fix("release it with Sluice")
		}
		if !slices.ContainsFunc(m.Slots, func(s SlotLine) bool { return s.Value.Live() && holds(s.Path, file) }) && was[file] == "" {
			return sluice.Errorf(sluice.Invalid, "it has the file %s, which is of nothing that is live", clip(file)).Fix("release it with Sluice")
		}
	}
	for file := range was {
		if is[file] == "" && !touched(file) {
			return sluice.Errorf(sluice.Invalid, "it lacks %s, which stays live", clip(file)).Fix("release it with Sluice")
		}
	}
	for _, c := range changes {
		if c.To == nil || c.To.Path == "" || !c.To.Value.Live() || c.Slot.Component() == "" {
			continue
		}
		files, err := FilesAt(h.reader, commit, c.To.Path)
		if err != nil {
			return err
		}
		_, digest, err := sluice.CheckFiles(files)
		if err != nil {
			return err
		}
		if digest != c.To.Value.Digest {
			return sluice.Errorf(sluice.Invalid, "it says that %s is %s, and its tree has %s", c.Slot.Component(), c.To.Value.Digest.Short(), digest.Short()).
				Fix("release it with Sluice")
		}
	}
	return nil
}

// holds reports whether a file is at a place, or below it.
func holds(place, file string) bool {
	return place != "" && (file == place || strings.HasSuffix(place, "/") && strings.HasPrefix(file, place))
}

// files are the files of a commit without the manifest; none of no commit.
func (h *hook) files(commit gitrepo.OID) (map[string]gitrepo.OID, error) {
	out := map[string]gitrepo.OID{}
	if commit == "" {
		return out, nil
	}
	list, err := h.reader.Files(commit, "")
	for _, f := range list {
		if f.Path != ManifestFile {
			out[f.Path] = f.ID
		}
	}
	return out, err
}

// superseded is about a release that another took the place of.
func (h *hook) superseded(p PushedRef) error {
	rest := strings.TrimPrefix(p.Ref, SupersededPrefix)
	display, short, _ := strings.Cut(rest, "/")
	switch {
	case p.New == "":
		return sluice.Errorf(sluice.Refused, "what was released stays, also when another release took its place").Fix("keep it")
	case p.Old != "" || short != p.New.Short() || sluice.CheckWord("environment", display) != nil:
		return sluice.Errorf(sluice.Invalid, "it is not named after the release that it keeps").Fix("only Sluice makes refs below %s", SupersededPrefix)
	}
	c, err := h.commit(p.New)
	if err == nil {
		_, err = ParseReleaseMessage(c)
	}
	return err
}
