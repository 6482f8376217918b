package sluice

import "context"

// GitService is how a server follows a Git repository, and writes its releases to
// one. A server that does neither answers NotFound.
type GitService interface {
	// GitStatus tells how the server and the repositories stand to each other.
	GitStatus(context.Context) (GitStatus, error)
	// SyncGit looks at the repositories at once, for administrators. Conflict, with
	// what to ask for, when both sides released apart and the request does not say what
	// to do.
	SyncGit(context.Context, SyncGitRequest) (GitStatus, error)
}

// SyncGitRequest says how a look treats releases of one environment that were made
// apart.
type SyncGitRequest struct {
	Rebase bool `json:"rebase,omitempty"` // append what was released here after what others released
	Theirs bool `json:"theirs,omitempty"` // let what others released stand
}

// Check checks that the request asks for one thing.
func (r SyncGitRequest) Check() error {
	if r.Rebase && r.Theirs {
		return Errorf(Invalid, "rebase and theirs exclude each other").Fix("ask for one of them")
	}
	return nil
}

// GitStatus is how a server and the repositories stand to each other.
type GitStatus struct {
	Follows   string `json:"follows,omitempty"` // address, without credentials
	Mirrors   string `json:"mirrors,omitempty"` // the same
	LastFetch Time   `json:"last_fetch,omitzero"`
	LastPush  Time   `json:"last_push,omitzero"`
	// Error is why the last look or push failed, "" when it did not; Since is when that
	// began.
	Error string   `json:"error,omitempty"`
	Fixes []Advice `json:"fixes,omitempty"`
	Since Time     `json:"error_since,omitzero"`
	// Stopped says that nothing is written to the mirror until an administrator has
	// said what is to become of releases that were made apart.
	Stopped      bool             `json:"stopped,omitempty"`
	Environments []GitEnvironment `json:"environments"`
	Refused      []GitResult      `json:"refused"` // refs that were not taken in, by name
}

// GitEnvironment is the history of one environment in a repository.
type GitEnvironment struct {
	Environment string `json:"environment"`       // as it is shown
	Release     string `json:"release,omitempty"` // the last one here
	Commit      Commit `json:"commit,omitempty"`  // of that one
	Remote      Commit `json:"remote,omitempty"`  // where the repository is
	Ahead       int    `json:"ahead,omitempty"`   // releases that the repository lacks
	Behind      int    `json:"behind,omitempty"`  // releases of the repository that are not here
}

// GitState is what became of a ref, in the words of Git hosts.
type GitState string

// The states of a ref.
const (
	GitSuccess GitState = "success"
	GitFailure GitState = "failure"
)

// GitResult is what became of one ref that was pushed.
type GitResult struct {
	Ref         string   `json:"ref"`
	State       GitState `json:"state"`
	Environment string   `json:"environment,omitempty"`
	Component   string   `json:"component,omitempty"`
	Release     string   `json:"release,omitempty"` // that it became, or that has it
	Description string   `json:"description"`
	Fixes       []Advice `json:"fixes,omitempty"`
	Commit      Commit   `json:"commit,omitempty"` // that it points at
	Actor       string   `json:"actor,omitempty"`  // who moved it
}
