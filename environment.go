package sluice

import "slices"

// Base is the root environment of each organization; it holds what all share.
const Base = "base"

// TracksLatest makes an environment follow every publish.
const TracksLatest = "latest"

// How many days the records of runs are kept.
const (
	DefaultKeepRuns = 90
	MaxKeepRuns     = 36_500
)

// Environment is a named sequence of releases. It inherits from its parent what
// it does not hold itself.
type Environment struct {
	Name   string `json:"name"`
	Alias  string `json:"alias,omitempty"`
	Parent string `json:"parent,omitempty"` // "" for base alone
	Tracks string `json:"tracks,omitempty"` // "" or "latest"
	// PromotesFrom are the environments in which a version must have been live
	// before it may be deployed or promoted here. Empty lets every version in.
	PromotesFrom []string `json:"promotes_from,omitempty"`
	// KeepRuns is how many days the records of runs are kept, 0 for [DefaultKeepRuns].
	KeepRuns  int  `json:"keep_runs,omitempty"`
	Position  int  `json:"position"` // order in lists
	CreatedAt Time `json:"created_at"`
	Deleted   bool `json:"deleted,omitempty"`

	// Release is the number of the last release, 0 before the first.
	Release int64  `json:"release"`
	Epoch   int64  `json:"epoch"` // ledger sequence of that release
	At      Time   `json:"at,omitzero"`
	Root    Digest `json:"root"`
	// Lived is set once a release happened here at its own time, as opposed to
	// one that an import dated back; from then on the past is closed.
	Lived bool `json:"-"`
}

// Display is the alias, else the name: for people and for other systems.
func (e Environment) Display() string {
	if e.Alias != "" {
		return e.Alias
	}
	return e.Name
}

// Next is the number of the next release.
func (e Environment) Next() int64 { return e.Release + 1 }

// DefaultEnvironments are what each organization starts with.
func DefaultEnvironments() []Environment {
	return []Environment{
		{Name: Base},
		{Name: "development", Alias: "dev", Parent: Base, Tracks: TracksLatest, Position: 1},
		{Name: "staging", Alias: "stage", Parent: Base, Position: 2},
		{Name: "production", Alias: "prod", Parent: Base, Position: 3},
	}
}

// CreateEnvironmentRequest makes an environment, or brings a deleted one back.
type CreateEnvironmentRequest struct {
	Name         string   `json:"name"`
	Alias        string   `json:"alias,omitempty"`
	Parent       string   `json:"parent,omitempty"` // defaults to base
	Tracks       string   `json:"tracks,omitempty"`
	PromotesFrom []string `json:"promotes_from,omitempty"`
	KeepRuns     int      `json:"keep_runs,omitempty"` // days
	Change
}

// EditEnvironmentRequest changes what is set and leaves the rest.
type EditEnvironmentRequest struct {
	Name         string    `json:"-"`
	Alias        *string   `json:"alias,omitempty"`
	Parent       *string   `json:"parent,omitempty"`
	Tracks       *string   `json:"tracks,omitempty"`
	PromotesFrom *[]string `json:"promotes_from,omitempty"`
	KeepRuns     *int      `json:"keep_runs,omitempty"` // days; 0 for the default
	Change
}

// DeleteEnvironmentRequest ends an environment. Its history stays readable.
type DeleteEnvironmentRequest struct {
	Name string `json:"-"`
	Change
}

// EnvironmentChange is the answer to a change of an environment: how it is now,
// and the releases that the change made.
type EnvironmentChange struct {
	Environment Environment `json:"environment"`
	Releases    []Release   `json:"releases"`
	Changed     bool        `json:"changed"`
	DryRun      bool        `json:"dry_run,omitempty"`
}

// CheckEnvironment checks the settings of an environment by themselves.
func CheckEnvironment(e Environment) error {
	if err := CheckWord("environment", e.Name); err != nil {
		return err
	}
	if e.Alias != "" {
		if err := CheckWord("alias", e.Alias); err != nil {
			return err
		}
	}
	if e.Tracks != "" && e.Tracks != TracksLatest {
		return Errorf(Invalid, "environment %s cannot track %q", e.Name, clip(e.Tracks)).Fix(`use "latest", or "none" to stop`)
	}
	if e.KeepRuns < 0 || e.KeepRuns > MaxKeepRuns {
		return Errorf(Invalid, "the records of runs are kept for 1 to %d days, not %d", MaxKeepRuns, e.KeepRuns).Fix("use 0 for the default, %d days", DefaultKeepRuns)
	}
	if e.Name == Base && (e.Parent != "" || e.Tracks != "" || len(e.PromotesFrom) > 0) {
		return Errorf(Invalid, "base has no parent, tracks nothing and promotes from nowhere")
	}
	if e.Name != Base && e.Parent == "" {
		return Errorf(Invalid, "environment %s needs a parent", e.Name).Fix("use base")
	}
	if slices.Contains(e.PromotesFrom, e.Name) {
		return Errorf(Invalid, "environment %s cannot promote from itself", e.Name)
	}
	return nil
}
