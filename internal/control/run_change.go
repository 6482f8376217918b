package control

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
	"github.com/sluice-dev/sluice/internal/value"
)

// CancelRun ends a run. What its worker is doing at this moment is not undone.
func (c *Control) CancelRun(ctx context.Context, req sluice.CancelRunRequest) (sluice.Run, error) {
	if err := sluice.CheckText("reason", req.Reason, sluice.MaxNoteBytes); err != nil {
		return sluice.Run{}, err
	}
	return c.changeRun(ctx, req.Run, func(tx *store.Tx, actor sluice.Actor, row *store.RunRow) error {
		if row.Status.Ended() {
			return sluice.Errorf(sluice.Conflict, "run %s has ended: it %s", row.ID, ended(row.Status))
		}
		steps, err := tx.RunSteps(row.ID, 0, false)
		if err != nil {
			return err
		}
		now := tx.WallClock()
		for _, s := range steps {
			if s.Status.Ended() {
				continue
			}
			s, _, err := tx.RunStep(row.ID, s.Path) // with what it was given, one at a time
			if err != nil {
				return err
			}
			s.Status, s.EndedAt, s.WakeAt, s.Change = sluice.StepCancelled, now, 0, row.Change
			if err := tx.PutStep(row.ID, s); err != nil {
				return err
			}
		}
		message := "cancelled by " + actor.Name
		if req.Reason != "" {
			masker, err := c.maskerOf(tx, row.Run)
			if err != nil {
				return err
			}
			message += ": " + masker.Text(req.Reason)
		}
		row.Status, row.EndedAt, row.Waiting = sluice.RunCancelled, now, nil
		row.StartedAt = max(row.StartedAt, row.CreatedAt)
		row.Error = &sluice.RunError{Code: sluice.Conflict, Message: message}
		return dueCallback(tx, row)
	})
}

func ended(s sluice.RunStatus) string {
	if s == sluice.RunCancelled {
		return "was cancelled"
	}
	return string(s)
}

// dueCallback has the one told who asked to be.
func dueCallback(tx *store.Tx, row *store.RunRow) error {
	if row.Callback == "" {
		return nil
	}
	return tx.PutCallback(store.Callback{Run: row.ID, DueAt: tx.WallClock()})
}

// changeRun changes a run for one who may run in its environment, and takes it
// from its worker.
func (c *Control) changeRun(ctx context.Context, id string, fn func(*store.Tx, sluice.Actor, *store.RunRow) error) (sluice.Run, error) {
	var out sluice.Run
	var fence int64
	actor, err := c.may(ctx, sluice.MayRead, "")
	if err != nil {
		return out, err
	}
	err = c.db.Update(ctx, c.org, func(tx *store.Tx) error {
		row, err := findRun(tx, id)
		if err != nil {
			return err
		}
		if err := actor.May(sluice.MayRun, row.Environment); err != nil {
			return err
		}
		row.Change++
		if err := fn(tx, actor, &row); err != nil {
			return err
		}
		row.Fence++ // whoever held it holds it no more
		row.Worker, row.LeaseUntil, fence = "", 0, row.Fence
		if err := tx.PutRun(row); err != nil {
			return err
		}
		out = row.Run
		return tx.Bodies(&out)
	})
	if err != nil {
		return sluice.Run{}, err
	}
	c.runs.taken(id, fence)
	c.runs.changed(id, true)
	return out, nil
}

// ResumeRun lets a paused or interrupted run go on.
func (c *Control) ResumeRun(ctx context.Context, req sluice.ResumeRunRequest) (sluice.Run, error) {
	how, err := howToResume(req)
	if err != nil {
		return sluice.Run{}, err
	}
	out, err := c.changeRun(ctx, req.Run, func(tx *store.Tx, actor sluice.Actor, row *store.RunRow) error {
		resumed := sluice.Resumption{At: tx.WallClock(), Actor: actor.Name, How: how}
		switch {
		case row.Status.Ended():
			return sluice.Errorf(sluice.Conflict, "run %s has ended: it %s", row.ID, ended(row.Status)).Do(sluice.RunComponent(row.Component), "start another")
		case row.Status == sluice.RunPaused && row.Waiting != nil:
			if resumed.Step, err = c.resumeStep(tx, actor, row, req, how); err != nil {
				return err
			}
		case how != "continue":
			return sluice.Errorf(sluice.Conflict, "run %s waits for nobody: it is %s", row.ID, asShown(tx, *row).Status).Do(sluice.GetRun(row.ID), "see {}")
		case row.Status == sluice.RunPaused:
		case row.Status == sluice.RunRunning && row.Held(tx.WallClock()):
			return sluice.Errorf(sluice.Conflict, "run %s is running", row.ID).Do(sluice.FollowRun(row.ID), "follow it")
		}
		if resumed.Secrets, err = c.otherSecrets(tx, row.Run); err != nil {
			return err
		}
		row.Resumed = append(row.Resumed, resumed)
		row.Status, row.Waiting, row.WakeAt = sluice.RunPending, nil, 0
		return nil
	})
	if err == nil {
		c.runs.started()
	}
	return out, err
}

func howToResume(req sluice.ResumeRunRequest) (string, error) {
	hows := []string{}
	for how, given := range map[string]bool{"answer": len(req.Answer) > 0, "retry": req.Retry, "skip": req.Skip, "result": len(req.Result) > 0} {
		if given {
			hows = append(hows, how)
		}
	}
	slices.Sort(hows)
	switch len(hows) {
	case 0:
		return "continue", nil
	case 1:
	default:
		return "", sluice.Errorf(sluice.Invalid, "%s were given together", strings.Join(hows, " and ")).Fix("choose one of them")
	}
	if n := len(req.Answer) + len(req.Result); n > sluice.MaxInputBytes {
		return "", sluice.Errorf(sluice.LimitExceeded, "the %s is %d bytes; the limit is %d", hows[0], n, sluice.MaxInputBytes)
	}
	for _, raw := range []json.RawMessage{req.Answer, req.Result} {
		if len(raw) == 0 {
			continue
		}
		if err := sluice.CheckJSONText("the "+hows[0], raw); err != nil {
			return "", err
		}
		switch _, err := value.Decode(raw); {
		case value.IsRefused(err):
			return "", sluice.Errorf(sluice.Invalid, "the %s cannot be taken: %s", hows[0], err).Fix("%s", value.FixOf(err))
		case err != nil:
			return "", sluice.Errorf(sluice.Invalid, "the %s is not JSON", hows[0]).Fix(`write texts in quotes: "approve"`)
		}
	}
	return hows[0], nil
}

// resumeStep settles what a paused run waits for, and returns its path.
func (c *Control) resumeStep(tx *store.Tx, actor sluice.Actor, row *store.RunRow, req sluice.ResumeRunRequest, how string) (string, error) {
	path := req.Step
	if path == "" {
		path = row.Waiting.Step
	}
	step, found, err := tx.RunStep(row.ID, path)
	if err != nil {
		return "", err
	}
	over, err := overAround(tx, row.ID, path)
	if err != nil {
		return "", err
	}
	if !found || over || step.Status != sluice.StepWaiting && step.Status != sluice.StepFailed && step.Status != sluice.StepUnknown {
		return "", sluice.Errorf(sluice.Conflict, "step %s of run %s waits for nobody", shortly(path), row.ID).Fix("it waits at step %s", row.Waiting.Step)
	}
	now := tx.WallClock()
	asks := step.Status == sluice.StepWaiting && step.Kind == "ask"
	step.Change, step.EndedAt, step.WakeAt = row.Change, now, 0
	masker, err := c.maskerOf(tx, row.Run)
	if err != nil {
		return "", err
	}
	switch how {
	case "answer":
		if !asks {
			return "", sluice.Errorf(sluice.Conflict, "step %s of run %s asks nothing: it %s", path, row.ID, waitsFor(step.Status)).
				Ask("go on with {retry}, {skip} or {result}")
		}
		err = answer(&step, questionOf(step), actor, masker.JSON(req.Answer), now)
	case "retry":
		if asks {
			return "", sluice.Errorf(sluice.Conflict, "step %s of run %s waits for an answer, not for another try", path, row.ID).Do(sluice.GoOn(row.ID, "answer"), "answer it")
		}
		step.Status, step.EndedAt, step.WakeAt, step.Reason = sluice.StepWaiting, 0, now, "tried again by "+actor.Name
	case "skip":
		step.Status, step.Output, step.Reason = sluice.StepIgnored, nil, "skipped by "+actor.Name
	case "result":
		step.Status, step.Output, step.Error, step.Reason = sluice.StepCompleted, masker.JSON(req.Result), nil, "result given by "+actor.Name
	default:
		return "", noWay(*row)
	}
	if err != nil {
		return "", err
	}
	return path, tx.PutStep(row.ID, step)
}

// overAround reports whether a loop or a nested workflow has ended that a step is
// in, with all that failed in it.
func overAround(tx *store.Tx, run, path string) (bool, error) {
	for i := strings.LastIndexByte(path, '.'); i >= 0; i = strings.LastIndexByte(path, '.') {
		path = path[:i]
		outer, found, err := tx.RunStep(run, path)
		if err != nil || found && outer.Status.Ended() {
			return found, err
		}
	}
	return false, nil
}

func waitsFor(s sluice.StepStatus) string {
	switch s {
	case sluice.StepUnknown:
		return "is not known whether it happened"
	case sluice.StepWaiting:
		return "waits for a time"
	}
	return "failed"
}

// questionOf is what an ask block wants to know. Several may ask at once, and the
// run names one of them.
func questionOf(step sluice.RunStep) sluice.Waiting {
	w := sluice.Waiting{Type: "text"}
	asked := new(value.Object)
	if asked.UnmarshalJSON(step.Settings) != nil {
		return w
	}
	if kind, _ := asked.Get("type").(string); kind != "" {
		w.Type = kind
	}
	options, _ := asked.Get("options").([]any)
	for _, option := range options {
		w.Options = append(w.Options, value.Text(option))
	}
	return w
}

// noWay says how a paused run can go on.
func noWay(row store.RunRow) error {
	w := row.Waiting
	if w.Reason == sluice.WaitAnswer {
		return sluice.Errorf(sluice.Conflict, "run %s waits for an answer: %s", row.ID, w.Prompt).Do(sluice.GoOn(row.ID, "answer"), "answer it")
	}
	why := waitsFor(sluice.StepFailed)
	if w.Reason == sluice.WaitUnknown {
		why = waitsFor(sluice.StepUnknown)
	}
	return sluice.Errorf(sluice.Conflict, "run %s is paused at step %s (%s): it %s", row.ID, w.Step, w.Block, why).
		Do(sluice.GoOn(row.ID, "retry"), "do it again").
		Ask("go on without it: {skip}, or with a result of your own: {result=JSON}")
}

// answerEffect is the answer's place on the tape, behind what the question read.
const answerEffect = 100

// answer is what an ask block gets.
func answer(step *sluice.RunStep, w sluice.Waiting, actor sluice.Actor, raw []byte, now sluice.Time) error {
	given, err := sluice.CheckAnswer(w, raw)
	if err != nil {
		return err
	}
	v, err := value.Decode(given)
	if err != nil {
		return err
	}
	body, err := value.Encode(value.Pairs("value", v, "provided_by", actor.Name, "provided_at", now.String()))
	if err != nil {
		return err
	}
	step.Status, step.Output = sluice.StepCompleted, body
	step.Effects = []sluice.Effect{{N: answerEffect, Attempt: 1, Kind: sluice.EffectAnswer, At: now, Response: body}}
	return nil
}

// maskerOf masks the secrets that a run knows.
func (c *Control) maskerOf(tx *store.Tx, run sluice.Run) (*sluice.Masker, error) {
	all, err := c.secretsOf(tx, run)
	if err != nil {
		return nil, err
	}
	former, err := c.formerSecrets(tx, run)
	return sluice.NewMasker(append(all, former...)), err
}

// formerSecrets opens the secrets that a run began with.
func (c *Control) formerSecrets(tx *store.Tx, run sluice.Run) ([]sluice.Variable, error) {
	var out []sluice.Variable
	for _, v := range run.Variables {
		if v.Secret {
			out = append(out, sluice.Variable{Key: v.Key, Component: v.Component, Sealed: sluice.Sealed{Fingerprint: v.Fingerprint, Secret: true}})
		}
	}
	return out, c.openAll(tx, out, true)
}

func (c *Control) secretsOf(tx *store.Tx, run sluice.Run) ([]sluice.Variable, error) {
	if !run.Configured {
		return nil, nil
	}
	components := []string{run.Component}
	for _, p := range run.Components {
		components = append(components, p.Component)
	}
	slices.Sort(components)
	var out []sluice.Variable
	for _, name := range slices.Compact(components) {
		found, err := c.runVariables(tx, run.Environment, run.Release, name)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// otherSecrets are the keys of secrets that have another value than when the run
// was started.
func (c *Control) otherSecrets(tx *store.Tx, run sluice.Run) ([]string, error) {
	now, err := c.secretsOf(tx, run)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, was := range run.Variables {
		same := slices.ContainsFunc(now, func(v sluice.Variable) bool {
			return v.Key == was.Key && v.Component == was.Component && v.Fingerprint == was.Fingerprint
		})
		if was.Secret && !same {
			out = append(out, was.Key)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
