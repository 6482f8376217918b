package sluice

import (
	"regexp"
	"slices"
)

// MaxRecords bounds one [RecordRequest].
const MaxRecords = 500

// Commit is the id of a Git commit: 40 or 64 hex digits.
type Commit string

var commitForm = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// CheckCommit checks that a commit, unless it is empty, is an id.
func CheckCommit(c Commit) error {
	if c == "" || commitForm.MatchString(string(c)) {
		return nil
	}
	return Errorf(Invalid, "commit %q is not 40 or 64 hex digits", clip(string(c))).Fix("give the whole id: `git rev-parse HEAD`")
}

// RecordRequest takes in what happened elsewhere, as it happened there: no policy
// is asked, nothing follows a publish, and times are kept. All of it is recorded,
// or nothing.
type RecordRequest struct {
	Records []Record `json:"records"` // in their order, at most [MaxRecords]
	// Shared are environments whose releases all come this way, those too that follow
	// a parent's. What others inherit is worked out here.
	Shared []string `json:"shared,omitempty"`
	Change
}

// Record is one thing that happened elsewhere: a version or a release.
type Record struct {
	Version *VersionRecord `json:"version,omitempty"`
	Release *ReleaseRecord `json:"release,omitempty"`
}

// VersionRecord is a version that was published elsewhere.
type VersionRecord struct {
	Component string `json:"component"`
	Kind      string `json:"kind"`             // of a component that is not known here
	Number    int    `json:"version,omitzero"` // there; kept here when it is the next one
	Label     string `json:"label,omitempty"`
	Note      string `json:"note,omitempty"`
	Files     []File `json:"files"`
	Author    string `json:"author"`
	At        Time   `json:"at"`
	Commit    Commit `json:"commit,omitempty"` // whose tree holds the files
}

// ReleaseRecord is a release that was made elsewhere.
type ReleaseRecord struct {
	Environment string `json:"environment"`
	// Settings are those of the environment there. When they are given they hold here
	// too; an environment that is not known here is made with them.
	Settings *EnvironmentRecord `json:"settings,omitempty"`
	Commit   Commit             `json:"commit,omitempty"` // which release it is; one that is known is not recorded again
	Actor    string             `json:"actor"`
	Action   Action             `json:"action"`
	At       Time               `json:"at,omitzero"` // there; absent is now
	Cause    string             `json:"cause,omitempty"`
	Source   string             `json:"source,omitempty"`
	Reason   string             `json:"reason,omitempty"`
	Ticket   string             `json:"ticket,omitempty"`
	Root     Digest             `json:"root,omitempty"` // there, to be compared
	Slots    []SlotRecord       `json:"slots"`
	// Ask asks the policy of the environment, as for a deploy.
	Ask bool `json:"ask,omitempty"`
	// ExpectedRelease is the number of the release that must be the last one here.
	ExpectedRelease *int64 `json:"expected_release,omitempty"`
}

// EnvironmentRecord is how an environment is set up elsewhere.
type EnvironmentRecord struct {
	Alias        string   `json:"alias,omitempty"`
	Parent       string   `json:"parent,omitempty"`
	Tracks       string   `json:"tracks,omitempty"`
	PromotesFrom []string `json:"promotes_from,omitempty"`
}

// SlotRecord is a slot as a release elsewhere left it. Numbers of versions are
// those of elsewhere: what is meant is found by label and digest.
type SlotRecord struct {
	Slot   Slot   `json:"slot"`
	Value  Value  `json:"value,omitzero"` // absent when the slot was emptied
	Under  Value  `json:"under,omitzero"` // what a rollback uncovers
	Origin string `json:"origin,omitempty"`
	Pinned bool   `json:"pinned,omitempty"`
}

// Recorded is what became of one record.
type Recorded struct {
	Version *Version `json:"version,omitempty"` // without its files
	Release *Release `json:"release,omitempty"`
	Created bool     `json:"created"` // false when it was known
	// RootDiffers says that the release has another root here, since versions have
	// other numbers.
	RootDiffers bool `json:"root_differs,omitempty"`
}

// RecordReport has one item for each record, in their order.
type RecordReport struct {
	Recorded []Recorded `json:"recorded"`
	DryRun   bool       `json:"dry_run,omitempty"`
}

// CheckRecord checks a record by itself.
func CheckRecord(r Record) error {
	switch {
	case (r.Version == nil) == (r.Release == nil):
		return Errorf(Invalid, "a record is a version or a release").Fix("give one of the two")
	case r.Version != nil:
		return CheckCommit(r.Version.Commit)
	}
	rel := r.Release
	if !slices.Contains(actions, rel.Action) {
		return Errorf(Invalid, "action %q is not known", clip(string(rel.Action))).Fix("use one of %v", actions)
	}
	for what, text := range map[string]string{"actor": rel.Actor, "cause": rel.Cause, "source": rel.Source} {
		if err := CheckText(what, text, MaxTicketBytes); err != nil {
			return err
		}
	}
	if rel.Actor == "" {
		return Errorf(Invalid, "the release of %s has no actor", clip(rel.Environment)).Fix("say who made it")
	}
	if len(rel.Slots) > MaxChanges {
		return Errorf(LimitExceeded, "%d slots in one release; the limit is %d", len(rel.Slots), MaxChanges)
	}
	seen := map[Slot]bool{}
	for _, s := range rel.Slots {
		if err := s.check(); err != nil {
			return err
		}
		if seen[s.Slot] {
			return Errorf(Invalid, "%s is named twice in one release", s.Slot.Name())
		}
		seen[s.Slot] = true
	}
	return (Change{Reason: rel.Reason, Ticket: rel.Ticket}).Check()
}

var actions = []Action{
	ActionDeploy, ActionPromote, ActionRollback, ActionRestore, ActionUnset, ActionConfigure, ActionTrack, ActionInherited, ActionReparent,
	ActionCreate, ActionDelete,
}

// check checks that the slot is one, and that its values are of its sort.
func (s SlotRecord) check() error {
	if _, err := ParseSlot(string(s.Slot)); err != nil {
		return err
	}
	for _, v := range []Value{s.Value, s.Under} {
		again, err := DecodeValue(v.Encode())
		variable := s.Slot.Component() == ""
		if err != nil || !again.Equal(v) || variable && v.Version > 0 || !variable && v.Sealed != (Sealed{}) {
			return Errorf(Invalid, "%s cannot hold %q", s.Slot.Name(), clip(v.Encode()))
		}
	}
	if len(s.Under.Split) > 0 || s.Under.None {
		return Errorf(Invalid, "what lies under %s is not settled", s.Slot.Name())
	}
	return nil
}

// Record puts slots as a release elsewhere left them. What shares its history is
// left alone: its own releases say what it inherited. The environment gets a
// release even when nothing differs, since the one elsewhere is there.
func (p *Plan) Record(env Environment, slots []SlotRecord, shared map[string]bool, ask bool) error {
	p.apart = shared
	p.steps[env.Name] = &Step{Environment: env, always: true, next: map[Slot]Setting{}, from: map[Slot]Setting{}}
	p.order = append(p.order, env.Name)
	for _, s := range slots {
		cur, err := p.current(env.Name, s.Slot)
		if err != nil {
			return err
		}
		if ask && s.Value.Live() && s.Slot.Component() != "" {
			if err := p.admit(env, s.Slot, s.Value); err != nil {
				return err
			}
		}
		next := Setting{Slot: s.Slot, Value: s.Value, Origin: s.Origin}
		if next.Under, err = p.lower(env, cur, s); err != nil {
			return err
		}
		if s.Pinned {
			if next.PinnedBy = env.Next(); cur.PinnedBy > 0 && cur.Value.Equal(s.Value) {
				next.PinnedBy = cur.PinnedBy
			}
		}
		if err := p.put(env, next, true); err != nil {
			return err
		}
	}
	return nil
}

// lower finds the release since which the value was live that lies under a
// recorded one: the current value, what lies under that, or else the last time
// that it was live.
func (p *Plan) lower(env Environment, cur Setting, s SlotRecord) (int64, error) {
	if s.Under.IsZero() {
		return 0, nil
	}
	if cur.Value.Equal(s.Under) && !cur.Value.Equal(s.Value) {
		return cur.Since, nil
	}
	below, found, err := p.walk(env, cur, func(b Setting) (bool, error) { return b.Value.Equal(s.Under), nil })
	if err != nil || found || s.Under.Version == 0 {
		return below.Since, err
	}
	below, err = p.past.LastWith(env.Name, s.Slot, s.Under.Version)
	return below.Since, err
}
