package scout

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/sluice-dev/sluice"
)

// console is Scout's name for what is not published yet: the draft, with the
// variables of the environment that is for trying things.
const (
	console     = "console"
	development = "development"
)

// unnamed is the key of a workflow that has neither a key nor a name to derive it from.
const unnamed = "workflow"

// draftRevision stands in the place of a revision that has no number.
const draftRevision = "draft"

// workflowKey is under what the metadata of a run name the workflow, where what
// ran was no version of it.
const workflowKey = "workflow_key"

// executeBody is what a run is asked for with.
type executeBody struct {
	Config    json.RawMessage `json:"workflow_config"` // of a run of what is not stored
	Inputs    json.RawMessage `json:"inputs"`
	Streaming bool            `json:"streaming"`
}

// execute runs a workflow.
func (a *Adapter) execute(w http.ResponseWriter, r *http.Request) error {
	var in executeBody
	if err := decode(r, &in); err != nil {
		return err
	}
	q := r.URL.Query()
	req := sluice.StartRunRequest{Component: r.PathValue("id"), Version: q.Get("revision_id")}
	if err := a.place(r.Context(), &req, q.Get("environment")); err != nil {
		return err
	}
	return a.run(w, r, req, in, r.PathValue("id"))
}

// executeConfig runs a config that is not stored.
func (a *Adapter) executeConfig(w http.ResponseWriter, r *http.Request) error {
	var in executeBody
	if err := decode(r, &in); err != nil {
		return err
	}
	if in.Config == nil {
		return wrong("give the config that is to run", []any{"body", "workflow_config"}, "the workflow_config is missing")
	}
	c, err := readConfig(in.Config, "body", "workflow_config")
	if err != nil {
		return err
	}
	q := r.URL.Query()
	req := sluice.StartRunRequest{Content: &sluice.RunContent{Kind: sluice.KindWorkflow, Files: []sluice.File{c.file}}}
	key := cmp.Or(q.Get("workflow_key"), keyOf(c.DisplayName), unnamed)
	req.Metadata = map[string]string{workflowKey: key}
	if err := a.place(r.Context(), &req, q.Get("environment")); err != nil {
		return err
	}
	return a.run(w, r, req, in, key)
}

// place says where a run takes place: production unless another is named. A
// name that does not exist is a mistake of the request, and nothing runs.
func (a *Adapter) place(ctx context.Context, req *sluice.StartRunRequest, name string) error {
	where := []any{"query", "environment"}
	if name == console {
		name = development
		if err := a.draft(ctx, req); err != nil {
			return err
		}
	}
	if name == "" {
		name = production
	}
	ref, err := sluice.ParseEnvironmentRef(name)
	if err != nil {
		return at(err, where...)
	}
	if _, err := a.environment(ctx, ref.Name, where...); err != nil {
		return err
	}
	req.Environment = name
	return nil
}

// draft has a run take the draft of its component: where that was published, the
// version; where there is none, the latest.
func (a *Adapter) draft(ctx context.Context, req *sluice.StartRunRequest) error {
	if req.Component == "" || req.Version != "" {
		return nil
	}
	c, err := a.find(ctx, req.Component)
	if err != nil {
		return err
	}
	d, err := a.Services.Draft(ctx, c.Name)
	switch {
	case sluice.CodeOf(err) == sluice.NotFound:
		req.Version = "latest"
		return nil
	case err != nil:
		return err
	case d.Published > 0:
		req.Version = strconv.Itoa(d.Published)
		return nil
	}
	req.Component, req.Metadata = "", map[string]string{workflowKey: c.Name}
	req.Content = &sluice.RunContent{Kind: c.Kind, Files: d.Files}
	return nil
}

// run starts a run and answers with its course or its end.
func (a *Adapter) run(w http.ResponseWriter, r *http.Request, req sluice.StartRunRequest, in executeBody, workflow string) error {
	if err := carry(&req, r, in.Inputs); err != nil {
		return err
	}
	started, err := a.Services.StartRun(r.Context(), req)
	if errors.Is(err, sluice.ErrFull) {
		return &refusal{http.StatusTooManyRequests, sluice.AsError(err)}
	}
	if err != nil {
		return err
	}
	run := running{started, workflow, a.wrote(r.Context(), req, in, started)}
	head := w.Header()
	head.Set("X-Sluice-Run", started.ID)
	head.Set("X-Sluice-Environment", started.Environment)
	head.Set("X-Sluice-Revision", run.revision())
	head.Set("X-Sluice-Release", strconv.FormatInt(started.Release, 10))
	if in.Streaming {
		a.stream(w, r, run)
		return nil
	}
	return a.finish(w, r, run)
}

// wrote is what the author of what a request runs wrote. Only events tell it.
func (a *Adapter) wrote(ctx context.Context, req sluice.StartRunRequest, in executeBody, started sluice.Run) author {
	switch {
	case !in.Streaming:
		return author{}
	case req.Content == nil:
		return a.authorOfRun(ctx, started)
	}
	raw, _ := scoutConfig(req.Content.Files)
	return authorOf(raw)
}

// carry fills in what a request brings besides what runs and where. Traffic that
// is split is so by session; without one each run is on its own.
func carry(req *sluice.StartRunRequest, r *http.Request, inputs json.RawMessage) error {
	q := r.URL.Query()
	req.Configured, req.Session, req.IdempotencyKey = true, q.Get("session_id"), r.Header.Get("Idempotency-Key")
	if err := sluice.CheckText("session_id", req.Session, sluice.MaxKeyBytes); err != nil {
		return wrong("use a short word", []any{"query", "session_id"}, "%s", sluice.AsError(err).Message)
	}
	if err := sluice.CheckText("idempotency key", req.IdempotencyKey, sluice.MaxKeyBytes); err != nil {
		return wrong("use a short word", []any{"header", "Idempotency-Key"}, "%s", sluice.AsError(err).Message)
	}
	switch {
	case inputs == nil || string(inputs) == "null":
		inputs = json.RawMessage("{}")
	case !object(inputs):
		return wrong("give the inputs by name", []any{"body", "inputs"}, "it should be an object")
	case len(inputs) > sluice.MaxInputBytes:
		return sluice.Errorf(sluice.LimitExceeded, "the inputs are %d bytes; the limit is %d", len(inputs), sluice.MaxInputBytes).
			Fix("pass a reference to large content, such as a URL")
	}
	req.Input = inputs
	switch {
	case req.Session != "":
		req.Key = req.Session
	case req.IdempotencyKey != "":
		req.Key = req.IdempotencyKey
	default:
		req.Key = uuid.NewString()
	}
	return nil
}

// running is a run and the workflow that it was asked of.
type running struct {
	sluice.Run
	workflow string
	wrote    author
}

// revision is the version that runs.
func (r running) revision() string {
	if r.Version == 0 {
		return draftRevision
	}
	return strconv.Itoa(r.Version)
}

// session is the run's, or the run itself where it was given none.
func (r running) session() string {
	if r.Session == "" {
		return r.ID
	}
	return r.Session
}
