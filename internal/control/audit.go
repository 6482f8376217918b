package control

import (
	"context"
	"strconv"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// Entries lists ledger entries, newest first unless asked otherwise.
func (c *Control) Entries(ctx context.Context, q sluice.AuditQuery) (sluice.Page[sluice.Entry], error) {
	var out sluice.Page[sluice.Entry]
	limit, cursor, err := page(q.Paging)
	if err != nil {
		return out, err
	}
	before := sluice.Latest
	if q.Ascending {
		before = 0
	}
	if cursor != "" {
		if before, err = strconv.ParseInt(cursor, 10, 64); err != nil {
			return out, badCursor(cursor)
		}
	}
	err = c.view(ctx, func(tx *store.Tx) error {
		names := sluice.ReleaseQuery{Environment: q.Environment, Component: q.Component}
		if err := namesOf(tx, &names); err != nil {
			return err
		}
		q.Environment, q.Component = names.Environment, names.Component
		items, err := tx.EntriesFrom(before, q, limit)
		out = pageOf(items, func(e sluice.Entry) string { return strconv.FormatInt(e.Seq, 10) })
		return err
	})
	return out, err
}
