package scout

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/budget"
)

// pagination ends a list of logs.
type pagination struct {
	Final   bool   `json:"final"`
	HasMore bool   `json:"has_more"`
	Next    string `json:"next_cursor,omitempty"`
}

// listLogs tells the runs of a workflow, newest first, as a stream.
func (a *Adapter) listLogs(w http.ResponseWriter, r *http.Request) error {
	q, ctx := r.URL.Query(), r.Context()
	ask, err := a.logQuery(ctx, q)
	if err != nil {
		return err
	}
	if _, err := a.Services.Component(ctx, ask.Component); err != nil {
		return err
	}
	found, err := a.Services.Runs(ctx, ask)
	if err != nil {
		return invalid(err, "query")
	}
	name := a.displayName(ctx, ask.Component)
	out, wrote := openLines(w), authors{adapter: a}
	for _, run := range found.Items {
		if q.Get("summary_only") == "true" {
			err = out.value(summary{logOf(run, name), map[string]blockRun{}})
		} else if err = out.write("data: "); err == nil {
			if err = a.writeLog(ctx, run.ID, name, wrote.of(ctx, run), out.write); err == nil {
				err = out.write("\n\n")
			}
		}
		if err != nil {
			if !out.lost {
				a.note(r, sluice.AsError(err))
			}
			return nil // the stream lacks its end, so nobody takes it for whole
		}
	}
	if out.value(pagination{Final: true, HasMore: found.Next != "", Next: found.Next}) == nil {
		_ = out.done() // who went away gets no answer
	}
	return nil
}

// logQuery reads which runs are asked for.
func (a *Adapter) logQuery(ctx context.Context, q url.Values) (sluice.RunQuery, error) {
	ask := sluice.RunQuery{Component: q.Get("workflow_id"), Version: q.Get("revision_id"), Session: q.Get("session_id"), Paging: sluice.Paging{Cursor: q.Get("cursor")}}
	if ask.Component == "" {
		return ask, wrong("give workflow_id", []any{"query", "workflow_id"}, "no workflow is named")
	}
	var err error
	if ask.Limit, err = page(q, standardPage); err != nil {
		return ask, err
	}
	if name := q.Get("environment"); name != "" {
		e, err := a.environment(ctx, name, "query", "environment")
		if err != nil {
			return ask, err
		}
		ask.Environment = e.Name
	}
	for _, list := range q["status"] {
		for word := range strings.SplitSeq(list, ",") {
			status, err := sluice.ParseRunStatus(strings.TrimSpace(word))
			if err != nil {
				return ask, at(err, "query", "status")
			}
			ask.Status = append(ask.Status, status)
		}
	}
	if ask.Since, err = moment(q.Get("start_date"), 0); err != nil {
		return ask, at(err, "query", "start_date")
	}
	if ask.Until, err = moment(q.Get("end_date"), 24*time.Hour); err != nil {
		return ask, at(err, "query", "end_date")
	}
	return ask, nil
}

var dateForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)

// moment reads a time. Of a date it is the beginning, with more added.
func moment(text string, more time.Duration) (sluice.Time, error) {
	if text == "" {
		return 0, nil
	}
	now := time.Now().UTC()
	if !dateForm.MatchString(text) {
		more = 0
	}
	span, err := sluice.ParseSpan(text, now)
	return span.First + sluice.Time(more.Microseconds()), err
}

// showLog tells one run, named by its id or as the latest of a session.
func (a *Adapter) showLog(w http.ResponseWriter, r *http.Request) error {
	q, ctx := r.URL.Query(), r.Context()
	id, run, session := q.Get("workflow_id"), q.Get("workflow_run_id"), q.Get("session_id")
	switch {
	case id == "":
		return wrong("give workflow_id", []any{"query", "workflow_id"}, "no workflow is named")
	case run == "" && session == "":
		return wrong("give workflow_run_id or session_id", []any{"query", "workflow_run_id"}, "no run is named")
	}
	if run == "" {
		if _, err := a.Services.Component(ctx, id); err != nil {
			return err
		}
		found, err := a.Services.Runs(ctx, sluice.RunQuery{Component: id, Session: session, Paging: sluice.Paging{Limit: 1}})
		if err != nil {
			return err
		}
		run = session // a run without a session is its own
		if len(found.Items) > 0 {
			run = found.Items[0].ID
		}
	}
	looking, held := budget.WithScope(ctx)
	found, err := a.Services.Run(looking, run)
	held.Release()
	if err == nil && sluice.FoldName(workflowOf(found)) != sluice.FoldName(id) {
		err = sluice.Errorf(sluice.NotFound, "run %s is not of workflow %s", found.ID, id).Fix("it is of %s", found.Ref())
	}
	if err != nil {
		return err
	}
	name := a.displayName(ctx, found.Component)
	wrote := a.authorOfRun(ctx, found)
	return answerPieces(w, func(write func(string) error) error { return a.writeLog(ctx, run, name, wrote, write) })
}

// displayName is what a workflow is called, by its latest revision.
func (a *Adapter) displayName(ctx context.Context, component string) string {
	var named config
	if v, err := a.Services.Version(ctx, component, "latest"); err == nil {
		if raw, err := a.configOf(ctx, v); err == nil {
			_ = json.Unmarshal(raw, &named) // in another form it has its key alone
		}
	}
	if named.DisplayName == "" {
		return component
	}
	return named.DisplayName
}

// writeLog writes the record of a run: block by block, and then what is of the run
// itself, so that one part of it is in memory at a time.
func (a *Adapter) writeLog(ctx context.Context, id, name string, wrote author, write func(string) error) error {
	err := a.writeBlocks(ctx, id, `{"blocks":{`, write, func(s sluice.RunStep) (string, any) {
		if strings.Contains(s.Path, ".") { // of a loop or a nested workflow: there are many
			return s.Path, blockOf(s, wrote.block(s))
		}
		return s.Block, blockOf(s, wrote.block(s))
	})
	if err != nil {
		return err
	}
	ctx, held := budget.WithScope(ctx)
	defer held.Release()
	run, err := a.Services.Run(ctx, id)
	if err != nil {
		return err
	}
	rest, err := encode(logOf(run, name))
	if err != nil {
		return err
	}
	return write("," + rest[1:])
}

// writeBlocks writes an object with what was made of each step of a run, behind
// something. A step of which nothing is to be told has no name.
func (a *Adapter) writeBlocks(ctx context.Context, run, begin string, write func(string) error, tell func(sluice.RunStep) (string, any)) error {
	for s, err := range a.Services.Steps(ctx, sluice.StepQuery{Run: run, Detail: true}) {
		if err != nil {
			return err
		}
		name, value := tell(s)
		if name == "" {
			continue
		}
		key, err := encode(name)
		if err != nil {
			return err
		}
		text, err := encode(value)
		if err != nil {
			return err
		}
		if err := write(begin + key + ":" + text); err != nil {
			return err
		}
		begin = ","
	}
	if begin == "," {
		begin = ""
	}
	return write(begin + "}")
}

// answerPieces answers with JSON that is written piece by piece. What goes wrong
// after the first cuts the answer off, so that nobody takes it for whole.
func answerPieces(w http.ResponseWriter, all func(write func(string) error) error) error {
	begun := false
	err := all(func(text string) error {
		if !begun {
			begun = true
			setJSON(w)
		}
		_, err := io.WriteString(w, text)
		return err
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler)
	}
	return err
}
