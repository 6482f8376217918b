package store

import (
	"database/sql"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

const versionColumns = `v.component, v.number, v.label, v.name, v.note, v.digest, v.size, v.author, v.at, v.recorded_at, v.purged, v.requires, v.pins, v.source_commit, v.read_as, v.unchecked,
	q.reason, q.actor, q.at FROM versions v
	LEFT JOIN quarantines q ON q.org = v.org AND q.component = v.component AND q.digest = v.digest`

func scanVersion(s scanner) (sluice.Version, error) {
	var v sluice.Version
	var requires, pins, unchecked string
	var reason, by sql.NullString
	var at sql.NullInt64
	err := s.Scan(&v.Component, &v.Number, &v.Label, &v.Name, &v.Note, &v.Digest, &v.Size, &v.Author, &v.At, &v.RecordedAt, &v.Purged, &requires, &pins, &v.Commit, &v.ReadAs, &unchecked,
		&reason, &by, &at)
	if requires != "" {
		v.Requires = strings.Fields(requires)
	}
	if by.Valid {
		v.Quarantine = &sluice.Quarantine{Reason: reason.String, By: by.String, At: sluice.Time(at.Int64)}
	}
	if err == nil && pins != "" {
		err = json.Unmarshal([]byte(pins), &v.Pins)
	}
	if err == nil && unchecked != "" {
		err = json.Unmarshal([]byte(unchecked), &v.Unchecked)
	}
	return v, err
}

// VersionByNumber finds one version.
func (tx *Tx) VersionByNumber(component string, number int) (sluice.Version, bool, error) {
	return first(tx, scanVersion, "SELECT "+versionColumns+" WHERE v.org = $1 AND v.component = $2 AND v.number = $3", tx.org, component, number)
}

// VersionByLabel finds the version that carries a label.
func (tx *Tx) VersionByLabel(component string, label sluice.Label) (sluice.Version, bool, error) {
	return first(tx, scanVersion, "SELECT "+versionColumns+" WHERE v.org = $1 AND v.component = $2 AND v.label = $3 AND v.label <> ''", tx.org, component, label)
}

// VersionByName finds the version that carries a name, ignoring case.
func (tx *Tx) VersionByName(component, name string) (sluice.Version, bool, error) {
	return first(tx, scanVersion, "SELECT "+versionColumns+" WHERE v.org = $1 AND v.component = $2 AND lower(v.name) = $3 AND v.name <> '' ORDER BY v.number DESC",
		tx.org, component, sluice.FoldName(name))
}

// VersionsByDigest are the versions whose digest begins so, newest first.
func (tx *Tx) VersionsByDigest(component, prefix string) ([]sluice.Version, error) {
	return all(tx, scanVersion, "SELECT "+versionColumns+" WHERE v.org = $1 AND v.component = $2 AND v.digest >= $3 AND v.digest < $4 ORDER BY v.number DESC LIMIT 100",
		tx.org, component, prefix, prefix+"g")
}

// Unlabelled is the version without a label that has a content: the one with a
// number, else the newest.
func (tx *Tx) Unlabelled(component string, digest sluice.Digest, number int) (sluice.Version, bool, error) {
	return first(tx, scanVersion, "SELECT "+versionColumns+` WHERE v.org = $1 AND v.component = $2 AND v.digest = $3 AND v.label = ''
		ORDER BY CASE WHEN v.number = $4 THEN 0 ELSE 1 END, v.number DESC LIMIT 1`, tx.org, component, digest, number)
}

// Versions lists versions of a component below a number, newest first.
func (tx *Tx) Versions(component string, below, limit int) (Rows[sluice.Version], error) {
	return page(tx, scanVersion, limit, "SELECT "+versionColumns+" WHERE v.org = $1 AND v.component = $2 AND v.number < $3 ORDER BY v.number DESC LIMIT $4",
		tx.org, component, below, limit+1)
}

// VersionsOf lists the versions of all components between two names, newest
// first within each.
func (tx *Tx) VersionsOf(from, to string) ([]sluice.Version, error) {
	return all(tx, scanVersion, "SELECT "+versionColumns+" WHERE v.org = $1 AND v.component >= $2 AND v.component <= $3 ORDER BY v.component, v.number DESC",
		tx.org, from, to)
}

// AddVersion writes a new version with its files. Content that is there already
// is not written again. A name that another version of the component carries
// moves here.
func (tx *Tx) AddVersion(v sluice.Version, files []sluice.File) error {
	if err := tx.takeName(v.Component, v.Name, v.Number); err != nil {
		return err
	}
	pins, err := EncodePins(v.Pins)
	if err != nil {
		return err
	}
	unchecked, err := EncodeUnchecked(v.Unchecked)
	if err != nil {
		return err
	}
	if err := tx.change(`INSERT INTO versions (org, component, number, label, name, note, digest, size, author, at, recorded_at, purged, requires, pins, source_commit,
			read_as, unchecked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, $13, $14, $15, $16)`,
		tx.org, v.Component, v.Number, v.Label, v.Name, v.Note, v.Digest, v.Size, v.Author, v.At, v.RecordedAt, strings.Join(v.Requires, " "), pins, v.Commit,
		v.ReadAs, unchecked); err != nil {
		return err
	}
	for _, f := range files {
		info := f.Info()
		if err := tx.change("INSERT INTO version_files (org, digest, path, blob, size) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
			tx.org, v.Digest, info.Path, info.Digest, info.Size); err != nil {
			return err
		}
		content := f.Bytes()
		if content == nil {
			content = []byte{}
		}
		if err := tx.change("INSERT INTO blobs (org, digest, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", tx.org, info.Digest, content); err != nil {
			return err
		}
	}
	return nil
}

// EncodePins is how a version's row holds its pins.
func EncodePins(pins map[string]int) (string, error) {
	if len(pins) == 0 {
		return "", nil
	}
	b, err := sluice.EncodeJSON(pins)
	return string(b), err
}

// EncodeUnchecked is how a version's row holds its mark.
func EncodeUnchecked(mark *sluice.Unchecked) (string, error) {
	if mark == nil {
		return "", nil
	}
	b, err := json.Marshal(mark)
	return string(b), err
}

// SetChecked sets what a version's content was read as, and its mark.
func (tx *Tx) SetChecked(v sluice.Version) error {
	unchecked, err := EncodeUnchecked(v.Unchecked)
	if err != nil {
		return err
	}
	return tx.change("UPDATE versions SET read_as = $1, unchecked = $2 WHERE org = $3 AND component = $4 AND number = $5",
		v.ReadAs, unchecked, tx.org, v.Component, v.Number)
}

// ForgetChecked has all versions of a component unread, since they mean something else.
func (tx *Tx) ForgetChecked(component string) error {
	return tx.change("UPDATE versions SET read_as = '', unchecked = '' WHERE org = $1 AND component = $2", tx.org, component)
}

// VersionID is a version by its component and number.
type VersionID struct {
	Component string
	Number    int
}

// maxAsked is how many versions one query asks for.
const maxAsked = 200

// Unproven are those of some versions that are marked, or that were not read.
func (tx *Tx) Unproven(ids []VersionID) ([]sluice.Version, error) {
	var out []sluice.Version
	for part := range slices.Chunk(ids, maxAsked) {
		args, these := []any{tx.org}, make([]string, len(part))
		for i, id := range part {
			args = append(args, id.Component, id.Number)
			these[i] = "v.component = $" + strconv.Itoa(2*i+2) + " AND v.number = $" + strconv.Itoa(2*i+3)
		}
		found, err := all(tx, scanVersion, "SELECT "+versionColumns+` WHERE v.org = $1 AND (v.read_as = '' OR v.unchecked <> '')
			AND (`+strings.Join(these, " OR ")+") ORDER BY v.component, v.number", args...)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// EditVersion sets a version's name and note. A name that another version of the
// component carries moves here.
func (tx *Tx) EditVersion(component string, number int, name, note string) error {
	if err := tx.takeName(component, name, number); err != nil {
		return err
	}
	return tx.change("UPDATE versions SET name = $1, note = $2 WHERE org = $3 AND component = $4 AND number = $5", name, note, tx.org, component, number)
}

// takeName takes a name from the other versions of a component.
func (tx *Tx) takeName(component, name string, number int) error {
	if name == "" {
		return nil
	}
	return tx.change("UPDATE versions SET name = '' WHERE org = $1 AND component = $2 AND lower(name) = $3 AND number <> $4",
		tx.org, component, sluice.FoldName(name), number)
}

// Files are what a version consists of, sorted by path.
func (tx *Tx) Files(digest sluice.Digest) ([]sluice.FileInfo, error) {
	return all(tx, func(s scanner) (sluice.FileInfo, error) {
		var f sluice.FileInfo
		err := s.Scan(&f.Path, &f.Digest, &f.Size)
		return f, err
	}, "SELECT path, blob, size FROM version_files WHERE org = $1 AND digest = $2 ORDER BY path", tx.org, digest)
}

// Blob is the content of a file. It is not found when it was purged.
func (tx *Tx) Blob(digest sluice.Digest) ([]byte, bool, error) {
	return first(tx, plain[[]byte], "SELECT bytes FROM blobs WHERE org = $1 AND digest = $2", tx.org, digest)
}

// Holders are the newest version of each component that has exactly this content.
func (tx *Tx) Holders(digest sluice.Digest) ([]sluice.Version, error) {
	return all(tx, scanVersion, "SELECT "+versionColumns+` WHERE v.org = $1 AND v.digest = $2 AND NOT EXISTS (SELECT 1 FROM versions w
		WHERE w.org = v.org AND w.component = v.component AND w.digest = v.digest AND w.number > v.number) ORDER BY v.component`, tx.org, digest)
}

// Purge removes the bytes that only this content uses and marks all versions
// that have it, of whatever component.
func (tx *Tx) Purge(digest sluice.Digest) error {
	if err := tx.change("UPDATE versions SET purged = 1 WHERE org = $1 AND digest = $2", tx.org, digest); err != nil {
		return err
	}
	return tx.change(`DELETE FROM blobs WHERE org = $1
		AND digest IN (SELECT blob FROM version_files WHERE org = $2 AND digest = $3)
		AND NOT EXISTS (SELECT 1 FROM version_files f JOIN versions v ON v.org = f.org AND v.digest = f.digest
			WHERE f.org = blobs.org AND f.blob = blobs.digest AND v.purged = 0)`,
		tx.org, tx.org, digest)
}

// Quarantine keeps content of a component from going live.
func (tx *Tx) Quarantine(component string, digest sluice.Digest, q sluice.Quarantine) error {
	return tx.change("INSERT INTO quarantines (org, component, digest, reason, actor, at) VALUES ($1, $2, $3, $4, $5, $6)",
		tx.org, component, digest, q.Reason, q.By, q.At)
}

// Lift ends a quarantine.
func (tx *Tx) Lift(component string, digest sluice.Digest) error {
	return tx.change("DELETE FROM quarantines WHERE org = $1 AND component = $2 AND digest = $3", tx.org, component, digest)
}

// Barred says why a version may not go live; "" lets it.
func (tx *Tx) Barred(component string, p sluice.Pin) (string, error) {
	var purged, archived bool
	var quarantined int64
	_, found, err := first(tx, func(s scanner) (struct{}, error) { return struct{}{}, s.Scan(&purged, &archived, &quarantined) },
		`SELECT v.purged, c.archived, (SELECT count(*) FROM quarantines q WHERE q.org = v.org AND q.component = v.component AND q.digest = v.digest)
		FROM versions v JOIN components c ON c.org = v.org AND c.fold = lower(v.component)
		WHERE v.org = $1 AND v.component = $2 AND v.number = $3`, tx.org, component, p.Version)
	switch {
	case err != nil:
		return "", err
	case !found:
		return "unknown", nil
	case quarantined > 0:
		return "quarantined", nil
	case purged:
		return "purged", nil
	case archived:
		return "of an archived component", nil
	}
	return "", nil
}
