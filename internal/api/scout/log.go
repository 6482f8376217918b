package scout

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
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
	found, err := a.Services.Runs(ctx, ask)
	if err != nil {
		return invalid(err, "query")
	}
	name := a.displayName(ctx, ask.Component)
	out := openLines(w)
	defer out.close()
	for _, run := range found.Items {
		one := logOf(run, name)
		if q.Get("summary_only") != "true" {
			if one, err = a.detailed(ctx, run, name); err != nil {
				a.note(r, sluice.AsError(err))
				return nil // the stream lacks its end, so nobody takes it for whole
			}
		}
		if out.value(one) != nil {
			return nil
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
		return sluice.ParseTime(text, now)
	}
	t, err := sluice.ParseTime(text+"T00:00", now)
	return t + sluice.Time(more.Microseconds()), err
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
		found, err := a.Services.Runs(ctx, sluice.RunQuery{Component: id, Session: session, Paging: sluice.Paging{Limit: 1}})
		if err != nil {
			return err
		}
		run = session // a run without a session is its own
		if len(found.Items) > 0 {
			run = found.Items[0].ID
		}
	}
	found, err := a.Services.Run(ctx, run)
	if err == nil && sluice.FoldName(workflowOf(found)) != sluice.FoldName(id) {
		err = sluice.Errorf(sluice.NotFound, "run %s is not of workflow %s", found.ID, id).Fix("it is of %s", found.Ref())
	}
	if err != nil {
		return err
	}
	out, err := a.detailed(ctx, found, a.displayName(ctx, found.Component))
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, out)
	return nil
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

// detailed is the record of a run with its blocks.
func (a *Adapter) detailed(ctx context.Context, summary sluice.Run, name string) (runLog, error) {
	run, err := a.Services.Run(ctx, summary.ID)
	if err != nil {
		return runLog{}, err
	}
	steps, err := a.Services.Steps(ctx, sluice.StepQuery{Run: run.ID, Detail: true})
	if err != nil {
		return runLog{}, err
	}
	out := logOf(run, name)
	for _, s := range steps {
		key := s.Block
		if strings.Contains(s.Path, ".") { // of a loop or a nested workflow: there are many
			key = s.Path
		}
		out.Blocks[key] = blockOf(s)
	}
	return out, nil
}
