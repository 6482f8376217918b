package store

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
)

const componentColumns = "name, kind, description, archived, created_at, created_by, latest, tags"

func scanComponent(s scanner) (sluice.Component, error) {
	var c sluice.Component
	var tags string
	err := s.Scan(&c.Name, &c.Kind, &c.Description, &c.Archived, &c.CreatedAt, &c.CreatedBy, &c.Latest, &tags)
	if tags != "" {
		c.Tags = strings.Split(strings.Trim(tags, "\n"), "\n\n")
	}
	return c, err
}

// Component finds a component by its name, ignoring case.
func (tx *Tx) Component(name string) (sluice.Component, bool, error) {
	return first(tx, scanComponent, "SELECT "+componentColumns+" FROM components WHERE org = $1 AND fold = $2", tx.org, sluice.FoldName(name))
}

// Components lists components by name, after the one named.
func (tx *Tx) Components(q sluice.ComponentQuery, after string, limit int) (Rows[sluice.Component], error) {
	args := []any{tx.org, after, flag(q.Archived), q.Kind, q.Kind, limit + 1}
	tagged := func(tags []string, between string) string {
		var has []string
		for _, tag := range tags {
			args = append(args, tagLines([]string{tag}))
			has = append(has, fmt.Sprintf("replace(tags, $%d, '') <> tags", len(args)))
		}
		if len(has) == 0 {
			return ""
		}
		return " AND (" + strings.Join(has, between) + ")"
	}
	where := tagged(q.Tags, " AND ") + tagged(q.AnyTag, " OR ")
	return page(tx, scanComponent, limit, "SELECT "+componentColumns+` FROM components
		WHERE org = $1 AND name > $2 AND (archived = 0 OR $3 = 1) AND ($4 = '' OR kind = $5)`+where+`
		ORDER BY name LIMIT $6`, args...)
}

// tagLines are tags as they are stored: one a line, with a line end before the
// first and after the last, so that each is found whole.
func tagLines(tags []string) string {
	if len(tags) == 0 {
		return ""
	}
	return "\n" + strings.Join(tags, "\n\n") + "\n"
}

// ComponentNames are all names, for suggestions.
func (tx *Tx) ComponentNames() ([]string, error) {
	return all(tx, plain[string], "SELECT name FROM components WHERE org = $1 ORDER BY name LIMIT 10000", tx.org)
}

// PutComponent writes a component, new or changed.
func (tx *Tx) PutComponent(c sluice.Component) error {
	return tx.change(`INSERT INTO components (org, fold, name, kind, description, archived, created_at, created_by, latest, tags)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (org, fold) DO UPDATE SET kind = excluded.kind, description = excluded.description,
			archived = excluded.archived, latest = excluded.latest, tags = excluded.tags`,
		tx.org, sluice.FoldName(c.Name), c.Name, c.Kind, c.Description, flag(c.Archived), c.CreatedAt, c.CreatedBy, c.Latest, tagLines(c.Tags))
}

func scanDraft(s scanner) (sluice.Draft, error) {
	var d sluice.Draft
	var files string
	if err := s.Scan(&d.Component, &d.Digest, &files, &d.SavedAt, &d.SavedBy); err != nil {
		return d, err
	}
	return d, json.Unmarshal([]byte(files), &d.Files)
}

// Draft finds a component's draft.
func (tx *Tx) Draft(component string) (sluice.Draft, bool, error) {
	return first(tx, scanDraft, "SELECT component, digest, files, saved_at, saved_by FROM drafts WHERE org = $1 AND component = $2", tx.org, component)
}

// PutDraft replaces a component's draft.
func (tx *Tx) PutDraft(d sluice.Draft) error {
	files, err := sluice.EncodeJSON(d.Files)
	if err != nil {
		return err
	}
	return tx.change(`INSERT INTO drafts (org, component, digest, files, saved_at, saved_by) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (org, component) DO UPDATE SET digest = excluded.digest, files = excluded.files,
			saved_at = excluded.saved_at, saved_by = excluded.saved_by`,
		tx.org, d.Component, d.Digest, string(files), d.SavedAt, d.SavedBy)
}

// DropDraft removes a component's draft.
func (tx *Tx) DropDraft(component string) error {
	return tx.change("DELETE FROM drafts WHERE org = $1 AND component = $2", tx.org, component)
}
