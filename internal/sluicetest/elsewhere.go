package sluicetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/sluice-dev/sluice"
)

// History is all that happened in an installation.
type History struct {
	// Records are its versions and releases in their order. Commits are made up from
	// the references of the releases.
	Records []sluice.Record
	// Silent are changes of environments that no release speaks of.
	Silent []Silent
}

// Silent is an environment as a change left it that made no release.
type Silent struct {
	Kind        string // of the ledger's entry
	Environment sluice.Environment
	After       int // how many records come before it
}

// Elsewhere reads what happened in an installation, to be recorded in another one.
func Elsewhere(ctx context.Context, from sluice.Services) (History, error) {
	x := exporting{
		Services: from, ctx: ctx, kinds: map[string]string{}, settings: map[string]*sluice.EnvironmentRecord{},
		values: map[string]sluice.Value{}, times: map[string]sluice.Time{},
	}
	q := sluice.AuditQuery{Ascending: true, Paging: sluice.Paging{Limit: sluice.MaxPage}}
	for {
		page, err := from.Entries(ctx, q)
		if err != nil {
			return x.out, err
		}
		for _, e := range page.Items {
			if err := x.take(e); err != nil {
				return x.out, err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			x.settle()
			return x.out, nil
		}
	}
}

// exporting is the ledger read so far.
type exporting struct {
	sluice.Services
	ctx      context.Context // of this export
	kinds    map[string]string
	settings map[string]*sluice.EnvironmentRecord
	values   map[string]sluice.Value // by slot and the release that set it
	times    map[string]sluice.Time  // of releases
	waiting  *Silent                 // the last entry's, which a release may follow
	ended    string                  // the environment that the last entry emptied
	out      History
}

func (x *exporting) take(e sluice.Entry) error {
	var c sluice.Component
	var v sluice.Version
	var r sluice.Release
	ended := x.ended
	if x.ended = ""; e.Kind != sluice.EntryRelease {
		x.settle()
	}
	switch e.Kind {
	case sluice.EntryComponentAdd, sluice.EntryComponentEdit:
		err := json.Unmarshal(e.Payload, &c)
		x.kinds[c.Name] = c.Kind
		return err
	case sluice.EntryVersionPublish:
		if err := json.Unmarshal(e.Payload, &v); err != nil {
			return err
		}
		return x.version(v)
	case sluice.EntryEnvironmentCreate, sluice.EntryEnvironmentEdit, sluice.EntryEnvironmentDelete:
		silent := &Silent{Kind: e.Kind, After: len(x.out.Records)}
		err := json.Unmarshal(e.Payload, &silent.Environment)
		x.settings[silent.Environment.Name] = SettingsOf(silent.Environment)
		if ended != silent.Environment.Name {
			x.waiting = silent
		}
		return err
	case sluice.EntryRelease:
		if err := json.Unmarshal(e.Payload, &r); err != nil {
			return err
		}
		x.release(r)
	}
	return nil
}

// settle notes the last change of an environment, which no release followed.
func (x *exporting) settle() {
	if x.waiting != nil {
		x.out.Silent, x.waiting = append(x.out.Silent, *x.waiting), nil
	}
}

// SettingsOf are an environment's settings, as a record has them.
func SettingsOf(e sluice.Environment) *sluice.EnvironmentRecord {
	return &sluice.EnvironmentRecord{Alias: e.Alias, Parent: e.Parent, Tracks: e.Tracks, PromotesFrom: e.PromotesFrom}
}

func (x *exporting) version(v sluice.Version) error {
	rec := sluice.VersionRecord{
		Component: v.Component, Kind: x.kinds[v.Component], Number: v.Number, Label: string(v.Label), Note: v.Note,
		Author: v.Author, At: v.At, Commit: CommitOf(v.Component + "@" + strconv.Itoa(v.Number)),
	}
	for _, info := range v.Files {
		f, err := x.File(x.ctx, v.Component, strconv.Itoa(v.Number), info.Path)
		if err != nil {
			return err
		}
		rec.Files = append(rec.Files, f)
	}
	x.out.Records = append(x.out.Records, sluice.Record{Version: &rec})
	return nil
}

func (x *exporting) release(r sluice.Release) {
	if x.waiting != nil && x.waiting.Environment.Name == r.Environment {
		x.waiting = nil
	}
	x.settle()
	if r.Action == sluice.ActionDelete {
		x.ended = r.Environment
	}
	rec := sluice.ReleaseRecord{
		Environment: r.Environment, Settings: x.settings[r.Environment], Commit: CommitOf(r.Ref()), Actor: r.Actor, Action: r.Action, At: r.At,
		Cause: r.Cause, Source: r.Source, Reason: r.Reason, Ticket: r.Ticket, Root: r.Root, Slots: []sluice.SlotRecord{},
	}
	x.times[r.Ref()] = r.At
	for _, ch := range r.Changes {
		x.values[string(ch.Slot)+" "+r.Ref()] = ch.To
		slot := sluice.SlotRecord{Slot: ch.Slot, Value: ch.To, Origin: ch.Origin, Pinned: ch.PinnedBy > 0}
		if ch.Under > 0 {
			under := sluice.Release{Environment: r.Environment, Number: ch.Under}.Ref()
			slot.Under, slot.UnderSince = x.values[string(ch.Slot)+" "+under], x.times[under]
		}
		rec.Slots = append(rec.Slots, slot)
	}
	x.apart(r)
	x.out.Records = append(x.out.Records, sluice.Record{Release: &rec})
}

// apart tells the release that this one follows that it does, and those that follow
// it too, through which it may have come.
func (x *exporting) apart(r sluice.Release) {
	for i := len(x.out.Records) - 1; i >= 0 && r.Action == sluice.ActionInherited; i-- {
		before := x.out.Records[i].Release
		if before == nil {
			continue
		}
		causes := before.Commit == CommitOf(r.Cause)
		if causes || before.Action == sluice.ActionInherited && before.Cause == r.Cause {
			before.Apart = append(before.Apart, r.Environment)
		}
		if causes {
			return
		}
	}
}

// CommitOf makes up the id of a commit.
func CommitOf(of string) sluice.Commit {
	sum := sha256.Sum256([]byte(of))
	return sluice.Commit(hex.EncodeToString(sum[:20]))
}
