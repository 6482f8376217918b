package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluice-dev/sluice"
)

// OfRun is the path of one run.
type OfRun struct {
	Run string `path:"run" maxLength:"64" doc:"The run's id."`
}

// OfRuns selects runs.
type OfRuns struct {
	Component   string   `query:"component" maxLength:"128" doc:"Only runs of this component."`
	Environment string   `query:"environment" maxLength:"128" doc:"Only runs in this environment."`
	Version     string   `query:"version" maxLength:"256" doc:"Only runs of this version of the component."`
	Release     int64    `query:"release" minimum:"0" doc:"Only runs of this release of the environment."`
	Status      []string `query:"status" doc:"Only runs that stand so: pending, running, paused, completed, failed, cancelled or interrupted."`
	Session     string   `query:"session" maxLength:"256" doc:"Only runs of this session."`
	Since       string   `query:"since" maxLength:"40" doc:"RFC 3339: only runs that were created at or after it."`
	Until       string   `query:"until" maxLength:"40" doc:"RFC 3339: only runs that were created before it."`
	Text        string   `query:"text" maxLength:"256" doc:"Only runs with this text in their error, input or output."`
}

func (in OfRuns) query() (q sluice.RunQuery, err error) {
	q = sluice.RunQuery{
		Component: in.Component, Environment: in.Environment, Version: in.Version, Release: in.Release, Session: in.Session, Text: in.Text,
	}
	for _, text := range in.Status {
		status, err := sluice.ParseRunStatus(text)
		if err != nil {
			return q, err
		}
		q.Status = append(q.Status, status)
	}
	if q.Since, err = moment(in.Since); err != nil {
		return q, err
	}
	q.Until, err = moment(in.Until)
	return q, err
}

const runsTag = "runs"

func (h *handler) runs() {
	route(h, runsTag, spec{
		method: http.MethodGet, path: "/v1/runs", id: "list-runs", cost: pageCost, summary: "List runs, newest first", description: "Inputs and outputs are left out.",
	}, func(ctx context.Context, in *struct {
		OfRuns
		Paging
	},
	) (out sluice.Page[sluice.Run], err error) {
		q, err := in.query()
		if err != nil {
			return out, err
		}
		q.Paging = in.page()
		return h.Services.Runs(ctx, q)
	})
	route(h, runsTag, spec{method: http.MethodGet, path: "/v1/runs/stats", id: "sum-runs", cost: pageCost, summary: "Sum runs up by version and release"},
		func(ctx context.Context, in *OfRuns) (out sluice.RunStats, err error) {
			q, err := in.query()
			if err != nil {
				return out, err
			}
			return h.Services.RunStats(ctx, q)
		})
	route(h, runsTag, spec{
		method: http.MethodPost, path: "/v1/runs", id: "start-run", needs: sluice.MayRun, summary: "Run a version", status: http.StatusAccepted, body: maxContentBody,
		description: "All versions and the configuration are pinned before it is answered; the run itself goes on afterwards.",
	}, func(ctx context.Context, in *struct {
		Retry
		Body sluice.StartRunRequest
	},
	) (sluice.Run, error) {
		in.Body.IdempotencyKey = in.Key
		return h.Services.StartRun(ctx, in.Body)
	})
	h.oneRun()
	h.changeRun()
}

func (h *handler) oneRun() {
	route(h, runsTag, spec{method: http.MethodGet, path: "/v1/runs/{run}", id: "get-run", summary: "Show one run with its input and output"},
		func(ctx context.Context, in *OfRun) (sluice.Run, error) { return h.Services.Run(ctx, in.Run) })
	listing(h, runsTag, spec{
		method: http.MethodGet, path: "/v1/runs/{run}/steps", id: "list-steps", summary: "List the steps of a run by path", needs: sluice.MayRead,
		description: "A page ends with the step that brings it over 4 MiB, so that one step may be a page by itself.",
	}, func(ctx context.Context, in *struct {
		OfRun
		Paging
		Path   string `query:"path" maxLength:"256" doc:"This step alone, such as 1.0.2."`
		Detail bool   `query:"detail" doc:"With settings, outputs and outside effects."`
	},
	) (items[sluice.RunStep], error) {
		q := sluice.StepQuery{Run: in.Run, Path: in.Path, Detail: in.Detail, After: in.Cursor}
		return items[sluice.RunStep]{h.Services.Steps(ctx, q), in.Limit, func(s sluice.RunStep) string { return s.Path }}, nil
	})
	raw(h, runsTag, spec{
		method: http.MethodGet, path: "/v1/runs/{run}/events", id: "watch-run", patience: -1, summary: "Follow one run as server-sent events",
		description: "An event run for each change of the run, step for each change of a step, and partial while an output is being " +
			"written. The id is the run's change; to see only what came later, ask with the last one, in after or in the header " +
			"Last-Event-ID. The stream ends when the run has.",
	}, describeRunEvents, h.watchRun)
}

func (h *handler) changeRun() {
	route(h, runsTag, spec{method: http.MethodPost, path: "/v1/runs/{run}/cancel", id: "cancel-run", needs: sluice.MayRun, summary: "End a run"},
		func(ctx context.Context, in *struct {
			OfRun
			Body *sluice.CancelRunRequest
		},
		) (sluice.Run, error) {
			req := given(in.Body)
			req.Run = in.Run
			return h.Services.CancelRun(ctx, req)
		})
	route(h, runsTag, spec{
		method: http.MethodPost, path: "/v1/runs/{run}/resume", id: "resume-run", needs: sluice.MayRun, summary: "Let a paused or interrupted run go on", body: maxContentBody,
		description: "With an answer, when it asks for one; by trying the step again, skipping it, or giving its result, when it failed or " +
			"is in doubt.",
	}, func(ctx context.Context, in *struct {
		OfRun
		Body *sluice.ResumeRunRequest
	},
	) (sluice.Run, error) {
		req := given(in.Body)
		req.Run = in.Run
		return h.Services.ResumeRun(ctx, req)
	})
}

func describeRunEvents(op *huma.Operation) {
	text := &huma.Schema{Type: huma.TypeString}
	op.Parameters = []*huma.Param{
		{Name: "run", In: "path", Required: true, Schema: text, Description: "The run's id."},
		{Name: "after", In: "query", Schema: &huma.Schema{Type: huma.TypeInteger}, Description: "The change that was seen last."},
		{Name: "Last-Event-ID", In: "header", Schema: text, Description: "The same as after, as browsers send it."},
	}
	answers("text/event-stream", "A stream that ends with the run.")(op)
}

// quietTime is how long a stream says nothing before a comment keeps it open.
const quietTime = 15 * time.Second

// watchRun writes a run's events. It pulls them in a goroutine of its own, so
// that a quiet run's stream is kept open.
func (h *handler) watchRun(w http.ResponseWriter, r *http.Request) error {
	req := sluice.WatchRunRequest{Run: r.PathValue("run")}
	after := r.URL.Query().Get("after")
	if after == "" {
		after = r.Header.Get("Last-Event-ID")
	}
	if after != "" {
		n, err := strconv.ParseInt(after, 10, 64)
		if err != nil || n < 0 {
			return sluice.Errorf(sluice.Invalid, "after is not the number of a change").Fix("leave it out to see everything")
		}
		req.After = n
	}
	if _, err := h.Services.Run(r.Context(), req.Run); err != nil {
		return err
	}
	type item struct {
		event sluice.RunEvent
		err   error
	}
	events := make(chan item)
	go func() {
		defer close(events)
		for e, err := range h.Services.WatchRun(r.Context(), req) {
			select {
			case events <- item{e, err}:
			case <-r.Context().Done():
				return
			}
		}
	}()
	stream(w)
	quiet := time.NewTicker(quietTime)
	defer quiet.Stop()
	for {
		select {
		case i, open := <-events:
			if !open || i.err != nil || writeRunEvent(w, i.event) != nil {
				return nil // the client resumes, and is told then
			}
		case <-quiet.C:
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil {
				return nil
			}
			flush(w)
		}
	}
}

func stream(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	flush(w)
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() } // who cannot, sends it at the end

func writeRunEvent(w http.ResponseWriter, e sluice.RunEvent) error {
	var body any
	id := ""
	switch e.Type {
	case sluice.RunEventRun:
		body, id = e.Run, fmt.Sprintf("id: %d\n", e.Run.Change)
	case sluice.RunEventStep:
		body = e.Step // the run's event, which follows, carries the id
	case sluice.RunEventPartial:
		body = e.Partial
	}
	sluice.ReplaceAdvice(&body, advised)
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "event: %s\n%sdata: %s\n\n", e.Type, id, data); err != nil {
		return err
	}
	flush(w)
	return nil
}
