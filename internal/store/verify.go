package store

import (
	"encoding/json"

	"github.com/sluice-dev/sluice"
)

// The reads of this file give what stands in the tables, as it stands there: a
// check must not read through anything that would correct or reject it. They
// page or stream, so that none holds a table in memory.

// StoredEntry is a ledger entry with the leaf that was stored beside it.
type StoredEntry struct {
	sluice.Entry
	Leaf []byte
}

// StoredEntries are the entries after a sequence, oldest first.
func (tx *Tx) StoredEntries(after int64, limit int) ([]StoredEntry, error) {
	return all(tx, func(s scanner) (StoredEntry, error) {
		var e StoredEntry
		var payload string
		err := s.Scan(&e.Seq, &e.RecordedAt, &e.Actor, &e.Kind, &e.Subject, &payload, &e.Leaf)
		e.Payload = json.RawMessage(payload)
		return e, err
	}, "SELECT "+entryColumns+", leaf FROM ledger WHERE org = $1 AND seq > $2 ORDER BY seq LIMIT $3", tx.org, after, limit)
}

// StoredHash is one hash of the ledger's tree.
type StoredHash struct {
	Position int64
	Hash     []byte
}

// StoredHashes are the hashes of the tree after a position.
func (tx *Tx) StoredHashes(after int64, limit int) ([]StoredHash, error) {
	return all(tx, func(s scanner) (StoredHash, error) {
		var h StoredHash
		err := s.Scan(&h.Position, &h.Hash)
		return h, err
	}, "SELECT position, hash FROM tree WHERE org = $1 AND position > $2 ORDER BY position LIMIT $3", tx.org, after, limit)
}

// ReleaseRow is a row of the releases.
type ReleaseRow struct {
	Environment                                  string
	Number, Seq                                  int64
	At, SourceAt, RecordedAt                     sluice.Time
	Actor, Action, Cause, Source, Reason, Ticket string
	Root                                         sluice.Digest
	Commit                                       sluice.Commit
}

// ReleaseRows are the rows after a ledger sequence, of all environments.
func (tx *Tx) ReleaseRows(after int64, limit int) ([]ReleaseRow, error) {
	return all(tx, func(s scanner) (ReleaseRow, error) {
		var r ReleaseRow
		err := s.Scan(&r.Environment, &r.Number, &r.Seq, &r.At, &r.SourceAt, &r.RecordedAt, &r.Actor, &r.Action, &r.Cause, &r.Source, &r.Reason, &r.Ticket, &r.Root, &r.Commit)
		return r, err
	}, `SELECT environment, number, seq, at, source_at, recorded_at, actor, action, cause, source, reason, ticket, root, source_commit
		FROM releases WHERE org = $1 AND seq > $2 ORDER BY seq LIMIT $3`, tx.org, after, limit)
}

// SlotRow is a row of the slots: one value over an interval of releases.
type SlotRow struct {
	Environment string
	Slot        sluice.Slot
	Since       int64
	Seq         int64
	Until       int64
	Value       string
	Version     int64
	Under       int64
	Origin      string
	PinnedBy    int64
}

const slotRows = "SELECT environment, slot, since, seq, until, value, version, under, origin, pinned_by FROM slots WHERE org = $1"

func scanSlotRow(s scanner) (SlotRow, error) {
	var r SlotRow
	err := s.Scan(&r.Environment, &r.Slot, &r.Since, &r.Seq, &r.Until, &r.Value, &r.Version, &r.Under, &r.Origin, &r.PinnedBy)
	return r, err
}

// EachSlotRow streams all rows by environment, slot and release. Fn must not
// read from the transaction.
func (tx *Tx) EachSlotRow(fn func(SlotRow) error) error {
	return each(tx, scanSlotRow, fn, slotRows+" ORDER BY environment, slot, since", tx.org)
}

// SlotRows are the rows of one slot, oldest first.
func (tx *Tx) SlotRows(environment string, slot sluice.Slot) ([]SlotRow, error) {
	return all(tx, scanSlotRow, slotRows+" AND environment = $2 AND slot = $3 ORDER BY since", tx.org, environment, string(slot))
}

// VersionRow is a row of the versions.
type VersionRow struct {
	Component         string
	Number            int64
	Label, Name, Note string
	Digest            sluice.Digest
	Size              int64
	Author            string
	At, RecordedAt    sluice.Time
	Purged            int64
	Requires          string // separated by blanks
	Pins              string // as JSON, or empty
	Commit            sluice.Commit
	ReadAs            string
	Unchecked         string // as JSON, or empty
}

// EachVersionRow streams all rows by component and number.
func (tx *Tx) EachVersionRow(fn func(VersionRow) error) error {
	return each(tx, func(s scanner) (VersionRow, error) {
		var v VersionRow
		err := s.Scan(&v.Component, &v.Number, &v.Label, &v.Name, &v.Note, &v.Digest, &v.Size, &v.Author, &v.At, &v.RecordedAt, &v.Purged, &v.Requires, &v.Pins, &v.Commit, &v.ReadAs, &v.Unchecked)
		return v, err
	}, fn, `SELECT component, number, label, name, note, digest, size, author, at, recorded_at, purged, requires, pins, source_commit, read_as, unchecked
		FROM versions WHERE org = $1 ORDER BY component, number`, tx.org)
}

// FileRow is a row of the versions' files.
type FileRow struct {
	Content sluice.Digest // of the version
	sluice.FileInfo
}

const fileRows = "SELECT digest, path, blob, size FROM version_files"

func scanFileRow(s scanner) (FileRow, error) {
	var f FileRow
	err := s.Scan(&f.Content, &f.Path, &f.Digest, &f.Size)
	return f, err
}

// EachFileRow streams all rows by content and path.
func (tx *Tx) EachFileRow(fn func(FileRow) error) error {
	return each(tx, scanFileRow, fn, fileRows+" WHERE org = $1 ORDER BY digest, path", tx.org)
}

// EachBlob streams the content of all files by digest.
func (tx *Tx) EachBlob(fn func(digest sluice.Digest, content []byte) error) error {
	type blob struct {
		digest  sluice.Digest
		content []byte
	}
	return each(tx, func(s scanner) (blob, error) {
		var b blob
		err := s.Scan(&b.digest, &b.content)
		return b, err
	}, func(b blob) error { return fn(b.digest, b.content) }, "SELECT digest, bytes FROM blobs WHERE org = $1 ORDER BY digest", tx.org)
}

// MissingBlob is a file of a version that was not purged, whose content is not
// there. It is not found when there is none.
func (tx *Tx) MissingBlob() (FileRow, bool, error) {
	return first(tx, scanFileRow, fileRows+` f WHERE org = $1
		AND NOT EXISTS (SELECT 1 FROM blobs b WHERE b.org = f.org AND b.digest = f.blob)
		AND digest IN (SELECT v.digest FROM versions v WHERE v.org = $2 AND v.purged = 0)
		ORDER BY digest, path LIMIT 1`, tx.org, tx.org)
}

// StrayBlob is content that no version which still has its bytes consists of;
// "" when there is none.
func (tx *Tx) StrayBlob() (sluice.Digest, error) {
	d, _, err := first(tx, plain[sluice.Digest], `SELECT b.digest FROM blobs b WHERE b.org = $1
		AND NOT EXISTS (SELECT 1 FROM version_files f WHERE f.org = b.org AND f.blob = b.digest
			AND f.digest IN (SELECT v.digest FROM versions v WHERE v.org = $2 AND v.purged = 0))
		ORDER BY b.digest LIMIT 1`, tx.org, tx.org)
	return d, err
}

// QuarantineRow is a row of the quarantines.
type QuarantineRow struct {
	Component string
	Digest    sluice.Digest
	sluice.Quarantine
}

// QuarantineRows are all quarantines by component and digest.
func (tx *Tx) QuarantineRows() ([]QuarantineRow, error) {
	return all(tx, func(s scanner) (QuarantineRow, error) {
		var q QuarantineRow
		err := s.Scan(&q.Component, &q.Digest, &q.Reason, &q.By, &q.At)
		return q, err
	}, "SELECT component, digest, reason, actor, at FROM quarantines WHERE org = $1 ORDER BY component, digest", tx.org)
}

// AllComponents are all components, archived ones too, by name.
func (tx *Tx) AllComponents() ([]sluice.Component, error) {
	return all(tx, scanComponent, "SELECT "+componentColumns+" FROM components WHERE org = $1 ORDER BY name", tx.org)
}

// Misfiled is a component or an environment that is not found under its name; ""
// when there is none.
func (tx *Tx) Misfiled() (string, error) {
	name, _, err := first(tx, plain[string], `SELECT name FROM components WHERE org = $1 AND fold <> lower(name)
		UNION ALL SELECT name FROM environments WHERE org = $2 AND fold <> lower(name) LIMIT 1`, tx.org, tx.org)
	return name, err
}

// each reads every row without keeping it.
func each[T any](tx *Tx, scan func(scanner) (T, error), fn func(T) error, query string, args ...any) error {
	rows, err := tx.query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return tx.unreadable(query, err)
		}
		if err := fn(v); err != nil {
			return err
		}
	}
	return rows.Err()
}
