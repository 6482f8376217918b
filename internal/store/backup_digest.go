package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"github.com/sluice-dev/sluice"
)

// digestTable is in a backup and in no database: one row for each of its tables,
// so that what was damaged can be named.
const digestTable = "backup_digests"

// tableDigest is what a table holds, in short. The digests of its rows are added
// up, so that the order in which they are read does not count.
type tableDigest struct {
	Name   string
	Rows   int64
	Digest string // hexadecimal digits of the sum modulo 2^256
}

// noteDigests writes down the digest of each table, as this file gives it back.
func (db *DB) noteDigests(ctx context.Context) error {
	if _, err := db.write.ExecContext(ctx, "CREATE TABLE "+digestTable+" (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, digest TEXT NOT NULL)"); err != nil {
		return db.mapped(err)
	}
	for _, table := range tables {
		d, err := digestOf(ctx, db.write, table)
		if err != nil {
			return db.mapped(err)
		}
		if _, err := db.write.ExecContext(ctx, "INSERT INTO "+digestTable+" VALUES ($1, $2, $3)", d.Name, d.Rows, d.Digest); err != nil {
			return db.mapped(err)
		}
	}
	return nil
}

// errNoDigests says that a file has no digests of its tables.
var errNoDigests = errors.New("the backup has no digests of its tables")

// checkDigests compares each table with its digest. [errNoDigests] when there are
// none; the names of tables are those that the backup itself lists.
func (db *DB) checkDigests(ctx context.Context) error {
	noted, err := db.notedDigests(ctx)
	if err != nil {
		return err
	}
	for _, want := range noted {
		got, err := digestOf(ctx, db.read, want.Name)
		switch {
		case err != nil:
			return tableDamaged(want.Name, err)
		case got.Rows != want.Rows:
			return tableDamaged(want.Name, fmt.Errorf("it has %d rows, and %d were written", got.Rows, want.Rows))
		case got != want:
			return tableDamaged(want.Name, errors.New("its rows are not those that were written"))
		}
	}
	return nil
}

func (db *DB) notedDigests(ctx context.Context) ([]tableDigest, error) {
	exists := 0
	if err := db.read.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = $1", digestTable).Scan(&exists); err != nil {
		return nil, notABackup(err)
	}
	if exists == 0 {
		return nil, errNoDigests
	}
	rows, err := db.read.QueryContext(ctx, "SELECT name, rows, digest FROM "+digestTable+" ORDER BY name")
	if err != nil {
		return nil, notABackup(err)
	}
	defer rows.Close()
	var out []tableDigest
	for rows.Next() {
		var d tableDigest
		if err := rows.Scan(&d.Name, &d.Rows, &d.Digest); err != nil {
			return nil, tableDamaged(digestTable, err)
		}
		if !isName(d.Name) {
			return nil, tableDamaged(digestTable, errors.New("it names a table that cannot be one"))
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// isName reports whether a table's name may stand in a statement.
func isName(s string) bool {
	for _, r := range s {
		if r != '_' && (r < 'a' || r > 'z') {
			return false
		}
	}
	return s != ""
}

// tableDamaged names the table. The reason has none of its content.
func tableDamaged(table string, reason error) error {
	return sluice.Errorf(sluice.Invalid, "the backup is damaged: the table %s is not what was written", table).
		Do(sluice.RestoreBackup(), "restore another one").Because(reason)
}

// digestOf reads all of a table of an SQLite file.
func digestOf(ctx context.Context, db *sql.DB, table string) (tableDigest, error) {
	d := tableDigest{Name: table}
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return d, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return d, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	var sum, row big.Int
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return d, err
		}
		digest := digestOfRow(columns, values)
		sum.Add(&sum, row.SetBytes(digest[:]))
		d.Rows++
	}
	modulus := new(big.Int).Lsh(big.NewInt(1), 8*sha256.Size)
	d.Digest = fmt.Sprintf("%064x", sum.Mod(&sum, modulus))
	return d, rows.Err()
}

// digestOfRow takes each value with its column's name, its type and its length, so
// that no two rows give the same bytes.
func digestOfRow(columns []string, values []any) [sha256.Size]byte {
	h := sha256.New()
	part := func(b []byte) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	for i, v := range values {
		part([]byte(columns[i]))
		switch v := v.(type) {
		case nil:
			part([]byte("null"))
		case []byte:
			part([]byte("bytes"))
			part(v)
		case string:
			part([]byte("text"))
			part([]byte(v))
		default: // numbers
			part(fmt.Appendf(nil, "%T", v))
			part(fmt.Append(nil, v))
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}
