package scriptum

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

// threadStatuses are the statuses as this service has them. A run whose worker was
// lost is still on its way here: a server goes on with it.
var threadStatuses = map[sluice.RunStatus]pb.ThreadStatus{
	sluice.RunPending:     pb.ThreadStatus_THREAD_STATUS_PENDING,
	sluice.RunRunning:     pb.ThreadStatus_THREAD_STATUS_RUNNING,
	sluice.RunInterrupted: pb.ThreadStatus_THREAD_STATUS_RUNNING,
	sluice.RunPaused:      pb.ThreadStatus_THREAD_STATUS_PAUSED,
	sluice.RunCompleted:   pb.ThreadStatus_THREAD_STATUS_COMPLETED,
	sluice.RunFailed:      pb.ThreadStatus_THREAD_STATUS_FAILED,
	sluice.RunCancelled:   pb.ThreadStatus_THREAD_STATUS_CANCELLED,
}

// thread is a run as this service tells it. The step that runs is not in a run:
// see current.
func thread(r sluice.Run) *pb.Thread {
	out := &pb.Thread{
		ThreadId: r.ID, ScriptName: r.Component, Version: int32(r.Version), Status: threadStatuses[r.Status],
		TotalSteps: int32(r.Steps), CreatedAtMs: millis(r.CreatedAt), StartedAtMs: millis(r.StartedAt), FinishedAtMs: millis(r.EndedAt),
		Label: string(r.Label), Digest: string(r.Digest), Environment: r.Environment, Release: r.Release, LoadEnv: r.Configured,
		Metadata: r.Metadata, CallbackUrl: r.Callback, Notes: sluice.WarningTexts(r.Warnings, speech), Replayed: r.Replayed,
	}
	if r.Status == sluice.RunInterrupted {
		out.Notes = append(out.Notes, "its worker was lost; a server goes on with it, or ResumeThread does")
	}
	if e := r.Error; e != nil {
		out.Error, out.CurrentStepPath, out.CurrentStepName = told(e), e.Step, e.Block
	}
	if w := r.Waiting; w != nil && r.Status == sluice.RunPaused {
		out.CurrentStepPath, out.CurrentStepName = w.Step, w.Block
		out.Waiting = &pb.Waiting{
			Reason: string(w.Reason), StepPath: w.Step, StepName: w.Block, SinceMs: millis(w.Since), UntilMs: millis(w.Until),
			Prompt: w.Prompt, Type: w.Type, Options: w.Options, DefaultJson: text(w.Default),
		}
	}
	return out
}

// told is an error as its sentence and what to do next.
func told(e *sluice.RunError) string {
	message := e.Message
	for _, fix := range sluice.InWords(e.Fixes, speech) {
		message += "\n  fix: " + fix
	}
	return strings.ToValidUTF8(message, "�")
}

// millis is a time in milliseconds since 1970, 0 for none.
func millis(t sluice.Time) int64 { return int64(t) / 1000 }

// text is JSON as a field of text holds it.
func text(raw json.RawMessage) string { return strings.ToValidUTF8(string(raw), "�") }

// CreateThread starts a run in the default environment, of what is live there
// unless a version is named.
func (s *service) CreateThread(ctx context.Context, req *pb.CreateThreadRequest) (*pb.Thread, error) {
	if req.GetScriptName() == "" {
		return nil, sluice.Errorf(sluice.Invalid, "no script is named").Fix("give script_name")
	}
	start := sluice.StartRunRequest{
		Component: req.GetScriptName(), Configured: req.GetLoadEnv(), Metadata: req.GetMetadata(), Callback: req.GetCallbackUrl(),
	}
	switch v := req.GetVersion(); {
	case v < 0:
		return nil, sluice.Errorf(sluice.Invalid, "version %d does not exist", v).Fix("versions begin at 1; 0 is the active one")
	case v > 0:
		start.Version = strconv.Itoa(int(v))
	}
	return s.start(ctx, start, req.GetInputJson(), req.GetTimeout())
}

// TestScriptDraft runs a script's draft as it stands. It is not stored as a
// version, so it gets the tenant's variables and no overlay.
func (s *service) TestScriptDraft(ctx context.Context, req *pb.TestScriptDraftRequest) (*pb.Thread, error) {
	c, err := s.Services.Component(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	d, err := s.Services.Draft(ctx, c.Name)
	if err != nil {
		return nil, err
	}
	return s.start(ctx, sluice.StartRunRequest{
		Content: &sluice.RunContent{Kind: c.Kind, Files: d.Files}, Configured: req.GetLoadEnv(),
	}, req.GetInputJson(), req.GetTimeout())
}

func (s *service) start(ctx context.Context, req sluice.StartRunRequest, input, timeout string) (*pb.Thread, error) {
	var err error
	if req.Input, err = readJSON("input_json", input); err != nil {
		return nil, err
	}
	if req.Timeout, err = seconds(timeout); err != nil {
		return nil, err
	}
	req.IdempotencyKey = change(ctx).IdempotencyKey
	r, err := s.Services.StartRun(ctx, req)
	if err != nil {
		return nil, err
	}
	return thread(r), nil
}

// readJSON reads a field that holds JSON; empty is none. What is wrong is told by
// its place: the text may be a secret.
func readJSON(field, text string) (json.RawMessage, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if len(text) > sluice.MaxInputBytes {
		return nil, sluice.Errorf(sluice.LimitExceeded, "%s is %d bytes; the limit is %d", field, len(text), sluice.MaxInputBytes).
			Fix("pass a reference to large content, such as a URL")
	}
	raw := json.RawMessage(text)
	if err := json.Unmarshal(raw, new(json.RawMessage)); err != nil {
		at := len(text)
		if wrong, ok := err.(*json.SyntaxError); ok {
			at = int(wrong.Offset)
		}
		return nil, sluice.Errorf(sluice.Invalid, "%s is not JSON: see byte %d of %d", field, at, len(text)).
			Fix(`write an object as text, such as "{\"id\": 7}"`)
	}
	return raw, nil
}

// seconds reads a duration such as 5m, or seconds as a bare number. Parts of a
// second count as a whole one.
func seconds(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if n, atoi := strconv.ParseInt(s, 10, 32); atoi == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d <= 0 {
		return 0, sluice.Errorf(sluice.Invalid, "timeout %.40q is not a duration", s).Fix("write 90s, 5m or 1h; leave it out for no timeout")
	}
	return int64((d-1)/time.Second) + 1, nil
}

// GetThread shows a run, with the step that it is at.
func (s *service) GetThread(ctx context.Context, req *pb.GetThreadRequest) (*pb.Thread, error) {
	r, err := s.Services.Run(ctx, req.GetThreadId())
	if err != nil {
		return nil, err
	}
	out := thread(r)
	if r.Status != sluice.RunRunning && r.Status != sluice.RunInterrupted {
		return out, nil
	}
	steps, err := sluice.Collect(s.Services.Steps(ctx, sluice.StepQuery{Run: r.ID}))
	if err != nil {
		return nil, err
	}
	if at := current(steps); at != nil {
		out.CurrentStepPath, out.CurrentStepName = at.Path, at.Block
	}
	return out, nil
}

// current is the step that began last among those that have not ended, nil when
// there is none.
func current(steps []sluice.RunStep) *sluice.RunStep {
	var at *sluice.RunStep
	for i, step := range steps {
		if !step.Status.Ended() && (at == nil || step.StartedAt >= at.StartedAt) {
			at = &steps[i]
		}
	}
	return at
}

// ListThreads lists runs in all environments, newest first.
func (s *service) ListThreads(ctx context.Context, req *pb.ListThreadsRequest) (*pb.ListThreadsResponse, error) {
	statuses, err := readStatus(req.GetStatusFilter())
	if err != nil {
		return nil, err
	}
	page, err := s.Services.Runs(ctx, sluice.RunQuery{
		Component: req.GetScriptNameFilter(), Status: statuses,
		Paging: sluice.Paging{Limit: int(req.GetPageSize()), Cursor: req.GetPageToken()},
	})
	if err != nil {
		return nil, err
	}
	out := &pb.ListThreadsResponse{NextPageToken: page.Next}
	for _, r := range page.Items {
		out.Threads = append(out.Threads, thread(r))
	}
	return out, nil
}

// readStatus reads the name of a status in either case, with its prefix or
// without. Empty is all of them.
func readStatus(name string) ([]sluice.RunStatus, error) {
	const prefix = "THREAD_STATUS_"
	word := strings.TrimPrefix(strings.ToUpper(name), prefix)
	if word == "" || word == "UNSPECIFIED" {
		return nil, nil
	}
	status, known := pb.ThreadStatus_value[prefix+word]
	if !known {
		return nil, sluice.Errorf(sluice.Invalid, "%.40q is not the status of a thread", name).
			Fix("choose one of pending, running, paused, completed, failed, cancelled")
	}
	var out []sluice.RunStatus
	for _, s := range sluice.RunStatuses() {
		if threadStatuses[s] == pb.ThreadStatus(status) {
			out = append(out, s)
		}
	}
	return out, nil
}

// CancelThread ends a run.
func (s *service) CancelThread(ctx context.Context, req *pb.CancelThreadRequest) (*pb.Thread, error) {
	r, err := s.Services.CancelRun(ctx, sluice.CancelRunRequest{Run: req.GetThreadId(), Reason: req.GetReason()})
	if err != nil {
		return nil, err
	}
	return thread(r), nil
}

// ListArtifacts lists none: what a run leaves behind are its outputs.
func (s *service) ListArtifacts(ctx context.Context, req *pb.ListArtifactsRequest) (*pb.ListArtifactsResponse, error) {
	if _, err := s.Services.Run(ctx, req.GetThreadId()); err != nil {
		return nil, err
	}
	return &pb.ListArtifactsResponse{}, nil
}
