package live

import "github.com/sluice-dev/sluice"

// CutStreams ends all streams, so that each subscriber has to show its token
// again: a stream must not outlive the right to it. Clients resume after the last
// event they saw, so those who still may watch miss nothing.
func (s *State) CutStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rights.Add(1) // for sockets that are being drained, and so in no shard
	if s.closed {
		return
	}
	for _, f := range *s.feeds.Load() {
		f.endQueues(sluice.Errorf(sluice.Unavailable, "tokens have changed; the stream has to be asked for again"))
		for _, sh := range s.shards {
			sh.post(op{kind: opEnd, feed: f})
		}
	}
}
