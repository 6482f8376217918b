package store

import (
	"fmt"
	"strings"

	"github.com/sluice-dev/sluice"
)

// runWhere turns a query into conditions, numbered from the arguments given.
func runWhere(q sluice.RunQuery, version int, now sluice.Time, args []any) (string, []any) {
	var b strings.Builder
	add := func(format string, values ...any) {
		places := make([]any, len(values))
		for i, v := range values {
			args = append(args, v)
			places[i] = fmt.Sprintf("$%d", len(args))
		}
		fmt.Fprintf(&b, " AND "+format, places...)
	}
	if q.Component != "" {
		add("component = %s", q.Component)
	}
	if q.Environment != "" {
		add("environment = %s", q.Environment)
	}
	if version > 0 {
		add("version = %s", version)
	}
	if q.Release > 0 {
		add("release = %s", q.Release)
	}
	if q.Session != "" {
		add("session = %s", q.Session)
	}
	if q.Since > 0 {
		add("created_at >= %s", q.Since)
	}
	if q.Until > 0 {
		add("created_at < %s", q.Until)
	}
	if len(q.Status) > 0 {
		var any []string
		for _, s := range q.Status {
			switch s {
			case sluice.RunInterrupted:
				after, by := leased(now)
				args = append(args, after, by)
				any = append(any, fmt.Sprintf("status = 'running' AND (lease_until <= $%d OR lease_until > $%d)", len(args)-1, len(args)))
			case sluice.RunRunning:
				after, by := leased(now)
				args = append(args, after, by)
				any = append(any, fmt.Sprintf("status = 'running' AND lease_until > $%d AND lease_until <= $%d", len(args)-1, len(args)))
			case sluice.RunFailed: // in words, so that the index of failures is seen to fit
				any = append(any, "status = 'failed'")
			default:
				args = append(args, string(s))
				any = append(any, fmt.Sprintf("status = $%d", len(args)))
			}
		}
		b.WriteString(" AND (" + strings.Join(any, " OR ") + ")")
	}
	if q.Text != "" {
		p := likeText(q.Text)
		add(`(LOWER(error) LIKE %s ESCAPE '\' OR LOWER(record) LIKE %s ESCAPE '\' OR EXISTS (SELECT 1 FROM run_bodies b
			WHERE b.org = runs.org AND b.run = runs.id AND LOWER(b.body) LIKE %s ESCAPE '\'))`, p, p, p)
	}
	return b.String(), args
}

// Runs are runs, newest first, before an id when one is given.
func (tx *Tx) Runs(q sluice.RunQuery, version int, before string, limit int) (Rows[RunRow], error) {
	where, args := runWhere(q, version, tx.WallClock(), []any{tx.org})
	if before != "" {
		args = append(args, before)
		where += fmt.Sprintf(" AND id < $%d", len(args))
	}
	args = append(args, limit+1)
	// The ids first, which an index has beside what is asked for.
	return page(tx, scanRun, limit, "SELECT "+runColumns+" FROM runs WHERE org = $1 AND id IN (SELECT id FROM runs WHERE org = $1"+where+
		fmt.Sprintf(" ORDER BY id DESC LIMIT $%d) ORDER BY id DESC", len(args)), args...)
}

// RunSum are the runs of one version in one release that ended alike after about
// the same time.
type RunSum struct {
	Component, Environment string
	Version                int
	Release                int64
	Status                 sluice.RunStatus
	Bucket                 int64
	Runs                   int64
	First, Last            sluice.Time
	Usage                  sluice.Usage
}

// RunSums groups runs.
func (tx *Tx) RunSums(q sluice.RunQuery, version int) ([]RunSum, error) {
	where, args := runWhere(q, version, tx.WallClock(), []any{tx.org})
	return all(tx, func(s scanner) (RunSum, error) {
		var r RunSum
		err := s.Scan(&r.Component, &r.Environment, &r.Version, &r.Release, &r.Status, &r.Bucket, &r.Runs, &r.First, &r.Last,
			&r.Usage.InputTokens, &r.Usage.OutputTokens, &r.Usage.Cost)
		return r, err
	}, `SELECT component, environment, version, release, status, bucket, COUNT(*), MIN(created_at), MAX(created_at),
			CAST(SUM(input_tokens) AS BIGINT), CAST(SUM(output_tokens) AS BIGINT), SUM(cost)
		FROM runs WHERE org = $1`+where+" GROUP BY component, environment, version, release, status, bucket", args...)
}
