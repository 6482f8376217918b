package scriptum

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

// ResumeThread lets a paused run go on, or one whose worker was lost.
func (s *service) ResumeThread(ctx context.Context, req *pb.ResumeThreadRequest) (*pb.Thread, error) {
	override, err := readJSON("step_input_override_json", req.GetStepInputOverrideJson())
	if err != nil {
		return nil, err
	}
	r, err := s.Services.Run(ctx, req.GetThreadId())
	if err != nil {
		return nil, err
	}
	waiting, err := s.waiting(ctx, r, req.GetStepPath())
	if err != nil {
		return nil, err
	}
	resume, err := resumption(waiting, override)
	if err != nil {
		return nil, err
	}
	resume.Run, resume.Step = r.ID, req.GetStepPath()
	if r, err = s.Services.ResumeRun(ctx, resume); err != nil {
		return nil, err
	}
	return thread(r), nil
}

// waiting is what a run waits for at a step: what it says itself, unless another
// step is named, whose status tells the reason.
func (s *service) waiting(ctx context.Context, r sluice.Run, path string) (sluice.Waiting, error) {
	if r.Status != sluice.RunPaused || r.Waiting == nil {
		return sluice.Waiting{}, nil
	}
	if path == "" || path == r.Waiting.Step {
		return *r.Waiting, nil
	}
	for step, err := range s.Services.Steps(ctx, sluice.StepQuery{Run: r.ID, Path: path}) {
		if err != nil {
			return sluice.Waiting{}, err
		}
		switch step.Status {
		case sluice.StepWaiting:
			return sluice.Waiting{Reason: sluice.WaitAnswer, Step: path, Block: step.Block}, nil
		case sluice.StepFailed:
			return sluice.Waiting{Reason: sluice.WaitError, Step: path, Block: step.Block}, nil
		case sluice.StepUnknown:
			return sluice.Waiting{Reason: sluice.WaitUnknown, Step: path, Block: step.Block}, nil
		}
	}
	return sluice.Waiting{}, sluice.Errorf(sluice.Conflict, "step %.80s of thread %s waits for nothing", path, r.ID).
		Fix("leave step_path out, to answer %s", r.Waiting.Step)
}

// resumption reads an override as what the run waits for. An answer is passed on
// as it is: [sluice.CheckAnswer] knows its forms. After an error the step is done
// again unless something else is asked for; where it is not known whether a step
// had its effect, that must be asked for.
func resumption(w sluice.Waiting, override json.RawMessage) (sluice.ResumeRunRequest, error) {
	switch w.Reason {
	case sluice.WaitAnswer:
		if override == nil {
			return sluice.ResumeRunRequest{}, sluice.Errorf(sluice.Invalid, "%s waits for an answer, and none was given", w.Block).
				Fix(`give step_input_override_json: {"value": …}`)
		}
		return sluice.ResumeRunRequest{Answer: override}, nil
	case sluice.WaitError, sluice.WaitUnknown:
		return outcomeIn(w, override)
	}
	// Not paused: the service knows whether there is something to go on with.
	if override == nil {
		return sluice.ResumeRunRequest{}, nil
	}
	return sluice.ResumeRunRequest{Answer: override}, nil
}

// outcomeIn reads what is to become of a step that failed or was lost.
func outcomeIn(w sluice.Waiting, override json.RawMessage) (sluice.ResumeRunRequest, error) {
	if override == nil && w.Reason == sluice.WaitError {
		return sluice.ResumeRunRequest{Retry: true}, nil
	}
	key, value, single := entry(override)
	yes := strings.TrimSpace(string(value)) == "true"
	switch {
	case single && key == "retry" && yes:
		return sluice.ResumeRunRequest{Retry: true}, nil
	case single && key == "skip" && yes:
		return sluice.ResumeRunRequest{Skip: true}, nil
	case single && key == "result":
		return sluice.ResumeRunRequest{Result: value}, nil
	}
	why := "failed"
	if w.Reason == sluice.WaitUnknown {
		why = "did not come to its end, and may have had its effect"
	}
	return sluice.ResumeRunRequest{}, sluice.Errorf(sluice.Invalid, "%s %s: say what is to become of it", w.Block, why).
		Fix(`give step_input_override_json: {"retry": true} does it again, {"skip": true} goes on without its output, {"result": …} goes on with this one`)
}

// entry is the only entry of an object; false when there is none or another.
func entry(raw json.RawMessage) (key string, value json.RawMessage, single bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || len(object) != 1 {
		return "", nil, false
	}
	for key, value = range object {
	}
	return key, value, true
}
