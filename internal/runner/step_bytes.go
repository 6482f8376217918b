package runner

import (
	"encoding/json"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// holds takes memory for as long as the step goes on. False says that the run ends.
func (s *step) holds(n int64) bool {
	if !s.l.x.hold(s.record, n) {
		return false
	}
	s.flying.Add(n)
	return true
}

// lands gives back what only the work on the step took.
func (s *step) lands() { s.l.x.release(s.flying.Swap(0)) }

// broke is how a step ends with whose values the run asked for too much.
func (s *step) broke() finished { return finished{index: s.index, end: ending{err: errSpent}} }

// copies are how many times the JSON of a step is in memory while it is written.
const copies = 3

// show puts settings on the record. False says that the run ends.
func (s *step) show(settings *value.Object) bool {
	if settings.Len() == 0 {
		return true
	}
	raw, err := value.Encode(s.l.x.hidden(settings))
	if err != nil || len(raw) > sluice.MaxOutputBytes {
		return true
	}
	s.record.Settings = raw
	return s.l.x.collect(s.record, len(raw)) && s.holds(copies*int64(len(raw)))
}

// written is an output as it is stored, or why it cannot be.
func written(output any) (json.RawMessage, *sluice.RunError) {
	raw, err := value.Encode(output)
	switch {
	case err != nil:
		return nil, &sluice.RunError{Code: sluice.Invalid, Message: "the output cannot be written as JSON"}
	case len(raw) > sluice.MaxOutputBytes:
		return nil, tooLarge("the output", len(raw))
	}
	return raw, nil
}
