package sluice

import "regexp"

// Limits of one [RecordRequest], so that no other change waits for long.
const (
	MaxRecords     = 500
	MaxRecordSlots = 50_000  // of all its releases
	MaxRecordBytes = 8 << 20 // of the files of all its versions
)

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
	Records []Record `json:"records"` // in their order, within the limits
	Change
}

// Record is one thing that happened elsewhere: a version or a release.
type Record struct {
	Version *VersionRecord `json:"version,omitempty"`
	Release *ReleaseRecord `json:"release,omitempty"`
}

// VersionRecord is a version that was published elsewhere. It is known here when its
// label is, or without a label when its content is without one.
type VersionRecord struct {
	Component string `json:"component"`
	Kind      string `json:"kind"`             // of a component that is not known here
	Number    int    `json:"version,omitzero"` // there; kept here when it is the next one
	Label     string `json:"label,omitempty"`
	Note      string `json:"note,omitempty"`
	Files     []File `json:"files"`
	Author    string `json:"author"`
	At        Time   `json:"at"`               // there; a time that is yet to come is now
	Commit    Commit `json:"commit,omitempty"` // whose tree holds the files
	// Unchecked says that it was marked there. Here the content is read, and marked by
	// what is found; the mark of elsewhere counts where that is not possible.
	Unchecked bool `json:"unchecked,omitempty"`
}

// ReleaseRecord is a release that was made elsewhere. One with [ActionDelete] ends
// the environment here too, unless another here needs it.
type ReleaseRecord struct {
	Environment string `json:"environment"`
	// Settings are those of the environment there. When they are given they hold here
	// too; an environment that is not known here is made with them, and so is what they
	// name, without anything in it. The policy of one that is asked stays its own.
	Settings *EnvironmentRecord `json:"settings,omitempty"`
	Commit   Commit             `json:"commit,omitempty"` // which release it is; one that is known is not recorded again
	Actor    string             `json:"actor"`
	Action   Action             `json:"action"`
	At       Time               `json:"at,omitzero"` // there; absent is now, and what cannot be is noted as SourceAt
	Cause    string             `json:"cause,omitempty"`
	Source   string             `json:"source,omitempty"`
	Reason   string             `json:"reason,omitempty"`
	Ticket   string             `json:"ticket,omitempty"`
	Root     Digest             `json:"root,omitempty"` // there, to be compared
	Slots    []SlotRecord       `json:"slots"`
	// Apart are environments whose own releases after this one say what they inherited
	// of it, also through others. What others inherit is worked out here.
	Apart []string `json:"apart,omitempty"`
	// Ask asks the policy of the environment, as the action would here.
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
	Slot  Slot  `json:"slot"`
	Value Value `json:"value,omitzero"` // absent when the slot was emptied
	Under Value `json:"under,omitzero"` // what a rollback uncovers
	// UnderSince is the time, there, of the release since which what lies under was
	// live. It tells two times of the same version apart; without it, the time that the
	// action leads to is taken.
	UnderSince Time   `json:"under_since,omitzero"`
	Origin     string `json:"origin,omitempty"`
	Pinned     bool   `json:"pinned,omitempty"`
}

// Recorded is what became of one record.
type Recorded struct {
	Version *Version `json:"version,omitempty"` // without its files
	Release *Release `json:"release,omitempty"`
	Created bool     `json:"created"` // false when it was known
	// RootDiffers says that the release has another root here, since versions have
	// other numbers, or secrets became stubs.
	RootDiffers bool `json:"root_differs,omitempty"`
	// Stubbed are secrets of this installation that the release would have brought to
	// where they were not, which a record cannot.
	Stubbed []Kept `json:"stubbed,omitempty"`
}

// RecordReport has one item for each record, in their order.
type RecordReport struct {
	Recorded []Recorded `json:"recorded"`
	DryRun   bool       `json:"dry_run,omitempty"`
}
