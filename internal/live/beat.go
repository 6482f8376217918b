package live

import "time"

// phases is how many parts a heartbeat is spread over, so that a release does
// not wait behind heartbeats for all sockets.
const phases = 64

// startBeating starts the heartbeats with the first subscriber. The caller
// holds mu and has seen that the state is not closed.
func (s *State) startBeating() {
	if !s.beating {
		s.beating = true
		s.run(s.beat)
	}
}

func (s *State) beat() {
	ticker := time.NewTicker(max(s.cfg.Heartbeat/phases, time.Millisecond))
	defer ticker.Stop()
	for phase := 0; ; phase = (phase + 1) % phases {
		select {
		case <-ticker.C:
			s.beatPhase(phase)
		case <-s.ctx.Done():
			return
		}
	}
}

// beatPhase sends heartbeats to one part of the sockets, and with the first
// part to all queues. What they say is fixed here, in order with the releases,
// so that no heartbeat runs ahead of a release that is still to be written.
func (s *State) beatPhase(phase int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.subscribers.Load() == 0 {
		return
	}
	beats := map[*feed]*frame{}
	for _, f := range *s.feeds.Load() {
		m := f.manifest.Load()
		if m == nil {
			continue
		}
		fr := s.heartbeatFrame(m)
		beats[f] = fr
		if phase > 0 {
			continue
		}
		for q := range f.queues {
			q.beat(fr)
		}
	}
	for _, sh := range s.shards {
		sh.post(op{kind: opBeat, phase: phase, beats: beats})
	}
}
