package sluice

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// The kinds of ledger entries. A release's payload is the [Release]; the others
// hold the noun as it is after the change.
const (
	EntryRelease           = "release"
	EntryComponentAdd      = "component.add"
	EntryComponentEdit     = "component.edit"
	EntryVersionPublish    = "version.publish"
	EntryVersionEdit       = "version.edit"
	EntryVersionQuarantine = "version.quarantine"
	EntryVersionLift       = "version.lift"
	EntryVersionPurge      = "version.purge"
	EntryVersionCheck      = "version.check" // content that nobody had read was read
	EntryEnvironmentCreate = "environment.create"
	EntryEnvironmentEdit   = "environment.edit"
	EntryEnvironmentDelete = "environment.delete"
	EntryTrackRefused      = "tracking.refused"
	EntryVariableReveal    = "variable.reveal"
	EntryVariableShred     = "variable.shred"
	EntryKeyRotate         = "key.rotate"
	EntryTokenCreate       = "token.create"
	EntryTokenRotate       = "token.rotate"
	EntryTokenRevoke       = "token.revoke"
	EntryLedgerRestored    = "ledger.restored"
)

// Entry is one record of the append-only, totally ordered list of everything
// that happened in an organization.
type Entry struct {
	Seq        int64           `json:"epoch"`
	RecordedAt Time            `json:"recorded_at"`
	Actor      string          `json:"actor"`
	Kind       string          `json:"kind"`
	Subject    string          `json:"subject"`
	Payload    json.RawMessage `json:"payload"`
}

// LeafBytes are the bytes that the Merkle tree takes for an entry. No field but
// the last may hold a newline.
func (e Entry) LeafBytes(org string) []byte {
	head := fmt.Sprintf("sluice-entry-1\n%s\n%d\n%d\n%s\n%s\n%s\n", org, e.Seq, int64(e.RecordedAt), e.Actor, e.Kind, e.Subject)
	return append([]byte(head), e.Payload...)
}

// Release reads the payload of a release entry.
func (e Entry) Release() (Release, error) {
	var r Release
	if e.Kind != EntryRelease {
		return r, Errorf(Invalid, "ledger entry %d is a %s, not a release", e.Seq, e.Kind)
	}
	if err := json.Unmarshal(e.Payload, &r); err != nil {
		return r, Errorf(Internal, "ledger entry %d cannot be read: %w", e.Seq, err)
	}
	return r, nil
}

// Position is a place in one ledger, as event ids carry it: <ledger id>-<seq>.
// A restored backup is another ledger, so that positions never mix.
type Position struct {
	Ledger string
	Seq    int64
}

// ParsePosition reads an event id; empty is the zero Position.
func ParsePosition(s string) (Position, error) {
	if s == "" {
		return Position{}, nil
	}
	i := strings.LastIndexByte(s, '-')
	if i <= 0 || len(s) > 100 {
		return Position{}, Errorf(Invalid, "event id %q is not <ledger id>-<epoch>", clip(s))
	}
	n, err := strconv.ParseInt(s[i+1:], 10, 64)
	if err != nil || n < 0 {
		return Position{}, Errorf(Invalid, "event id %q has no epoch", clip(s))
	}
	return Position{Ledger: s[:i], Seq: n}, nil
}

// String is the event id.
func (p Position) String() string { return p.Ledger + "-" + strconv.FormatInt(p.Seq, 10) }

// AuditQuery selects ledger entries, newest first unless Ascending.
type AuditQuery struct {
	Kind        string
	Actor       string
	Environment string // entries whose subject is a release of it
	Component   string // entries whose subject is it or one of its versions
	Since       Time
	Until       Time
	// Ascending lists the oldest first. The cursor is then the epoch of the last entry
	// that is known.
	Ascending bool
	Paging
}

// Checkpoint is a signed head of the ledger's tree: a signed note
// (golang.org/x/mod/sumdb/note) whose text is a tree head as in RFC 6962.
type Checkpoint struct {
	Ledger string `json:"ledger"`
	Size   int64  `json:"size"` // entries
	Root   string `json:"root"` // base64, of the Merkle tree
	Key    string `json:"key"`  // the verifier key that checks Note
	Note   string `json:"note"`
	At     Time   `json:"at"`
}

// VerifyRequest asks for a check of the whole ledger.
type VerifyRequest struct {
	// Against is the text of a checkpoint's note, to find truncation and rewriting.
	Against string `json:"against,omitempty"`
	// Key is the verifier key that the note must be signed with; empty takes the
	// ledger's own.
	Key string `json:"key,omitempty"`
}

// VerifyReport says what was checked, and the first thing that does not hold.
type VerifyReport struct {
	Holds    bool   `json:"holds"`
	Problem  string `json:"problem,omitempty"`
	Entries  int64  `json:"entries"`
	Releases int64  `json:"releases"`
	Versions int64  `json:"versions"`
	Blobs    int64  `json:"blobs"`
	Sealed   int64  `json:"sealed"` // values of variables
	// Opened is how many of those were opened and compared with their fingerprints: 0
	// where the master key is not at hand.
	Opened int64  `json:"opened"`
	Size   int64  `json:"size"` // entries in the tree
	Root   string `json:"root"` // base64, of the Merkle tree
}
