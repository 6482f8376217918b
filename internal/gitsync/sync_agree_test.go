package gitsync

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// agrees demands that refs and ledger of one person say the same, once all of the
// ledger is written out. A ledger that was lost knows nothing until a sync.
func (m *team) agrees(c *clone) {
	m.Helper()
	info, err := c.client.Info(m.Context())
	if err != nil {
		m.Fatal(err)
	}
	at, err := c.bridge.loadCursor(info.Ledger)
	if err != nil || at.Epoch < info.Epoch {
		return // not all of it is written out
	}
	list, err := c.client.Environments(m.Context(), true)
	if err != nil {
		m.Fatal(err)
	}
	before := m.Failed()
	for _, e := range list {
		if e.Release > 0 {
			m.agreesOn(c, info.Ledger, e)
		}
	}
	if m.Failed() && !before {
		m.Fatalf("%s:\n%s", c.actor, c.git("for-each-ref"))
	}
}

// agreesOn does so for one environment.
func (m *team) agreesOn(c *clone, ledger string, e sluice.Environment) {
	m.Helper()
	rd := c.bridge.repo.Reader(m.Context())
	defer rd.Close()
	ref := m.refOf(c, rd, e)
	o, found, err := rd.Object(ref)
	if err != nil || !found {
		m.Errorf("%s: %s is at release %d, and %s is not there: %v", c.actor, e.Name, e.Release, ref, err)
		return
	}
	commit, err := gitrepo.ParseCommit(o.ID, o.Bytes)
	if err != nil {
		m.Fatal(err)
	}
	head, err := ParseReleaseMessage(commit)
	if err != nil {
		m.Fatal(err)
	}
	last := m.releases(c, e.Name)[0]
	if own := head.Entry.Ledger == ledger; own && (last.Commit != "" || head.Number != last.Number || head.Entry.Seq != last.Epoch) || !own && string(last.Commit) != string(o.ID) {
		m.Errorf("%s: the last release of %s is %s (%s at %d), and its ref is at %s: %+v", c.actor, e.Name, last.Ref(), last.Commit, last.Epoch, o.ID, head)
	}
	text, err := readManifest(rd, o.ID)
	if err != nil {
		m.Fatal(err)
	}
	is, err := ParseManifest(text)
	if err != nil {
		m.Fatal(err)
	}
	want := m.slots(c, e)
	got := map[sluice.Slot]string{}
	for _, line := range is.Slots {
		got[line.Slot] = m.shown(line)
	}
	if !maps.Equal(got, want) && !(m.apart[c.actor] && withoutUnder(got) == withoutUnder(want)) {
		m.Errorf("%s: %s#%d holds\n%s\nand its commit %s says\n%s", c.actor, e.Name, e.Release, listed(want), o.ID, listed(got))
	}
	if is.Environment.Name != e.Name {
		m.Errorf("%s: %s is the history of %s", c.actor, EnvironmentRef(e.Display()), is.Environment.Name)
	}
}

// refOf is the ref of an environment's history, which gets the name that the
// environment is shown under with the next release.
func (m *team) refOf(c *clone, rd *gitrepo.Reader, e sluice.Environment) string {
	m.Helper()
	for _, ref := range strings.Fields(c.git("for-each-ref", "--format=%(refname)", EnvironmentsPrefix)) {
		text, err := readManifest(rd, gitrepo.OID(c.git("rev-parse", ref)))
		if err != nil {
			m.Fatal(err)
		}
		if head, _, err := HeadOf(text); err == nil && head.Name == e.Name {
			return ref
		}
	}
	return EnvironmentRef(e.Display())
}

// slots are what a ledger says of an environment, as the lines of a manifest.
func (m *team) slots(c *clone, e sluice.Environment) map[sluice.Slot]string {
	m.Helper()
	state, err := c.client.State(m.Context(), sluice.EnvironmentRef{Name: e.Name, Release: e.Release, Exact: true})
	if err != nil {
		m.Fatal(err)
	}
	seen := map[sluice.Slot]bool{}
	for _, r := range m.releases(c, e.Name) { // what holds nothing remembers what was
		for _, ch := range r.Changes {
			if !seen[ch.Slot] && ch.To.IsZero() {
				state.Slots = append(state.Slots, sluice.Setting{Slot: ch.Slot, Under: ch.Under})
			}
			seen[ch.Slot] = true
		}
	}
	out := map[sluice.Slot]string{}
	for _, s := range state.Slots {
		line := SlotLine{Slot: s.Slot, Value: s.Value, Origin: s.Origin, Pinned: s.PinnedBy > 0}
		if s.Under > 0 {
			then, err := c.client.State(m.Context(), sluice.EnvironmentRef{Name: e.Name, Release: s.Under, Exact: true})
			if err != nil {
				m.Fatal(err)
			}
			below, _ := then.Find(s.Slot)
			line.Under = below.Value
		}
		if !line.Value.IsZero() || !line.Under.IsZero() {
			out[s.Slot] = m.shown(line)
		}
	}
	return out
}

// shown is a line of a manifest without what is each clone's own.
func (m *team) shown(l SlotLine) string {
	return fmt.Sprintf("%s under %s origin %q pinned %v", m.shownValue(l.Value), m.shownValue(l.Under), l.Origin, l.Pinned)
}

// withoutUnder is what holds something, without what a rollback would uncover: a
// ledger that had other releases remembers those too.
func withoutUnder(of map[sluice.Slot]string) string {
	out := map[sluice.Slot]string{}
	for slot, line := range of {
		before, after, _ := strings.Cut(line, " under ")
		_, after, _ = strings.Cut(after, " origin ")
		if before != "none false " {
			out[slot] = before + "; " + after
		}
	}
	return listed(out)
}

func (m *team) shownValue(v sluice.Value) string {
	v = unnumbered(v)
	if v.Fingerprint != "" || v.Stub || v.Hidden {
		return fmt.Sprintf("%s secret %v stub %v hidden %v", v.Fingerprint, v.Secret, v.Stub, v.Hidden)
	}
	parts := []string{fmt.Sprintf("none %v", v.None)}
	for _, p := range append([]sluice.Pin{v.Pin}, v.Pins()...) {
		parts = append(parts, p.Digest.Short())
	}
	for _, s := range v.Split {
		parts = append(parts, fmt.Sprint(s.Weight))
	}
	return strings.Join(parts, " ")
}

func listed(of map[sluice.Slot]string) string {
	var out []string
	for _, slot := range slices.Sorted(maps.Keys(of)) {
		out = append(out, "  "+string(slot)+": "+of[slot])
	}
	return strings.Join(out, "\n")
}

// releases are all of an environment, newest first.
func (m *team) releases(c *clone, environment string) []sluice.Release {
	m.Helper()
	var out []sluice.Release
	for q := (sluice.ReleaseQuery{Environment: environment, Paging: sluice.Paging{Limit: sluice.MaxPage}}); ; {
		page, err := c.client.Releases(m.Context(), q)
		if err != nil {
			m.Fatal(err)
		}
		out = append(out, page.Items...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return out
		}
	}
}

// sound demands that Git and the ledger find nothing wrong with themselves.
func (m *team) sound(c *clone) {
	m.Helper()
	if out := c.git("fsck", "--strict", "--no-dangling", "--no-progress"); strings.Contains(out, "error") || strings.Contains(out, "warning") {
		m.Fatalf("%s: git fsck says %s", c.actor, out)
	}
	report, err := c.client.Verify(m.Context(), sluice.VerifyRequest{})
	if err != nil || !report.Holds {
		m.Fatalf("%s: the ledger does not hold: %+v, %v", c.actor, report, err)
	}
}

// compare demands that all have the same refs and the same histories, that the tags
// are where they belong, and that no release was lost.
func (m *team) compare() {
	m.Helper()
	first := m.people[0]
	refs, past := m.shared(first.dir, first), m.history(first)
	for _, c := range m.people {
		m.sound(c)
		m.tagsPointAtWhatIsLive(c)
		if got := m.shared(c.dir, c); got != refs {
			m.Errorf("%s and %s have other refs:\n%s", first.actor, c.actor, differing(refs, got))
		}
		if got := m.history(c); got != past {
			m.Errorf("%s and %s have other histories:\n%s", first.actor, c.actor, differing(past, got))
		}
		m.ledgerFollows(c)
	}
	if got := m.shared(m.remote, first); got != refs {
		m.Errorf("%s and the remote have other refs:\n%s", first.actor, differing(refs, got))
	}
	kept := reachable(first, m.remote)
	for id, who := range m.made {
		if !kept[id] {
			m.Errorf("release %s that %s had is under no ref of the remote", id.Short(), who)
		}
	}
	if m.Failed() {
		m.FailNow()
	}
}

// shared are the refs that all must have, with where they are.
func (m *team) shared(dir string, c *clone) string {
	m.Helper()
	var out []string
	for line := range strings.Lines(gitAs(m.T, dir, c.actor, "for-each-ref", "--format=%(refname) %(objectname)", "refs/tags/components/", "refs/sluice/environments/", "refs/sluice/versions/")) {
		ref, _, _ := strings.Cut(line, " ")
		if m.stray(ref) || m.clashed[ref] {
			continue
		}
		out = append(out, strings.TrimSpace(line))
	}
	return strings.Join(out, "\n")
}

// differing are the lines that only one of two texts has.
func differing(a, b string) string {
	var out []string
	for i, side := range [][2]string{{a, b}, {b, a}} {
		others := strings.Split(side[1], "\n")
		for line := range strings.SplitSeq(side[0], "\n") {
			if !slices.Contains(others, line) {
				out = append(out, []string{"- ", "+ "}[i]+line)
			}
		}
	}
	return strings.Join(out, "\n")
}

// stray reports whether a tag is of an environment that does not exist, or is one
// that somebody moved by hand and that was refused to them: it stays where it is.
func (m *team) stray(ref string) bool {
	m.Helper()
	_, display, ok := parseEnvironmentTag(ref)
	if !ok {
		return false
	}
	for _, c := range m.people {
		info, err := c.client.Info(m.Context())
		if err != nil {
			m.Fatal(err)
		}
		seen, err := c.bridge.loadSeen(info.Ledger)
		if err != nil {
			m.Fatal(err)
		}
		if id := seen["kept:"+ref]; id != "" && gitrepo.OID(c.git("for-each-ref", "--format=%(objectname)", ref)) == id {
			return true
		}
	}
	_, err := m.people[0].client.Environment(m.Context(), display)
	return sluice.CodeOf(err) == sluice.NotFound
}

// history is what the commits of all environments say.
func (m *team) history(c *clone) string {
	m.Helper()
	return c.git("log", "--first-parent", "--format=%H %an %at%n%B", "--glob=refs/sluice/environments/*")
}

// ledgerFollows demands that the releases of a ledger are those of the commits, in
// their order, besides those whose place others took.
func (m *team) ledgerFollows(c *clone) {
	m.Helper()
	info, err := c.client.Info(m.Context())
	if err != nil {
		m.Fatal(err)
	}
	list, err := c.client.Environments(m.Context(), true)
	if err != nil {
		m.Fatal(err)
	}
	for _, e := range list {
		if e.Release == 0 {
			continue
		}
		rd := c.bridge.repo.Reader(m.Context())
		ref := m.refOf(c, rd, e)
		rd.Close()
		ids, err := c.bridge.repo.Chain(m.Context(), "", gitrepo.OID(c.git("rev-parse", ref)))
		if err != nil {
			m.Fatal(err)
		}
		m.follows(c, info.Ledger, m.releases(c, e.Name), ids)
	}
}

func (m *team) follows(c *clone, ledger string, list []sluice.Release, ids []gitrepo.OID) {
	m.Helper()
	slices.Reverse(list)
	rd := c.bridge.repo.Reader(m.Context())
	defer rd.Close()
	last := int64(0)
	for _, id := range ids {
		o, _, err := rd.Object(string(id))
		if err != nil {
			m.Fatal(err)
		}
		commit, err := gitrepo.ParseCommit(id, o.Bytes)
		if err != nil {
			m.Fatal(err)
		}
		head, err := ParseReleaseMessage(commit)
		if err != nil {
			m.Fatal(err)
		}
		i := slices.IndexFunc(list, func(r sluice.Release) bool {
			return string(r.Commit) == string(id) || r.Commit == "" && head.Entry == (sluice.Position{Ledger: ledger, Seq: r.Epoch})
		})
		if i < 0 {
			m.Errorf("%s: release %s (%s) is not in the ledger", c.actor, id.Short(), nameOf(head))
			continue
		}
		r := list[i]
		if r.Number <= last {
			m.Errorf("%s: %s comes after %d", c.actor, r.Ref(), last)
		}
		last = r.Number
		got := []any{r.Actor, r.Action, r.Reason, r.Ticket, happened(r)}
		want := []any{head.Actor, head.Action, head.Reason, head.Ticket, head.Time}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			m.Errorf("%s: %s is %v in the ledger, and its commit %s says %v", c.actor, r.Ref(), got, id.Short(), want)
		}
	}
}

// tagsPointAtWhatIsLive demands that there is a tag for all that is live, at the
// commit that has it, and no other.
func (m *team) tagsPointAtWhatIsLive(c *clone) {
	m.Helper()
	want, got := map[string]string{}, map[string]string{}
	rd := c.bridge.repo.Reader(m.Context())
	defer rd.Close()
	for _, ref := range strings.Fields(c.git("for-each-ref", "--format=%(refname)", "refs/sluice/environments/")) {
		text, err := readManifest(rd, gitrepo.OID(c.git("rev-parse", ref)))
		if err != nil {
			m.Fatal(err)
		}
		is, err := ParseManifest(text)
		if err != nil {
			m.Fatal(err)
		}
		display, _ := ParseEnvironmentRef(ref)
		for _, line := range is.Slots {
			if name := line.Slot.Component(); name != "" && line.Value.Live() && !m.stray(EnvironmentTag(name, display)) {
				want[EnvironmentTag(name, display)] = string(line.Commit)
			}
		}
	}
	for _, ref := range m.tags(c, isEnvironmentTag) {
		if !m.stray(ref) {
			got[ref] = c.git("rev-parse", ref+"^{commit}")
		}
	}
	if !maps.Equal(got, want) {
		m.Errorf("%s: the tags point at\n%v\nand what is live is\n%v", c.actor, got, want)
	}
}
