package runner

import (
	"encoding/json"
	"fmt"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
)

func (s *step) saw(u expr.Uses) {
	s.uses.Clock = s.uses.Clock || u.Clock
	s.uses.Random += u.Random
}

// begin starts the record of a step, or goes on with an earlier turn's.
func (s *step) begin(was sluice.RunStep) {
	s.record = sluice.RunStep{
		Path: s.l.path(s.index), Block: s.b.ID, Kind: string(s.b.Kind), Status: sluice.StepRunning, StartedAt: s.now,
		Attempts: was.Attempts, Reason: was.Reason, Settings: was.Settings, Usage: was.Usage,
	}
	if was.Status == sluice.StepSkipped {
		s.record.Reason = ""
	}
	if s.b.Calls != nil {
		if part, err := s.part(); err == nil {
			s.record.Component = part.Component + "@" + part.Pin.String()
		}
	}
}

// complete adds the tape and the time to a record that is to be written.
func (s *step) complete() sluice.RunStep {
	rec := s.record
	if rec.Status.Ended() {
		rec.EndedAt = max(sluice.TimeOf(s.l.x.r.cfg.Now()), rec.StartedAt)
	}
	if s.uses.Clock {
		s.tape(sluice.Effect{Kind: sluice.EffectClock, Response: quoted(s.now.String())})
	}
	if s.uses.Random > 0 {
		s.tape(sluice.Effect{Kind: sluice.EffectRandom, Request: quoted(fmt.Sprint(s.uses.Random)), Response: quoted(fmt.Sprint(s.seed))})
	}
	s.uses = expr.Uses{}
	rec.Effects = s.effects
	s.effects = nil
	return rec
}

func quoted(s string) json.RawMessage {
	return encode(s)
}

// effectsPerAttempt is how far apart the numbers of two attempts' effects are.
const effectsPerAttempt = 1000

// tape records an effect, without secrets.
func (s *step) tape(e sluice.Effect) {
	if len(s.effects) >= effectsPerAttempt {
		return
	}
	e.Attempt = max(s.record.Attempts, 1)
	e.N = (e.Attempt-1)*effectsPerAttempt + len(s.effects)
	if e.At == 0 {
		e.At = s.now
	}
	m := s.l.x.masker
	e.Request, e.Response, e.Error = m.JSON(e.Request), m.JSON(e.Response), s.l.x.text(e.Error)
	if !s.l.x.collect(s.record, len(e.Request)+len(e.Response)+len(e.Error)) {
		return // the run ends
	}
	s.effects = append(s.effects, e)
}
