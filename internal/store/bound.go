package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Rows are the rows of one page. More says that there are others after them.
type Rows[T any] struct {
	Items []T
	More  bool
}

// page reads rows until there are as many as a page has, or until what was read
// has the bytes of a page: a row more than that is not read. The query asks for one
// row more than limit.
func page[T any](tx *Tx, scan func(scanner) (T, error), limit int, query string, args ...any) (Rows[T], error) {
	out := Rows[T]{Items: []T{}}
	rows, err := tx.query(query, args...)
	if err != nil {
		return out, err
	}
	defer rows.Close()
	read := weighed{scanner: rows}
	for rows.Next() {
		if len(out.Items) == limit || read.bytes >= sluice.MaxPageBytes {
			out.More = true
			return out, nil
		}
		v, err := scan(&read)
		if err != nil {
			return out, tx.unreadable(query, err)
		}
		out.Items = append(out.Items, v)
	}
	return out, rows.Err()
}

// weighed is rows that count the bytes that were read of them.
type weighed struct {
	scanner
	bytes int
}

// Scan reads a row.
func (w *weighed) Scan(into ...any) error {
	err := w.scanner.Scan(into...)
	for _, v := range into {
		switch v := v.(type) {
		case *string:
			w.bytes += len(*v)
		case *[]byte:
			w.bytes += len(*v)
		}
	}
	return err
}

// StepSize is where a step of a run stands, and how many bytes its record has.
type StepSize struct {
	Path   string
	Change int64
	Bytes  int64
}

// StepSizes are the sizes of the steps that changed after a change, in no order;
// with settings, outputs and effects when asked.
func (tx *Tx) StepSizes(run string, after int64, detail bool) ([]StepSize, error) {
	size := "OCTET_LENGTH(record)"
	if detail {
		size += ` + OCTET_LENGTH(settings) + OCTET_LENGTH(output) + COALESCE((SELECT SUM(OCTET_LENGTH(effect)) FROM run_effects e
			WHERE e.org = s.org AND e.run = s.run AND e.path = s.path), 0)`
	}
	return all(tx, func(s scanner) (StepSize, error) {
		var out StepSize
		err := s.Scan(&out.Path, &out.Change, &out.Bytes)
		return out, err
	}, "SELECT path, change, CAST("+size+" AS BIGINT) FROM run_steps s WHERE org = $1 AND run = $2 AND change > $3", tx.org, run, after)
}

// BodiesSize is how many bytes a run's input and output have.
func (tx *Tx) BodiesSize(run string) (int64, error) {
	return one[int64](tx, "SELECT CAST(COALESCE(SUM(OCTET_LENGTH(body)), 0) AS BIGINT) FROM run_bodies WHERE org = $1 AND run = $2 AND part <> 'content'", tx.org, run)
}

// stepsAtOnce is how many steps one statement names; always as many, so that the
// statement stays the same.
const stepsAtOnce = 32

// StepsAt are the steps at some paths, in their order, without those that are not
// there and those that changed after a change; with settings, outputs and effects
// when asked.
func (tx *Tx) StepsAt(run string, paths []string, until int64, detail bool) ([]sluice.RunStep, error) {
	out := make([]sluice.RunStep, 0, len(paths))
	for len(paths) > 0 {
		some := paths[:min(len(paths), stepsAtOnce)]
		paths = paths[len(some):]
		steps, err := tx.stepsAt(run, some, until, detail)
		if err != nil {
			return nil, err
		}
		out = append(out, steps...)
	}
	return out, nil
}

func (tx *Tx) stepsAt(run string, paths []string, until int64, detail bool) ([]sluice.RunStep, error) {
	args := []any{tx.org, run}
	var in []string
	for i := range stepsAtOnce {
		args = append(args, paths[min(i, len(paths)-1)])
		in = append(in, fmt.Sprintf("$%d", i+3))
	}
	where := " WHERE org = $1 AND run = $2 AND path IN (" + strings.Join(in, ", ") + ")"
	columns := "record, '', ''"
	if detail {
		columns = "record, settings, output"
	}
	steps, err := all(tx, scanStep, fmt.Sprintf("SELECT %s FROM run_steps%s AND change <= $%d", columns, where, len(args)+1), append(slices.Clone(args), until)...)
	if err != nil {
		return nil, err
	}
	found := map[string]*sluice.RunStep{}
	for i := range steps {
		found[steps[i].Path] = &steps[i]
	}
	if detail {
		effects, err := tx.effects("SELECT path, effect FROM run_effects"+where+" ORDER BY path, n", args...)
		if err != nil {
			return nil, err
		}
		for path, list := range effects {
			if s := found[path]; s != nil {
				s.Effects = list
			}
		}
	}
	out := make([]sluice.RunStep, 0, len(paths))
	for _, path := range paths {
		if s := found[path]; s != nil {
			out = append(out, *s)
		}
	}
	return out, nil
}
