package sluice

import "fmt"

// Action says which deed made a release.
type Action string

// The actions.
const (
	ActionDeploy    Action = "deploy"
	ActionPromote   Action = "promote"
	ActionRollback  Action = "rollback"
	ActionRestore   Action = "restore"
	ActionUnset     Action = "unset"
	ActionConfigure Action = "configure" // variables alone
	ActionTrack     Action = "track"     // an environment followed a publish
	ActionInherited Action = "inherited" // a parent changed
	ActionReparent  Action = "reparent"  // the environment got another parent
	ActionCreate    Action = "create"    // a new environment inherited what its parent held
	ActionDelete    Action = "delete"    // the environment ended
)

// Release is one atomic change of one environment.
type Release struct {
	Environment string `json:"environment"`
	Number      int64  `json:"release"`
	Epoch       int64  `json:"epoch"` // its place in the ledger
	At          Time   `json:"at"`
	SourceAt    Time   `json:"source_at,omitzero"` // when it happened elsewhere, as an import says
	RecordedAt  Time   `json:"recorded_at"`
	Action      Action `json:"action"`
	Actor       string `json:"actor"`
	Cause       string `json:"cause,omitempty"`  // the release or version that made this one follow
	Source      string `json:"source,omitempty"` // the release whose values were taken
	Reason      string `json:"reason,omitempty"`
	Ticket      string `json:"ticket,omitempty"`
	Root        Digest `json:"root"`
	// Commit is the Git commit that the release was read from. One that was made here
	// has none.
	Commit Commit `json:"commit,omitempty"`
	// Changes are sorted by slot.
	Changes []SlotChange `json:"changes"`
}

// Ref is the release as it is named: production#42.
func (r Release) Ref() string { return fmt.Sprintf("%s#%d", r.Environment, r.Number) }

// SlotChange is one slot before and after a release. Absent values are left out.
type SlotChange struct {
	Slot Slot  `json:"slot"`
	From Value `json:"from,omitzero"`
	To   Value `json:"to,omitzero"`
	// Origin is the environment that the new value is inherited from, "" when it
	// is the environment's own.
	Origin string `json:"origin,omitempty"`
	// Under is the release since which the value was live that a rollback of this
	// slot uncovers, 0 when there is none. It always names a settled version.
	Under int64 `json:"under,omitempty"`
	// PinnedBy is the release that froze the value here although the parent holds
	// another, 0 when none did.
	PinnedBy int64 `json:"pinned_by,omitempty"`
	// Ends is the release that began the setting which this change ends, 0 when the
	// slot was never set. Only who appends the release knows it.
	Ends int64 `json:"-"`
}

// Change is what every change may carry.
type Change struct {
	Reason string `json:"reason,omitempty"`
	Ticket string `json:"ticket,omitempty"`
	// DryRun answers as if it were done and changes nothing.
	DryRun bool `json:"dry_run,omitempty"`
	// IdempotencyKey makes a retry of the same request return the first answer.
	IdempotencyKey string `json:"-"`
}

// Check checks the texts that every change may carry.
func (c Change) Check() error {
	if err := CheckText("reason", c.Reason, MaxNoteBytes); err != nil {
		return err
	}
	if err := CheckText("ticket", c.Ticket, MaxTicketBytes); err != nil {
		return err
	}
	return CheckText("idempotency key", c.IdempotencyKey, MaxKeyBytes)
}

// Whether a change may create the environment that it names.
const (
	CreateMissing = "missing" // yes, unless its name looks like a slip for an existing one
	CreateAlways  = "always"  // yes
)

// ChangeRequest asks for one change of a change set: of a component a version or
// a split, of a variable a value, of either an unset or a hide.
type ChangeRequest struct {
	// Component is what changes, or with Variable, whose overlay it is in.
	Component string         `json:"component,omitempty"`
	Version   string         `json:"version,omitempty"` // as [ParseVersionRef] reads it
	Split     []ShareRequest `json:"split,omitempty"`
	Variable  string         `json:"variable,omitempty"` // its key
	Value     *string        `json:"value,omitempty"`
	// Secret says whether the value is one; when it is not given the key stays what
	// it was, and a new one is judged by its look.
	Secret *bool  `json:"secret,omitempty"`
	Unset  bool   `json:"unset,omitempty"`  // take the environment's own value away
	Hide   bool   `json:"hide,omitempty"`   // hide what the parent holds, or from a component what all get
	Expect string `json:"expect,omitempty"` // the version that must be live now, a variable's fingerprint, or "none"
}

// ShareRequest asks for one share of a split.
type ShareRequest struct {
	Version string `json:"version"`
	Weight  Weight `json:"weight"` // in steps of 0.01 %
}

// DeployRequest is one atomic change set of one environment.
type DeployRequest struct {
	Environment     string          `json:"-"`
	Changes         []ChangeRequest `json:"changes"`
	Create          string          `json:"create,omitempty"` // "", "missing" or "always"
	ExpectedRelease *int64          `json:"expected_release,omitempty"`
	Author          string          `json:"author,omitempty"` // importers only
	At              Time            `json:"at,omitzero"`      // importers only
	Change
}

// PromoteRequest copies what is live in one environment to another.
type PromoteRequest struct {
	Environment string   `json:"-"`                    // the target
	From        string   `json:"from"`                 // an environment, a release or a time
	Components  []string `json:"components,omitempty"` // empty: all
	Except      []string `json:"except,omitempty"`
	// WithConfig are variables to copy too, as KEY or KEY@COMPONENT. Secrets need the
	// reveal permission in the environment that they are from.
	WithConfig      []string `json:"with_config,omitempty"`
	Expect          string   `json:"expect,omitempty"` // with one component: the version live in the target now
	ExpectedRelease *int64   `json:"expected_release,omitempty"`
	Change
}

// RollbackRequest goes back: components to their previous or to a named
// version, or a whole environment to a release or a time, or one release alone.
type RollbackRequest struct {
	Environment string   `json:"-"`
	Components  []string `json:"components,omitempty"` // empty: the whole environment
	Except      []string `json:"except,omitempty"`
	// To is "" or "0" for what a rollback uncovers, a version, or production#41 or
	// production@TIME. A whole environment needs one of the last two.
	To string `json:"to,omitempty"`
	// Release reverts only the slots that this release changed and that still hold
	// its values.
	Release int64 `json:"release,omitempty"`
	// WithConfig takes the overlays of the named components back too.
	WithConfig bool `json:"with_config,omitempty"`
	// Secrets says what becomes of secrets: current (the default), exact or stub.
	Secrets    SecretPolicy `json:"secrets,omitempty"`
	Further    bool         `json:"further,omitempty"`    // go on although another person just rolled back
	Quarantine bool         `json:"quarantine,omitempty"` // keep what is rolled back from coming back
	Expect     string       `json:"expect,omitempty"`     // with one component
	// AllowEmpty takes away what is live when To is a time before the first release.
	AllowEmpty      bool   `json:"allow_empty,omitempty"`
	ExpectedRelease *int64 `json:"expected_release,omitempty"`
	Change
}

// RestoreRequest makes one environment hold what another (or itself) held.
type RestoreRequest struct {
	Environment string   `json:"-"`                    // the target
	From        string   `json:"from"`                 // production@TIME, production#41 or production
	Components  []string `json:"components,omitempty"` // empty: all, and the variables
	Except      []string `json:"except,omitempty"`
	// Secrets says what becomes of secrets: current (the default), exact or stub.
	Secrets         SecretPolicy `json:"secrets,omitempty"`
	Create          string       `json:"create,omitempty"`
	ExpectedRelease *int64       `json:"expected_release,omitempty"`
	// AllowEmpty takes away what is live when From is a time before the first release.
	AllowEmpty bool `json:"allow_empty,omitempty"`
	Change
}

// Outcome is the answer to a change of what is live.
type Outcome struct {
	Environment string `json:"environment"`
	// Release is left out when the change had no effect.
	Release   *Release  `json:"release,omitempty"`
	Inherited []Release `json:"inherited,omitempty"` // what followed in other environments
	Created   bool      `json:"created,omitempty"`   // the environment is new
	// NeverLive are components of a rollback that went to a version which was
	// never live here: those were deployed, and policy was asked.
	NeverLive []string `json:"never_live,omitempty"`
	// Kept are slots that were named or meant, and left as they are.
	Kept []Kept `json:"kept,omitempty"`
	// Stubbed are secrets that have no value now.
	Stubbed []Kept `json:"stubbed,omitempty"`
	// Warnings are what the change leaves amiss.
	Warnings []Advice `json:"warnings,omitempty"`
	// Quarantined are the versions that may not come back.
	Quarantined []string `json:"quarantined,omitempty"`
	// Unchecked are the versions which the change brought that are marked. A rollback
	// tells of marks that are known, and has nothing read.
	Unchecked []Marked `json:"unchecked,omitempty"`
	// Undo takes the change back.
	Undo     *Advice `json:"undo,omitempty"`
	DryRun   bool    `json:"dry_run,omitempty"`
	Replayed bool    `json:"replayed,omitempty"` // the stored answer of an earlier try
}

// Kept is a slot that a change left as it is.
type Kept struct {
	Slot   Slot   `json:"slot"`
	Reason Advice `json:"reason"`
}

// ReleaseQuery selects releases, newest first.
type ReleaseQuery struct {
	Environment string // empty: all
	Component   string // only releases that changed it, with only that change
	Since       Time
	Until       Time
	Paging
}
