package sluice

import (
	"context"
	"iter"
)

// Paging bounds one page of a list. Cursor is what the page before returned.
type Paging struct {
	Limit  int // defaults to DefaultPage, at most MaxPage
	Cursor string
}

// Page is one page of a list. Next is empty on the last one.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// Collect is all that a sequence yields, up to its first error.
func Collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	out := []T{}
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}

// The services are what Sluice does, one interface for each group of nouns.
// Package control implements them over a store, package client over HTTP. Every
// method may fail with Unauthenticated, Denied, TimedOut and Unavailable besides
// what it names, and changes nothing when it fails.

// ComponentService keeps components.
type ComponentService interface {
	// Components lists components by name.
	Components(context.Context, ComponentQuery) (Page[Component], error)
	// Component returns one with its versions. NotFound.
	Component(ctx context.Context, name string) (Component, error)
	// AddComponent makes one. Conflict when the name is taken.
	AddComponent(context.Context, AddComponentRequest) (Component, error)
	// EditComponent changes one. Conflict when it is to be archived and was deployed.
	EditComponent(context.Context, EditComponentRequest) (Component, error)
}

// DraftService keeps the working copy of each component.
type DraftService interface {
	// Draft returns a component's draft. NotFound.
	Draft(ctx context.Context, component string) (Draft, error)
	// SaveDraft replaces it. Conflict when it is not the expected one.
	SaveDraft(context.Context, SaveDraftRequest) (Draft, error)
	// DiscardDraft removes it; without a draft it does nothing.
	DiscardDraft(ctx context.Context, component string) error
	// PublishDraft makes a version of it.
	PublishDraft(context.Context, PublishDraftRequest) (Published, error)
}

// VersionService keeps immutable content.
type VersionService interface {
	// Publish makes a version. Conflict when the label has other content.
	Publish(context.Context, PublishRequest) (Published, error)
	// Versions lists a component's versions, newest first.
	Versions(context.Context, VersionQuery) (Page[Version], error)
	// Version returns one, found by any form of reference. NotFound; Conflict when
	// the reference is ambiguous.
	Version(ctx context.Context, component, ref string) (Version, error)
	// File returns one file of a version. NotFound, also when it was purged.
	File(ctx context.Context, component, ref, path string) (File, error)
	// EditVersion sets a version's name or note.
	EditVersion(context.Context, EditVersionRequest) (Version, error)
	// Quarantine keeps content from going live, or lifts that.
	Quarantine(context.Context, QuarantineRequest) (QuarantineReport, error)
	// Purge removes the bytes of a version. Conflict when it is live.
	Purge(context.Context, PurgeRequest) (Version, error)
}

// EnvironmentService keeps environments.
type EnvironmentService interface {
	// Environments lists all by position, then name.
	Environments(ctx context.Context, deleted bool) ([]Environment, error)
	// Environment returns one by name or alias. NotFound.
	Environment(ctx context.Context, name string) (Environment, error)
	CreateEnvironment(context.Context, CreateEnvironmentRequest) (EnvironmentChange, error)
	EditEnvironment(context.Context, EditEnvironmentRequest) (EnvironmentChange, error)
	DeleteEnvironment(context.Context, DeleteEnvironmentRequest) (EnvironmentChange, error)
}

// ReleaseService changes what is live. Conflict when something is not as
// expected, Refused when a policy or quarantine says no.
type ReleaseService interface {
	Deploy(context.Context, DeployRequest) (Outcome, error)
	Promote(context.Context, PromoteRequest) (Outcome, error)
	Rollback(context.Context, RollbackRequest) (Outcome, error)
	Restore(context.Context, RestoreRequest) (Outcome, error)
	// Releases lists releases, newest first.
	Releases(context.Context, ReleaseQuery) (Page[Release], error)
}

// StateService answers what is or was live.
type StateService interface {
	// State returns the manifest of an environment, now or then.
	State(context.Context, EnvironmentRef) (Manifest, error)
	// Setting returns what one component has there; only Slot is filled in when
	// nothing was ever set. NotFound.
	Setting(ctx context.Context, ref EnvironmentRef, component string) (Setting, error)
	// Resolve returns the version of one component that a key gets.
	Resolve(context.Context, ResolveRequest) (Resolution, error)
	// Diff compares two environments or two versions.
	Diff(context.Context, DiffRequest) (Diff, error)
	// Watch follows one environment: a snapshot unless After can be resumed, then
	// each release, with heartbeats between. It ends with the context.
	Watch(context.Context, WatchRequest) iter.Seq2[Event, error]
}

// VariableService keeps configuration and secrets. Setting and deleting is
// [ReleaseService.Deploy].
type VariableService interface {
	// Variables lists an environment's variables and overlays by slot, now or then.
	Variables(context.Context, VariableQuery) (Page[Variable], error)
	// Variable returns one, as a component gets it when one is named. NotFound;
	// Denied when revealing is asked and not allowed.
	Variable(context.Context, VariableRequest) (Variable, error)
	// Effective returns all that a component gets, with what each hides.
	Effective(context.Context, EffectiveRequest) (EffectiveSet, error)
	// ImportVariables sets many from the text of a dotenv file. Invalid, with line
	// and column, when any line is.
	ImportVariables(context.Context, ImportVariablesRequest) (ImportReport, error)
	// DiffVariables compares two environments.
	DiffVariables(context.Context, DiffVariablesRequest) (VariablesDiff, error)
	// ShredVariable makes past values unrecoverable.
	ShredVariable(context.Context, ShredRequest) (ShredReport, error)
	// RotateKey replaces the key that values are sealed with.
	RotateKey(context.Context, RotateKeyRequest) (KeyReport, error)
}

// RecordService takes in what happened elsewhere.
type RecordService interface {
	// Record records versions and releases as they were made elsewhere. Conflict when
	// a label has other content here, or the environment is not where it is expected.
	Record(context.Context, RecordRequest) (RecordReport, error)
}

// AuditService reads and checks the ledger.
type AuditService interface {
	Entries(context.Context, AuditQuery) (Page[Entry], error)
	Verify(context.Context, VerifyRequest) (VerifyReport, error)
	Checkpoint(context.Context) (Checkpoint, error)
}

// TokenService keeps the keys to the API.
type TokenService interface {
	Tokens(context.Context) ([]Token, error)
	CreateToken(context.Context, CreateTokenRequest) (Token, error)
	RotateToken(context.Context, RotateTokenRequest) (Token, error)
	RevokeToken(context.Context, RevokeTokenRequest) (Token, error)
}

// SystemService tells about the installation.
type SystemService interface {
	Info(context.Context) (Info, error)
}

// Services is all of them: what the command line and a program speak to.
type Services interface {
	ComponentService
	DraftService
	VersionService
	EnvironmentService
	ReleaseService
	StateService
	VariableService
	RunService
	RecordService
	AuditService
	TokenService
	SystemService
}

// ResolveRequest asks for the version of one component in one environment.
type ResolveRequest struct {
	Environment string
	Component   string
	Key         string // sticky key for a split
	Content     bool   // with the files
	AtLeast     int64  // wait until this epoch is applied
}

// Resolution is the version that runs.
type Resolution struct {
	Component   string `json:"component"`
	Environment string `json:"environment"`
	Pin
	Release int64  `json:"release"`
	Epoch   int64  `json:"epoch"`
	Files   []File `json:"files,omitempty"`
}

// WatchRequest asks for the changes of one environment.
type WatchRequest struct {
	Environment string
	After       string // the id of the last event seen, to resume after it
	// Once ends the watch with an error when its stream breaks, instead of taking the
	// stream up again: for callers that have to know at once that nobody is heard.
	Once bool
}

// EventType is the type of a watch event.
type EventType string

// The types of events.
const (
	EventSnapshot  EventType = "snapshot"
	EventRelease   EventType = "release"
	EventHeartbeat EventType = "heartbeat"
)

// Event is one event of a watch; the field that its type names is set.
type Event struct {
	ID        string
	Type      EventType
	Snapshot  *Snapshot
	Release   *Release
	Heartbeat *Heartbeat
}

// Snapshot is a whole manifest. Reset says that the position asked for is not
// in this ledger's past, so whatever the client knew is void.
type Snapshot struct {
	Manifest
	Reset bool `json:"reset,omitempty"`
}

// Heartbeat says where the environment stands, so that a client knows whether
// it missed something.
type Heartbeat struct {
	Epoch   int64  `json:"epoch"`
	Release int64  `json:"release"`
	Root    Digest `json:"root"`
}

// Info describes a running installation.
type Info struct {
	Version            string `json:"version"`
	Engine             string `json:"engine"` // "sqlite" or "postgres"
	Schema             int64  `json:"schema"` // number of the last migration
	Ledger             string `json:"ledger"`
	Organization       string `json:"organization"`
	DefaultEnvironment string `json:"default_environment"`
	Epoch              int64  `json:"epoch"`
	RecordedAt         Time   `json:"recorded_at,omitzero"` // of the last entry
	Now                Time   `json:"now"`                  // by the server's clock
	VerifiedAt         Time   `json:"verified_at,omitzero"` // of the last audit that held
	// Push says how the changes of other nodes arrive: "direct" when there are
	// none, "notify", or "poll" when notifications do not work.
	Push  string `json:"push"`
	Actor Actor  `json:"actor"`
	// MasterKey says where the server looks for the master key, to administrators; ""
	// when no place is set. The key itself is never told, and is in no backup.
	MasterKey string `json:"master_key,omitempty"`
}
