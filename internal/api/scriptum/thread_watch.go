package scriptum

import (
	"context"
	"iter"

	"google.golang.org/grpc"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

// stepStatuses are the statuses as this service has them.
var stepStatuses = map[sluice.StepStatus]pb.StepStatus{
	sluice.StepRunning:   pb.StepStatus_STEP_STATUS_RUNNING,
	sluice.StepWaiting:   pb.StepStatus_STEP_STATUS_WAITING,
	sluice.StepCompleted: pb.StepStatus_STEP_STATUS_COMPLETED,
	sluice.StepFailed:    pb.StepStatus_STEP_STATUS_FAILED,
	sluice.StepIgnored:   pb.StepStatus_STEP_STATUS_IGNORED,
	sluice.StepSkipped:   pb.StepStatus_STEP_STATUS_SKIPPED,
	sluice.StepCancelled: pb.StepStatus_STEP_STATUS_CANCELLED,
	sluice.StepUnknown:   pb.StepStatus_STEP_STATUS_UNKNOWN,
}

func step(r sluice.RunStep) *pb.Step {
	out := &pb.Step{
		StepPath: r.Path, StepName: r.Block, Primitive: r.Kind, Tool: r.Component, Status: stepStatuses[r.Status], Reason: r.Reason,
		Attempts: int32(r.Attempts), StartedAtMs: millis(r.StartedAt), FinishedAtMs: millis(r.EndedAt),
		Notes: sluice.WarningTexts(r.Warnings, speech),
	}
	if r.Error != nil {
		out.Error = told(r.Error)
	}
	return out
}

func partial(p sluice.Partial) *pb.PartialOutput {
	return &pb.PartialOutput{StepPath: p.Path, StepName: p.Block, Text: text([]byte(p.Text))}
}

// WatchThread follows a run until it has ended; a pause is not an end.
func (s *service) WatchThread(req *pb.WatchThreadRequest, stream grpc.ServerStreamingServer[pb.ThreadEvent]) error {
	return s.watchThread(stream.Context(), req, stream.Send)
}

func (s *service) watchThread(ctx context.Context, req *pb.WatchThreadRequest, send func(*pb.ThreadEvent) error) error {
	for e, err := range s.events(ctx, req.GetThreadId(), req.GetAfter()) {
		if err != nil {
			return err
		}
		out := &pb.ThreadEvent{}
		switch {
		case e.Run != nil: // which comes after the steps that changed with it
			out.Event, out.Change = &pb.ThreadEvent_Thread{Thread: thread(*e.Run)}, e.Run.Change
		case e.Step != nil:
			out.Event = &pb.ThreadEvent_Step{Step: step(*e.Step)}
		case e.Partial != nil:
			out.Event = &pb.ThreadEvent_Partial{Partial: partial(*e.Partial)}
		default:
			continue
		}
		if err := send(out); err != nil {
			return err
		}
	}
	return nil
}

// WatchStep follows one step until it has ended, or its run has.
func (s *service) WatchStep(req *pb.WatchStepRequest, stream grpc.ServerStreamingServer[pb.StepEvent]) error {
	return s.watchStep(stream.Context(), req, stream.Send)
}

func (s *service) watchStep(ctx context.Context, req *pb.WatchStepRequest, send func(*pb.StepEvent) error) error {
	if req.GetStepPath() == "" {
		return sluice.Errorf(sluice.Invalid, "no step is named").Fix("give step_path, such as 0, or follow all steps with WatchThread")
	}
	seen := false
	for e, err := range s.events(ctx, req.GetThreadId(), 0) {
		out := &pb.StepEvent{}
		switch {
		case err != nil:
			return err
		case e.Step != nil && e.Step.Path == req.GetStepPath():
			out.Event = &pb.StepEvent_Step{Step: step(*e.Step)}
		case e.Partial != nil && e.Partial.Path == req.GetStepPath():
			out.Event = &pb.StepEvent_Partial{Partial: partial(*e.Partial)}
		default:
			continue
		}
		seen = true
		if err := send(out); err != nil || e.Step != nil && e.Step.Status.Ended() {
			return err
		}
	}
	if !seen {
		return noStep(req.GetThreadId(), req.GetStepPath())
	}
	return nil
}

func noStep(thread, path string) error {
	return sluice.Errorf(sluice.NotFound, "thread %s has no step %.80q", thread, path).
		Do(sluice.ListSteps(thread), "see {}")
}

// events are the changes of a run up to its end. Without one they end in an error:
// the token that asked for them has expired, or the server is closing.
func (s *service) events(ctx context.Context, id string, after int64) iter.Seq2[sluice.RunEvent, error] {
	return func(yield func(sluice.RunEvent, error) bool) {
		expires := sluice.ActorOf(ctx).ExpiresAt
		limited := ctx
		if expires != 0 {
			var cancel context.CancelFunc
			limited, cancel = context.WithDeadline(ctx, expires.Std())
			defer cancel()
		}
		ended := false
		for e, err := range s.Services.WatchRun(limited, sluice.WatchRunRequest{Run: id, After: after}) {
			if limited.Err() != nil {
				break
			}
			ended = ended || e.Run != nil && e.Run.Status.Ended()
			if !yield(e, err) || err != nil {
				return
			}
		}
		switch {
		case ctx.Err() != nil: // nobody listens
			yield(sluice.RunEvent{}, ctx.Err())
		case limited.Err() != nil:
			yield(sluice.RunEvent{}, sluice.Errorf(sluice.Unauthenticated, "the token has expired").Fix("ask again with a new one"))
		case !ended:
			yield(sluice.RunEvent{}, sluice.Errorf(sluice.Unavailable, "the server is closing; thread %s is not at its end", id).Fix("watch it again in a moment"))
		}
	}
}
