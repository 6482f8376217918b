package runner

import (
	"context"
	"encoding/json"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/block"
	"github.com/sluice-dev/sluice/internal/value"
)

// prepareAsk puts the question on disk and waits, or when it has waited long
// enough goes on without an answer.
func (s *step) prepareAsk(ctx context.Context) (sluice.RunStep, func() finished, ending) {
	was, asked := s.l.x.before[s.record.Path]
	asked = asked && was.Status == sluice.StepWaiting
	if !asked {
		err := s.render(ctx)
		if err == nil {
			err = s.question(was)
		}
		if err != nil {
			return s.cannot(ctx, err)
		}
	}
	s.record.Status, s.record.Attempts = sluice.StepWaiting, 1
	if asked {
		s.record.WakeAt = was.WakeAt
		if was.WakeAt > 0 && was.WakeAt <= sluice.TimeOf(s.l.x.r.cfg.Now()) {
			return s.unanswered()
		}
	}
	w, err := s.asks()
	if err != nil {
		return s.cannot(ctx, err)
	}
	end := ending{waiting: []sluice.Waiting{w}, wakeAt: s.record.WakeAt}
	if asked {
		return sluice.RunStep{}, nil, end
	}
	return s.complete(), nil, end
}

// question checks the question and notes until when it waits.
func (s *step) question(sluice.RunStep) error {
	s.settings.Set("prompt", value.Text(s.settings.Get("prompt")))
	s.settings.Set("type", s.b.Raw["type"]) // so that who answers is checked by the record alone
	if wait, there := s.b.Raw["wait"]; there {
		d, err := durationOf(wait)
		if err != nil {
			return err
		}
		s.record.WakeAt = s.now + sluice.Time(d.Microseconds())
	}
	s.show(s.settings)
	return nil
}

// asks is the question as the run's record has it.
func (s *step) asks() (sluice.Waiting, error) {
	stored, err := decode(s.record.Settings)
	if err != nil {
		return sluice.Waiting{}, err
	}
	settings, _ := stored.(*value.Object)
	w := s.waiting(sluice.WaitAnswer)
	w.Since, w.Until = s.record.StartedAt, s.record.WakeAt
	w.Prompt, _ = settings.Get("prompt").(string)
	if w.Type, _ = s.b.Raw["type"].(string); w.Type == "" {
		w.Type = "text"
	}
	if options, ok := settings.Get("options").([]any); ok {
		for _, o := range options {
			w.Options = append(w.Options, value.Text(o))
		}
	}
	if def, there := s.b.Raw["default"]; there {
		w.Default = encode(def)
	}
	return w, nil
}

// unanswered goes on with the default, or fails.
func (s *step) unanswered() (sluice.RunStep, func() finished, ending) {
	s.record.WakeAt = 0
	var f finished
	if def, there := s.b.Raw["default"]; there {
		s.record.Reason = "nobody answered in time"
		f = s.completed(block.Result{Output: value.Pairs("value", def, "provided_by", "", "provided_at", nil)})
	} else {
		f = s.failedFinally(&sluice.RunError{
			Code: sluice.TimedOut, Message: "nobody answered in time", Fixes: []sluice.Advice{sluice.Advise("give the block a default, or let it wait longer")},
		})
	}
	s.l.settle(s.index, f.result)
	return f.step, nil, f.end
}

func encode(v any) json.RawMessage {
	raw, err := value.Encode(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}
