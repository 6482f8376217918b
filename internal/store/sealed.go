package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sluice-dev/sluice"
)

// DataKey is a wrapped data key.
type DataKey struct {
	Number  int64
	Wrapped []byte
}

// DataKeys are the organization's data keys, oldest first.
func (tx *Tx) DataKeys() ([]DataKey, error) {
	return all(tx, func(s scanner) (DataKey, error) {
		var k DataKey
		err := s.Scan(&k.Number, &k.Wrapped)
		return k, err
	}, "SELECT number, wrapped FROM data_keys WHERE org = $1 ORDER BY number", tx.org)
}

// AddDataKey writes a new data key. It never takes the place of another: that one
// may have sealed something.
func (tx *Tx) AddDataKey(k DataKey) error {
	return tx.change("INSERT INTO data_keys (org, number, wrapped) VALUES ($1, $2, $3)", tx.org, k.Number, k.Wrapped)
}

// RewrapDataKey replaces how a data key is wrapped.
func (tx *Tx) RewrapDataKey(k DataKey) error {
	return tx.change("UPDATE data_keys SET wrapped = $1 WHERE org = $2 AND number = $3", k.Wrapped, tx.org, k.Number)
}

// DropDataKey removes a data key that seals nothing any more; it stays while it
// does.
func (tx *Tx) DropDataKey(number int64) error {
	return tx.change("DELETE FROM data_keys WHERE org = $1 AND number = $2 AND NOT EXISTS (SELECT 1 FROM sealed s WHERE s.org = $3 AND s.key = $4)",
		tx.org, number, tx.org, number)
}

// Sealed is the sealed bytes of a value.
type Sealed struct {
	Fingerprint string
	Key         int64 // number of the data key, 0 when the value is elsewhere
	Bytes       []byte
}

func scanSealed(s scanner) (Sealed, error) {
	var v Sealed
	err := s.Scan(&v.Fingerprint, &v.Key, &v.Bytes)
	return v, err
}

// Elsewhere reports whether the value was set elsewhere and is not known here.
func (s Sealed) Elsewhere() bool { return s.Key == 0 }

// elsewhere stands in the place of a value's bytes.
var elsewhere = []byte("elsewhere")

// SealedElsewhere is the row of a value that was set elsewhere. It stays until the
// value is set here too, or shredded.
func SealedElsewhere(fingerprint string) Sealed {
	return Sealed{Fingerprint: fingerprint, Bytes: elsewhere}
}

// SealedValues finds many sealed values, by fingerprint. Those that were shredded
// are not among them.
func (tx *Tx) SealedValues(fingerprints []string) (map[string]Sealed, error) {
	out := make(map[string]Sealed, len(fingerprints))
	for chunk := range slices.Chunk(fingerprints, maxListed) {
		args, places := tx.named(chunk)
		found, err := all(tx, scanSealed, "SELECT fingerprint, key, bytes FROM sealed WHERE org = $1 AND fingerprint IN ("+places+")", args...)
		if err != nil {
			return nil, err
		}
		for _, v := range found {
			out[v.Fingerprint] = v
		}
	}
	return out, nil
}

// SealedSize is how many bytes so many sealed values have, each as often as it is
// named.
func (tx *Tx) SealedSize(fingerprints []string) (sum int64, err error) {
	times := make(map[string]int64, len(fingerprints))
	for _, f := range fingerprints {
		times[f]++
	}
	type size struct {
		fingerprint string
		bytes       int64
	}
	scan := func(s scanner) (v size, err error) { return v, s.Scan(&v.fingerprint, &v.bytes) }
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(times)), maxListed) {
		args, places := tx.named(chunk)
		found, err := all(tx, scan, "SELECT fingerprint, LENGTH(bytes) FROM sealed WHERE org = $1 AND fingerprint IN ("+places+")", args...)
		if err != nil {
			return 0, err
		}
		for _, v := range found {
			sum += v.bytes * times[v.fingerprint]
		}
	}
	return sum, nil
}

// named are the arguments and the places of a query for fingerprints.
func (tx *Tx) named(fingerprints []string) (args []any, places string) {
	args = []any{tx.org}
	list := make([]string, len(fingerprints))
	for i, f := range fingerprints {
		args = append(args, f)
		list[i] = fmt.Sprintf("$%d", i+2)
	}
	return args, strings.Join(list, ", ")
}

// maxListed is how many values one query names.
const maxListed = 200

// Sealed reports whether a value was not shredded: it can be opened, or it is
// elsewhere.
func (tx *Tx) Sealed(fingerprint string) (bool, error) {
	_, found, err := tx.sealedKey(fingerprint)
	return found, err
}

// Opens reports whether a value can be opened here.
func (tx *Tx) Opens(fingerprint string) (bool, error) {
	key, found, err := tx.sealedKey(fingerprint)
	return found && key > 0, err
}

func (tx *Tx) sealedKey(fingerprint string) (int64, bool, error) {
	return first(tx, plain[int64], "SELECT key FROM sealed WHERE org = $1 AND fingerprint = $2", tx.org, fingerprint)
}

// PutSealed writes a value that is not there yet, or was elsewhere until now.
func (tx *Tx) PutSealed(v Sealed) error {
	return tx.change(`INSERT INTO sealed (org, fingerprint, key, bytes) VALUES ($1, $2, $3, $4)
		ON CONFLICT (org, fingerprint) DO UPDATE SET key = excluded.key, bytes = excluded.bytes WHERE sealed.key = 0`,
		tx.org, v.Fingerprint, v.Key, v.Bytes)
}

// Reseal replaces the bytes of a value that is there.
func (tx *Tx) Reseal(v Sealed) error {
	return tx.change("UPDATE sealed SET key = $1, bytes = $2 WHERE org = $3 AND fingerprint = $4", v.Key, v.Bytes, tx.org, v.Fingerprint)
}

// SealedBefore are values that an older data key than the one given seals.
func (tx *Tx) SealedBefore(key int64, limit int) ([]Sealed, error) {
	return all(tx, scanSealed, "SELECT fingerprint, key, bytes FROM sealed WHERE org = $1 AND key > 0 AND key < $2 ORDER BY key, fingerprint LIMIT $3", tx.org, key, limit)
}

// Shred removes a value. What remains of it in the file is overwritten by
// [DB.Scrub].
func (tx *Tx) Shred(fingerprint string) error {
	return tx.change("DELETE FROM sealed WHERE org = $1 AND fingerprint = $2", tx.org, fingerprint)
}

// EachSealed streams all sealed values by fingerprint.
func (tx *Tx) EachSealed(fn func(Sealed) error) error {
	return each(tx, scanSealed, fn, "SELECT fingerprint, key, bytes FROM sealed WHERE org = $1 ORDER BY fingerprint", tx.org)
}

// Interval is a value that a slot held from one release to before another.
type Interval struct {
	sluice.Setting
	Until sluice.Time // when it ended, 0 when it is live
}

// Intervals are all values that a slot ever had in an environment, oldest first.
func (tx *Tx) Intervals(environment string, slot sluice.Slot) ([]Interval, error) {
	return all(tx, func(s scanner) (Interval, error) {
		var i Interval
		var value string
		if err := s.Scan(&i.Slot, &i.Since, &value, &i.Under, &i.Origin, &i.PinnedBy, &i.Until); err != nil {
			return i, err
		}
		var err error
		i.Value, err = sluice.DecodeValue(value)
		return i, err
	}, `SELECT s.slot, s.since, s.value, s.under, s.origin, s.pinned_by, COALESCE(r.at, 0)
		FROM slots s LEFT JOIN releases r ON r.org = s.org AND r.environment = s.environment AND r.number = s.until
		WHERE s.org = $1 AND s.environment = $2 AND s.slot = $3 ORDER BY s.since`, tx.org, environment, string(slot))
}

// Holding are the environments where a variable's value is live now.
func (tx *Tx) Holding(slots sluice.Slot, fingerprint string) ([]string, error) {
	return all(tx, plain[string], `SELECT DISTINCT s.environment FROM slots s JOIN environments e ON e.org = s.org AND e.name = s.environment
		WHERE s.org = $1 AND s.slot >= $2 AND s.slot < $3 AND s.until = 9223372036854775807 AND e.deleted = 0
		AND s.value IN ($4, $5) ORDER BY s.environment`,
		tx.org, string(slots), string(slots)+"A", "secret "+fingerprint, "plain "+fingerprint)
}

// Held is a variable's value in an environment, some time.
type Held struct {
	Environment string
	Slot        sluice.Slot
	Secret      bool
}

// HeldAs are the environments and slots that ever held a value of a variable, as
// a secret or not.
func (tx *Tx) HeldAs(key, fingerprint string) ([]Held, error) {
	from := string(sluice.VariableSlot(key, ""))
	return all(tx, func(s scanner) (Held, error) {
		var h Held
		var value string
		err := s.Scan(&h.Environment, &h.Slot, &value)
		h.Secret = strings.HasPrefix(value, "secret ")
		return h, err
	}, "SELECT DISTINCT environment, slot, value FROM slots WHERE org = $1 AND (slot = $2 OR slot > $3 AND slot < $4) AND value IN ($5, $6)",
		tx.org, from, from+"@", from+"A", "secret "+fingerprint, "plain "+fingerprint)
}

// Ended is the last release after which the setting that began with a release was
// live.
func (tx *Tx) Ended(environment string, slot sluice.Slot, since int64) (int64, error) {
	until, found, err := first(tx, plain[int64], "SELECT until FROM slots WHERE org = $1 AND environment = $2 AND slot = $3 AND since = $4",
		tx.org, environment, string(slot), since)
	if err != nil || !found || until == sluice.Latest {
		return sluice.Latest, err
	}
	return until - 1, nil
}

// Overlays are all that a component ever had in an environment, as they were
// after a release; what was absent then still knows what lay under it.
func (tx *Tx) Overlays(environment, component string, release int64) ([]sluice.Setting, error) {
	suffix := "@" + component
	slots, err := all(tx, plain[sluice.Slot], `SELECT slot FROM slots WHERE org = $1 AND environment = $2 AND until = 9223372036854775807
		AND slot >= 'var/' AND slot < 'var0' AND substr(slot, length(slot) - $3) = $4 ORDER BY slot`, tx.org, environment, len(suffix)-1, suffix)
	if err != nil {
		return nil, err
	}
	out := make([]sluice.Setting, 0, len(slots))
	for _, slot := range slots {
		s, err := tx.Setting(environment, slot, release)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Variables are the present variables of an environment after a release, sorted
// by slot.
func (tx *Tx) Variables(environment string, release int64) ([]sluice.Setting, error) {
	if release == sluice.Latest {
		return all(tx, scanSetting, "SELECT "+settingColumns+` FROM slots WHERE org = $1 AND environment = $2
			AND slot >= 'var/' AND slot < 'var0' AND until = 9223372036854775807 AND value <> '' ORDER BY slot`, tx.org, environment)
	}
	found, err := all(tx, scanPacked, `SELECT o.slot, (SELECT `+packed("s")+` FROM slots s
			WHERE s.org = o.org AND s.environment = o.environment AND s.slot = o.slot AND s.since <= $1 ORDER BY s.since DESC LIMIT 1)
		FROM slots o WHERE o.org = $2 AND o.environment = $3 AND o.until = 9223372036854775807
		AND o.slot >= 'var/' AND o.slot < 'var0' ORDER BY o.slot`, release, tx.org, environment)
	return slices.DeleteFunc(found, func(s sluice.Setting) bool { return s.Value.IsZero() }), err
}

// Requires are the variables that a version declares to need.
func (tx *Tx) Requires(component string, p sluice.Pin) ([]string, error) {
	text, _, err := first(tx, plain[string], "SELECT requires FROM versions WHERE org = $1 AND component = $2 AND number = $3 AND requires <> ''",
		tx.org, component, p.Version)
	if text == "" {
		return nil, err
	}
	return strings.Fields(text), err
}

// Scrub overwrites what shredded values have left behind in the engine's own
// files, which deleting alone does not. It reports whether it could: who still
// reads the past keeps it for a moment.
func (db *DB) Scrub(ctx context.Context) (bool, error) {
	done, err := db.dialect.scrub(ctx)
	return done, db.mapped(err)
}

// scrubSQLite empties the write-ahead log; in the file itself SQLite overwrites
// what it deletes.
func scrubSQLite(ctx context.Context, path string) (bool, error) {
	own, err := sql.Open("sqlite", dsn(path, "journal_mode(WAL)"))
	if err != nil {
		return false, err
	}
	defer own.Close()
	if _, err := own.ExecContext(ctx, "PRAGMA busy_timeout(500)"); err != nil {
		return false, err
	}
	var busy, log, moved int64
	err = own.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved)
	return busy == 0, err
}

// scrubPatience is how long transactions of before a shredding are waited for.
const scrubPatience = 2 * time.Second

// olderThan counts what keeps PostgreSQL from forgetting what a transaction
// deleted: snapshots, and transactions under way, of any database, since each new
// snapshot reaches back to them.
const olderThan = `SELECT
	(SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
		AND (backend_xmin IS NOT NULL AND age(backend_xmin) >= age($1::xid) OR backend_xid IS NOT NULL AND age(backend_xid) >= age($1::xid))) +
	(SELECT count(*) FROM pg_prepared_xacts WHERE age(transaction) >= age($1::xid)) +
	(SELECT count(*) FROM pg_replication_slots WHERE xmin IS NOT NULL AND age(xmin) >= age($1::xid))`

// scrubPostgres rewrites the table. It does not while a snapshot of before is
// open, for which the rows would be kept, and gives up soon when somebody reads the
// table, since all who come later would wait behind it.
func scrubPostgres(ctx context.Context, db *sql.DB) (bool, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	var xid string
	if err := conn.QueryRowContext(ctx, "SELECT pg_current_xact_id()::xid::text").Scan(&xid); err != nil {
		return false, err
	}
	// Those of before the deletion are waited for, and nobody who came later.
	for end := time.Now().Add(scrubPatience); ; {
		var older int64
		err := conn.QueryRowContext(ctx, olderThan, xid).Scan(&older)
		if err != nil || older > 0 && time.Now().After(end) {
			return false, err
		}
		if older == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return rewriteSealed(ctx, conn)
}

// rewriteSealed writes the table anew, without the rows that were deleted. VACUUM
// FULL does that as well, but in no transaction, and the bound on waiting would
// then be set for whoever gets the connection from a pooler next.
func rewriteSealed(ctx context.Context, conn *sql.Conn) (bool, error) {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	for _, statement := range []string{"SET LOCAL lock_timeout = '500ms'", "CLUSTER sealed USING sealed_pkey", "ALTER TABLE sealed SET WITHOUT CLUSTER"} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			var pg *pgconn.PgError
			if errors.As(err, &pg) && pg.Code == "55P03" {
				return false, nil
			}
			return false, err
		}
	}
	return true, tx.Commit()
}
