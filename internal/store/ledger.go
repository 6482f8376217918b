package store

import (
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sluice-dev/sluice"
)

// Append adds an entry to the ledger and to its tree, in this transaction.
func (tx *Tx) Append(actor, kind, subject string, payload any) (sluice.Entry, error) {
	return tx.AppendWith(actor, kind, subject, func(int64, sluice.Time) any { return payload })
}

// AppendWith is Append for a payload that names its own place and time.
func (tx *Tx) AppendWith(actor, kind, subject string, payload func(seq int64, at sluice.Time) any) (sluice.Entry, error) {
	e := sluice.Entry{Seq: tx.seq + 1, RecordedAt: tx.LedgerTime(), Actor: actor, Kind: kind, Subject: subject}
	body, err := sluice.EncodeJSON(payload(e.Seq, e.RecordedAt))
	if err != nil {
		return e, fmt.Errorf("ledger payload: %w", err)
	}
	e.Payload = body
	leaf := tlog.RecordHash(e.LeafBytes(tx.org))
	_, err = tx.exec("INSERT INTO ledger (org, seq, recorded_at, actor, kind, subject, payload, leaf) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		tx.org, e.Seq, e.RecordedAt, actor, kind, subject, string(body), leaf[:])
	if err != nil {
		return e, err
	}
	if err := tx.grow(e.Seq-1, leaf); err != nil {
		return e, err
	}
	tx.seq, tx.last = e.Seq, e.RecordedAt
	tx.entries = append(tx.entries, e)
	return e, nil
}

// grow stores the hashes that a new leaf completes.
func (tx *Tx) grow(record int64, leaf tlog.Hash) error {
	hashes, err := tlog.StoredHashesForRecordHash(record, leaf, tlog.HashReaderFunc(tx.treeHashes))
	if err != nil {
		return err
	}
	at := tlog.StoredHashIndex(0, record)
	for i, h := range hashes {
		if _, err := tx.exec("INSERT INTO tree (org, position, hash) VALUES ($1, $2, $3)", tx.org, at+int64(i), h[:]); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) treeHashes(positions []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(positions))
	for i, p := range positions {
		b, err := one[[]byte](tx, "SELECT hash FROM tree WHERE org = $1 AND position = $2", tx.org, p)
		if err != nil {
			return nil, fmt.Errorf("tree hash %d: %w", p, err)
		}
		if len(b) != tlog.HashSize {
			return nil, fmt.Errorf("tree hash %d has %d bytes", p, len(b))
		}
		copy(out[i][:], b)
	}
	return out, nil
}

// TreeHash is the root of the tree over the first size entries.
func (tx *Tx) TreeHash(size int64) (tlog.Hash, error) {
	return tlog.TreeHash(size, tlog.HashReaderFunc(tx.treeHashes))
}

// Position is where the ledger stands: the sequence and time of its last entry.
func (tx *Tx) Position() (seq int64, at sluice.Time, err error) {
	if tx.writes {
		return tx.seq, tx.last, nil
	}
	err = tx.lockless(&seq, &at)
	return seq, at, err
}

func (tx *Tx) lockless(seq *int64, at *sluice.Time) error {
	rows, err := tx.query("SELECT seq, recorded_at FROM organizations WHERE org = $1", tx.org)
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		return rows.Scan(seq, at)
	}
	return rows.Err()
}

const entryColumns = "seq, recorded_at, actor, kind, subject, payload"

func scanEntry(s scanner) (sluice.Entry, error) {
	var e sluice.Entry
	var payload string
	err := s.Scan(&e.Seq, &e.RecordedAt, &e.Actor, &e.Kind, &e.Subject, &payload)
	e.Payload = json.RawMessage(payload)
	return e, err
}

// EntriesAfter are the entries after a sequence, oldest first.
func (tx *Tx) EntriesAfter(seq int64, limit int) ([]sluice.Entry, error) {
	return all(tx, scanEntry, "SELECT "+entryColumns+" FROM ledger WHERE org = $1 AND seq > $2 ORDER BY seq LIMIT $3", tx.org, seq, limit)
}

// EntriesFrom are the entries that a query selects: those before a sequence, newest
// first; or those after it, oldest first, when it asks for that.
func (tx *Tx) EntriesFrom(seq int64, q sluice.AuditQuery, limit int) (Rows[sluice.Entry], error) {
	where, args := "", []any{tx.org, seq, limit + 1}
	add := func(cond string, v any) {
		args = append(args, v)
		where += fmt.Sprintf(" AND "+cond, len(args))
	}
	if q.Kind != "" {
		add("kind = $%d", q.Kind)
	}
	if q.Actor != "" {
		add("actor = $%d", q.Actor)
	}
	if q.Environment != "" {
		where += fmt.Sprintf(" AND (subject = $%d OR (subject >= $%d AND subject < $%d))", len(args)+1, len(args)+2, len(args)+3)
		args = append(args, q.Environment, q.Environment+"#", q.Environment+"$")
	}
	if q.Component != "" {
		where += fmt.Sprintf(" AND (subject = $%d OR (subject >= $%d AND subject < $%d))", len(args)+1, len(args)+2, len(args)+3)
		args = append(args, q.Component, q.Component+"@", q.Component+"A")
	}
	if q.Since != 0 {
		add("recorded_at >= $%d", q.Since)
	}
	if q.Until != 0 {
		add("recorded_at <= $%d", q.Until)
	}
	side, order := "<", "DESC"
	if q.Ascending {
		side, order = ">", "ASC"
	}
	return page(tx, scanEntry, limit, "SELECT "+entryColumns+" FROM ledger WHERE org = $1 AND seq "+side+" $2"+where+" ORDER BY seq "+order+" LIMIT $3", args...)
}

// Leaf is the stored leaf hash of an entry.
func (tx *Tx) Leaf(seq int64) ([]byte, error) {
	return one[[]byte](tx, "SELECT leaf FROM ledger WHERE org = $1 AND seq = $2", tx.org, seq)
}
