package control

import (
	"context"
	"maps"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
	"github.com/sluice-dev/sluice/internal/value"
)

// StartRun pins everything that a run takes, and queues it.
func (c *Control) StartRun(ctx context.Context, req sluice.StartRunRequest) (sluice.Run, error) {
	actor, err := c.may(ctx, sluice.MayRead, "")
	if err != nil {
		return sluice.Run{}, err
	}
	if err := checkStart(req); err != nil {
		return sluice.Run{}, err
	}
	run, err := c.prepare(ctx, actor, req)
	if err != nil {
		return run, err
	}
	out, err := update(ctx, c, "run", compared(req), sluice.Change{IdempotencyKey: req.IdempotencyKey}, func(tx *store.Tx) (sluice.Run, error) {
		open, err := tx.OpenRuns()
		if err != nil {
			return run, err
		}
		if open >= int64(c.bounds.Queue) {
			return run, sluice.Errorf(sluice.LimitExceeded, "%d runs are waiting or running; the limit is %d", open, c.bounds.Queue).
				Do(sluice.StartServer("runs"), "try again later, or raise it").Do(sluice.ListRuns(sluice.RunRunning), "see what runs").Because(sluice.ErrFull)
		}
		run.CreatedAt = tx.WallClock()
		if req.Timeout > 0 {
			run.Deadline = run.CreatedAt + sluice.Time(req.Timeout*1_000_000)
		}
		return run, tx.AddRun(run, req.Content)
	})
	if err == nil && !out.Replayed {
		c.runs.started()
	}
	return out, err
}

// compared is a request in the form in which it is compared with another one: by
// what its input says, whatever the order of its keys and the digits of its numbers.
func compared(req sluice.StartRunRequest) sluice.StartRunRequest {
	if v, err := value.Decode(req.Input); err == nil {
		req.Input = value.Normal(v)
	}
	return req
}

// maxTimeout bounds how long a run may be given, in seconds.
const maxTimeout = 365 * 24 * 3600

func checkStart(req sluice.StartRunRequest) error {
	switch {
	case req.Component == "" && req.Content == nil:
		return sluice.Errorf(sluice.Invalid, "the run names no component").Fix("name one, or send the content that is to run")
	case req.Component != "" && req.Content != nil:
		return sluice.Errorf(sluice.Invalid, "the run names the component %s and brings content of its own", req.Component).Fix("leave one of the two out")
	case req.Content != nil && req.Version != "":
		return sluice.Errorf(sluice.Invalid, "content that is not stored has no version %s", req.Version).Fix("leave the version out")
	case len(req.Input) > sluice.MaxInputBytes:
		return sluice.Errorf(sluice.LimitExceeded, "the input is %d bytes; the limit is %d", len(req.Input), sluice.MaxInputBytes).
			Fix("pass a reference to large content, such as a URL")
	case req.Timeout < 0 || req.Timeout > maxTimeout:
		return sluice.Errorf(sluice.Invalid, "a timeout is 1 second to 365 days, not %d seconds", req.Timeout)
	case len(req.Key) > sluice.MaxKeyBytes:
		return sluice.Errorf(sluice.LimitExceeded, "the key is %d bytes; the limit is %d", len(req.Key), sluice.MaxKeyBytes)
	}
	if req.Content != nil {
		if _, _, err := sluice.CheckFiles(req.Content.Files); err != nil {
			return err
		}
	}
	if req.Callback != "" {
		if u, err := url.Parse(req.Callback); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(req.Callback) > 2048 {
			return sluice.Errorf(sluice.Invalid, "the callback is not an http or https URL").Fix("write it in full: https://example.com/hooks/run")
		}
	}
	if err := sluice.CheckJSONText("the input", req.Input); err != nil {
		return err
	}
	return checkRunWords(req)
}

func checkRunWords(req sluice.StartRunRequest) error {
	if err := sluice.CheckIsText("the key", req.Key); err != nil {
		return err
	}
	if err := sluice.CheckText("session", req.Session, sluice.MaxTicketBytes); err != nil {
		return err
	}
	if len(req.Metadata) > 64 {
		return sluice.Errorf(sluice.LimitExceeded, "%d entries of metadata; the limit is 64", len(req.Metadata))
	}
	for _, key := range slices.Sorted(maps.Keys(req.Metadata)) {
		if err := sluice.CheckText("metadata key", key, sluice.MaxTicketBytes); err != nil {
			return err
		}
		if err := sluice.CheckText("metadata value", req.Metadata[key], sluice.MaxNoteBytes); err != nil {
			return err
		}
	}
	return nil
}

// prepare pins what a run takes: versions, configuration and input.
func (c *Control) prepare(ctx context.Context, actor sluice.Actor, req sluice.StartRunRequest) (sluice.Run, error) {
	run := sluice.Run{
		ID: uuid.Must(uuid.NewV7()).String(), Status: sluice.RunPending, Actor: actor.Name, Configured: req.Configured,
		Session: req.Session, Metadata: req.Metadata, Callback: req.Callback, Change: 1,
	}
	if c.eval == nil {
		return run, noEvaluator()
	}
	var p *pinning
	err := c.view(ctx, func(tx *store.Tx) (err error) {
		if p, err = c.pinning(tx, actor, req, &run); err != nil {
			return err
		}
		return p.root(tx, req)
	})
	if err != nil {
		return run, err
	}
	// What the files call is known once they are read, which is done outside of any
	// transaction; the releases that it is looked up in do not change.
	if err := p.parts(ctx); err != nil {
		return run, err
	}
	masker := sluice.NewMasker(p.allVariables())
	if run.Input, err = value.Encode(value.Redact(p.input, masker.Text)); err != nil {
		return run, err
	}
	for key, value := range req.Metadata {
		if masked := masker.Text(value); masked != value {
			run.Metadata = maps.Clone(run.Metadata) // the request's is its sender's
			run.Metadata[key] = masked
		}
	}
	run.Warnings = p.warnings()
	return run, nil
}

func noEvaluator() error {
	return sluice.Errorf(sluice.Unavailable, "nothing can run here: this server has no sandbox for templates and scripts").
		Do(sluice.StartServer(""), "run it in a server that has")
}
