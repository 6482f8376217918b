package store

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/sluice-dev/sluice"
)

// RunRow is a run with what its row keeps besides the record.
type RunRow struct {
	sluice.Run
	Fence      int64
	Worker     string
	LeaseUntil sluice.Time
	WakeAt     sluice.Time
}

// Parts of a run that are kept beside its record.
const (
	partInput   = "input"
	partOutput  = "output"
	partContent = "content"
)

// AddRun writes a new run, with its input and with content that is not stored as
// a version.
func (tx *Tx) AddRun(r sluice.Run, content *sluice.RunContent) error {
	if err := tx.putRun(RunRow{Run: r}, true); err != nil {
		return err
	}
	if err := tx.putBody(r.ID, partInput, r.Input); err != nil || content == nil {
		return err
	}
	body, err := sluice.EncodeJSON(content)
	if err != nil {
		return err
	}
	return tx.putBody(r.ID, partContent, body)
}

// PutRun writes a run that is there, and its output when it has one.
func (tx *Tx) PutRun(r RunRow) error {
	if err := tx.putRun(r, false); err != nil || len(r.Output) == 0 {
		return err
	}
	return tx.putBody(r.ID, partOutput, r.Output)
}

const runSet = `record = $1, version = $2, environment = $3, release = $4, status = $5, session = $6, created_at = $7, started_at = $8, ended_at = $9,
	bucket = $10, steps = $11, input_tokens = $12, output_tokens = $13, cost = $14, change = $15, worker = $16, fence = $17, lease_until = $18,
	wake_at = $19, error = $20, component = $21 WHERE org = $22 AND id = $23`

func (tx *Tx) putRun(r RunRow, fresh bool) error {
	failure := ""
	if r.Error != nil {
		failure = r.Error.Message
	}
	rest := r.Run
	rest.Input, rest.Output, rest.Replayed = nil, nil, false
	record, err := sluice.EncodeJSON(rest)
	if err != nil {
		return err
	}
	args := []any{
		string(record), r.Version, r.Environment, r.Release, string(r.Status), r.Session, r.CreatedAt, r.StartedAt, r.EndedAt,
		Bucket(r.Duration(r.EndedAt)), r.Steps, r.Usage.InputTokens, r.Usage.OutputTokens, r.Usage.Cost, r.Change, r.Worker, r.Fence, r.LeaseUntil,
		r.WakeAt, failure, r.Component, tx.org, r.ID,
	}
	if !fresh {
		return tx.change("UPDATE runs SET "+runSet, args...)
	}
	return tx.change(`INSERT INTO runs (record, version, environment, release, status, session, created_at, started_at, ended_at, bucket, steps,
			input_tokens, output_tokens, cost, change, worker, fence, lease_until, wake_at, error, component, org, id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`, args...)
}

func (tx *Tx) putBody(run, part string, body []byte) error {
	return tx.change(`INSERT INTO run_bodies (org, run, part, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (org, run, part) DO UPDATE SET body = excluded.body`, tx.org, run, part, string(body))
}

func (tx *Tx) body(run, part string) ([]byte, error) {
	text, _, err := first(tx, plain[string], "SELECT body FROM run_bodies WHERE org = $1 AND run = $2 AND part = $3", tx.org, run, part)
	if text == "" {
		return nil, err
	}
	return []byte(text), err
}

// bucketsPerOctave make neighbouring buckets differ by 9 %.
const bucketsPerOctave = 8

// Bucket is the logarithm of a duration in microseconds, 0 for none.
func Bucket(us int64) int64 {
	if us <= 0 {
		return 0
	}
	return 1 + int64(bucketsPerOctave*math.Log2(float64(us)))
}

// OfBucket is the duration in the middle of a bucket.
func OfBucket(b int64) int64 {
	if b <= 0 {
		return 0
	}
	return int64(math.Exp2((float64(b-1) + 0.5) / bucketsPerOctave))
}

const runColumns = "record, status, change, steps, fence, worker, lease_until, wake_at"

func scanRun(s scanner) (RunRow, error) {
	var r RunRow
	var record string
	var status sluice.RunStatus
	var change int64
	var steps int
	if err := s.Scan(&record, &status, &change, &steps, &r.Fence, &r.Worker, &r.LeaseUntil, &r.WakeAt); err != nil {
		return r, err
	}
	err := json.Unmarshal([]byte(record), &r.Run)
	r.Status, r.Change, r.Steps = status, change, steps
	return r, err
}

// Run returns one run, without input and output.
func (tx *Tx) Run(id string) (RunRow, bool, error) {
	return first(tx, scanRun, "SELECT "+runColumns+" FROM runs WHERE org = $1 AND id = $2", tx.org, id)
}

// Bodies fills in a run's input and output.
func (tx *Tx) Bodies(r *sluice.Run) (err error) {
	if r.Input, err = tx.body(r.ID, partInput); err != nil {
		return err
	}
	r.Output, err = tx.body(r.ID, partOutput)
	return err
}

// RunContent is the content of a run that is not stored as a version.
func (tx *Tx) RunContent(id string) (sluice.RunContent, error) {
	var c sluice.RunContent
	body, err := tx.body(id, partContent)
	if err != nil || body == nil {
		return c, err
	}
	return c, json.Unmarshal(body, &c)
}

// Claimable are runs that wait for a worker: new ones, those given back whose
// time has come, and those that nobody holds any more.
func (tx *Tx) Claimable(now sluice.Time, limit int) ([]RunRow, error) {
	after, by := leased(now)
	return all(tx, scanRun, "SELECT "+runColumns+` FROM runs WHERE org = $1 AND status IN ('pending', 'running')
		AND wake_at <= $2 AND (lease_until <= $3 OR lease_until > $4) ORDER BY wake_at, id LIMIT $5`, tx.org, now, after, by, limit)
}

// Overdue are paused runs that have waited long enough.
func (tx *Tx) Overdue(now sluice.Time, limit int) ([]RunRow, error) {
	return all(tx, scanRun, "SELECT "+runColumns+" FROM runs WHERE org = $1 AND status = 'paused' AND wake_at > 0 AND wake_at <= $2 ORDER BY wake_at LIMIT $3",
		tx.org, now, limit)
}

// OpenRuns counts runs that have neither ended nor paused.
func (tx *Tx) OpenRuns() (int64, error) {
	return one[int64](tx, "SELECT COUNT(*) FROM runs WHERE org = $1 AND status IN ('pending', 'running')", tx.org)
}

// Lease holds a run for longer. It reports whether the worker's turn still is.
func (tx *Tx) Lease(id string, fence int64, until sluice.Time) (bool, error) {
	tx.dirty = true
	res, err := tx.exec("UPDATE runs SET lease_until = $1 WHERE org = $2 AND id = $3 AND fence = $4 AND status = 'running'", until, tx.org, id, fence)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Advance writes what each commit of a worker changes, and nothing that an index
// holds: it returns how far the run has come. False says that the turn is over.
func (tx *Tx) Advance(id string, fence int64, begun int, leaseUntil sluice.Time) (change int64, steps int, held bool, err error) {
	tx.dirty = true
	type progress struct {
		change int64
		steps  int
	}
	p, held, err := first(tx, func(s scanner) (p progress, err error) {
		err = s.Scan(&p.change, &p.steps)
		return p, err
	}, `UPDATE runs SET change = change + 1, steps = CASE WHEN steps < $1 THEN $1 ELSE steps END, lease_until = $2
		WHERE org = $3 AND id = $4 AND fence = $5 AND status = 'running' RETURNING change, steps`, begun, leaseUntil, tx.org, id, fence)
	return p.change, p.steps, held, err
}

// PutStep writes a step and adds its effects.
func (tx *Tx) PutStep(run string, s sluice.RunStep) error {
	settings, output, effects := s.Settings, s.Output, s.Effects
	s.Settings, s.Output, s.Effects = nil, nil, nil
	record, err := sluice.EncodeJSON(s)
	if err != nil {
		return err
	}
	if err := tx.change(`INSERT INTO run_steps (org, run, path, change, record, settings, output) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (org, run, path) DO UPDATE SET change = excluded.change, record = excluded.record, settings = excluded.settings, output = excluded.output`,
		tx.org, run, s.Path, s.Change, string(record), string(settings), string(output)); err != nil {
		return err
	}
	for _, e := range effects {
		body, err := sluice.EncodeJSON(e)
		if err != nil {
			return err
		}
		if err := tx.change("INSERT INTO run_effects (org, run, path, n, effect) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (org, run, path, n) DO UPDATE SET effect = excluded.effect",
			tx.org, run, s.Path, e.N, string(body)); err != nil {
			return err
		}
	}
	return nil
}

func scanStep(s scanner) (sluice.RunStep, error) {
	var step sluice.RunStep
	var record, settings, output string
	if err := s.Scan(&record, &settings, &output); err != nil {
		return step, err
	}
	err := json.Unmarshal([]byte(record), &step)
	step.Settings, step.Output = raw(settings), raw(output)
	return step, err
}

func raw(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// RunSteps are the steps of a run that changed after a change, in no order, with
// settings and outputs when asked.
func (tx *Tx) RunSteps(run string, after int64, detail bool) ([]sluice.RunStep, error) {
	columns := "record, '', ''"
	if detail {
		columns = "record, settings, output"
	}
	return all(tx, scanStep, "SELECT "+columns+" FROM run_steps WHERE org = $1 AND run = $2 AND change > $3", tx.org, run, after)
}

// RunBytes is what the steps of a run have collected, in bytes: their records, settings,
// outputs and effects.
func (tx *Tx) RunBytes(run string) (int64, error) {
	return one[int64](tx, `SELECT CAST(COALESCE((SELECT SUM(OCTET_LENGTH(record) + OCTET_LENGTH(settings) + OCTET_LENGTH(output)) FROM run_steps WHERE org = $1 AND run = $2), 0)
		+ COALESCE((SELECT SUM(OCTET_LENGTH(effect)) FROM run_effects WHERE org = $1 AND run = $2), 0) AS BIGINT)`, tx.org, run)
}

// RunStep is one step with settings and output.
func (tx *Tx) RunStep(run, path string) (sluice.RunStep, bool, error) {
	return first(tx, scanStep, "SELECT record, settings, output FROM run_steps WHERE org = $1 AND run = $2 AND path = $3", tx.org, run, path)
}

// effects reads what steps read from the outside or did to it, by path.
func (tx *Tx) effects(query string, args ...any) (map[string][]sluice.Effect, error) {
	type row struct {
		path string
		sluice.Effect
	}
	rows, err := all(tx, func(s scanner) (row, error) {
		var r row
		var body string
		if err := s.Scan(&r.path, &body); err != nil {
			return r, err
		}
		return r, json.Unmarshal([]byte(body), &r.Effect)
	}, query, args...)
	out := map[string][]sluice.Effect{}
	for _, r := range rows {
		out[r.path] = append(out[r.path], r.Effect)
	}
	return out, err
}

// DeleteRuns removes the oldest runs of an environment that ended before a time,
// and reports how many there were.
func (tx *Tx) DeleteRuns(environment string, before sluice.Time, limit int) (int, error) {
	ids, err := all(tx, plain[string], `SELECT id FROM runs WHERE org = $1 AND environment = $2 AND created_at < $3 AND ended_at < $4
		AND status IN ('completed', 'failed', 'cancelled') ORDER BY id LIMIT $5`, tx.org, environment, before, before, limit)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		for _, table := range []string{"run_callbacks", "run_effects", "run_steps", "run_bodies"} {
			if err := tx.change("DELETE FROM "+table+" WHERE org = $1 AND run = $2", tx.org, id); err != nil {
				return 0, err
			}
		}
		if err := tx.change("DELETE FROM runs WHERE org = $1 AND id = $2", tx.org, id); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// Callback is an ended run that someone is to be told about.
type Callback struct {
	Run      string
	DueAt    sluice.Time
	Attempts int
}

// PutCallback writes when a callback is next to be tried.
func (tx *Tx) PutCallback(c Callback) error {
	return tx.change(`INSERT INTO run_callbacks (org, run, due_at, attempts) VALUES ($1, $2, $3, $4)
		ON CONFLICT (org, run) DO UPDATE SET due_at = excluded.due_at, attempts = excluded.attempts`, tx.org, c.Run, c.DueAt, c.Attempts)
}

// DropCallback removes one that was heard, or given up.
func (tx *Tx) DropCallback(run string) error {
	return tx.change("DELETE FROM run_callbacks WHERE org = $1 AND run = $2", tx.org, run)
}

// Callbacks are those that are due, and those that are due later than any can be:
// a clock that was ahead has set them.
func (tx *Tx) Callbacks(now, latest sluice.Time, limit int) ([]Callback, error) {
	return all(tx, func(s scanner) (Callback, error) {
		var c Callback
		err := s.Scan(&c.Run, &c.DueAt, &c.Attempts)
		return c, err
	}, "SELECT run, due_at, attempts FROM run_callbacks WHERE org = $1 AND (due_at <= $2 OR due_at > $3) ORDER BY due_at LIMIT $4", tx.org, now, latest, limit)
}

// likeText is a pattern that finds a text anywhere.
func likeText(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(text)) + "%"
}
