package store

import (
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

const settingColumns = "slot, since, value, under, origin, pinned_by"

func scanSetting(s scanner) (sluice.Setting, error) {
	var set sluice.Setting
	var value string
	if err := s.Scan(&set.Slot, &set.Since, &value, &set.Under, &set.Origin, &set.PinnedBy); err != nil {
		return set, err
	}
	var err error
	set.Value, err = sluice.DecodeValue(value)
	return set, err
}

// Setting is one slot after a release.
func (tx *Tx) Setting(environment string, slot sluice.Slot, release int64) (sluice.Setting, error) {
	s, found, err := first(tx, scanSetting, "SELECT "+settingColumns+` FROM slots
		WHERE org = $1 AND environment = $2 AND slot = $3 AND since <= $4 ORDER BY since DESC LIMIT 1`,
		tx.org, environment, string(slot), release)
	if !found {
		s.Slot = slot
	}
	return s, err
}

// Settings are the present slots after a release, sorted. The latest are the
// open rows; for an earlier release each slot is one look-up in the primary key.
func (tx *Tx) Settings(environment string, release int64) ([]sluice.Setting, error) {
	if release == sluice.Latest {
		return all(tx, scanSetting, "SELECT "+settingColumns+` FROM slots
			WHERE org = $1 AND environment = $2 AND until = 9223372036854775807 AND value <> '' ORDER BY slot`, tx.org, environment)
	}
	found, err := all(tx, scanPacked, `SELECT o.slot, (SELECT `+packed("s")+` FROM slots s
			WHERE s.org = o.org AND s.environment = o.environment AND s.slot = o.slot AND s.since <= $1 ORDER BY s.since DESC LIMIT 1)
		FROM slots o WHERE o.org = $2 AND o.environment = $3 AND o.until = 9223372036854775807 ORDER BY o.slot`,
		release, tx.org, environment)
	return slices.DeleteFunc(found, func(s sluice.Setting) bool { return s.Value.IsZero() }), err
}

// packed is a setting in one column, which a correlated query can return and
// which is read faster than six.
func packed(row string) string {
	return strings.ReplaceAll("r.since || ' ' || r.under || ' ' || r.pinned_by || ' ' || r.origin || ' ' || r.value", "r.", row+".")
}

func scanPacked(s scanner) (sluice.Setting, error) {
	var set sluice.Setting
	var text sql.NullString
	if err := s.Scan(&set.Slot, &text); err != nil || !text.Valid {
		return set, err
	}
	return set, unpack(text.String, &set)
}

func unpack(text string, into *sluice.Setting) error {
	for _, n := range []*int64{&into.Since, &into.Under, &into.PinnedBy} {
		word, rest, _ := strings.Cut(text, " ")
		v, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return err
		}
		*n, text = v, rest
	}
	origin, value, _ := strings.Cut(text, " ")
	into.Origin = origin
	var err error
	into.Value, err = sluice.DecodeValue(value)
	return err
}

// LastWith is the newest setting of a slot that was settled on a version.
func (tx *Tx) LastWith(environment string, slot sluice.Slot, version int) (sluice.Setting, error) {
	s, found, err := first(tx, scanSetting, "SELECT "+settingColumns+` FROM slots
		WHERE org = $1 AND slot = $2 AND version = $3 AND environment = $4 ORDER BY since DESC LIMIT 1`,
		tx.org, string(slot), version, environment)
	if !found {
		s.Slot = slot
	}
	return s, err
}

// SettingFrom is the newest setting of a slot to a value that began with a release
// of a time, its own or else that of elsewhere, or with a zero time of any.
func (tx *Tx) SettingFrom(environment string, slot sluice.Slot, value sluice.Value, at sluice.Time) (sluice.Setting, error) {
	times := []string{"at = $1", "source_at = $1 AND source_at <> 0"}
	if at == 0 {
		times = []string{"number > $1"}
	}
	for _, time := range times {
		s, found, err := first(tx, scanSetting, "SELECT "+settingColumns+` FROM slots WHERE org = $2 AND environment = $3 AND slot = $4 AND value = $5
			AND since IN (SELECT number FROM releases WHERE org = $6 AND environment = $7 AND `+time+") ORDER BY since DESC LIMIT 1",
			at, tx.org, environment, string(slot), value.Encode(), tx.org, environment)
		if found || err != nil {
			return s, err
		}
	}
	return sluice.Setting{Slot: slot}, nil
}

// LiveIn are the environments where one of the given versions of a component
// runs now, settled or in a split.
func (tx *Tx) LiveIn(component string, runs func(sluice.Pin) bool) ([]string, error) {
	type row struct {
		environment string
		setting     sluice.Setting
	}
	rows, err := all(tx, func(s scanner) (row, error) {
		var r row
		var value string
		if err := s.Scan(&r.environment, &value); err != nil {
			return r, err
		}
		var err error
		r.setting.Value, err = sluice.DecodeValue(value)
		return r, err
	}, `SELECT s.environment, s.value FROM slots s JOIN environments e ON e.org = s.org AND e.name = s.environment
		WHERE s.org = $1 AND s.slot = $2 AND s.until = 9223372036854775807 AND e.deleted = 0 ORDER BY e.position, e.name`,
		tx.org, string(sluice.ComponentSlot(component)))
	live := []string{}
	for _, r := range rows {
		for _, p := range r.setting.Value.Pins() {
			if runs(p) {
				live = append(live, r.environment)
				break
			}
		}
	}
	return live, err
}

// Manifest is everything that is live in an environment after a release that
// the caller has found; the head of the environment for the latest.
func (tx *Tx) Manifest(e sluice.Environment, release int64) (sluice.Manifest, error) {
	m := sluice.Manifest{Environment: e.Name, Alias: e.Alias, Release: e.Release, Epoch: e.Epoch, At: e.At, Root: e.Root}
	ask := sluice.Latest
	if release < e.Release {
		ask = release
		m.Release, m.Epoch, m.At, m.Root = release, 0, 0, sluice.RootHash(nil)
		if release > 0 {
			if err := tx.head(&m); err != nil {
				return m, err
			}
		}
	}
	var err error
	m.Slots, err = tx.Settings(e.Name, ask)
	return m, err
}

func (tx *Tx) head(m *sluice.Manifest) error {
	rows, err := tx.query("SELECT seq, at, root FROM releases WHERE org = $1 AND environment = $2 AND number = $3", tx.org, m.Environment, m.Release)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return sluice.Errorf(sluice.NotFound, "release %s#%d does not exist", m.Environment, m.Release)
	}
	return rows.Scan(&m.Epoch, &m.At, &m.Root)
}
