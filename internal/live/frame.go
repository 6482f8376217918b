package live

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/sluice-dev/sluice"
)

// frame is one event, encoded once for all who get it over a socket.
type frame struct {
	seq   int64 // the epoch that it brings a subscriber to
	event sluice.Event
	once  sync.Once
	bytes []byte
}

func (s *State) id(seq int64) string {
	return sluice.Position{Ledger: s.ledger, Seq: seq}.String()
}

func (s *State) releaseFrame(r sluice.Release) *frame {
	return &frame{seq: r.Epoch, event: sluice.Event{ID: s.id(r.Epoch), Type: sluice.EventRelease, Release: &r}}
}

func (s *State) snapshotFrame(m *sluice.Manifest, reset bool) *frame {
	return &frame{seq: m.Epoch, event: sluice.Event{
		ID: s.id(m.Epoch), Type: sluice.EventSnapshot, Snapshot: &sluice.Snapshot{Manifest: *m, Reset: reset},
	}}
}

func (s *State) heartbeatFrame(m *sluice.Manifest) *frame {
	return &frame{seq: m.Epoch, event: sluice.Event{
		ID: s.id(m.Epoch), Type: sluice.EventHeartbeat,
		Heartbeat: &sluice.Heartbeat{Epoch: m.Epoch, Release: m.Release, Root: m.Root},
	}}
}

// encoded is the event as server-sent events have it. See the section "Server-
// sent events" of the HTML standard: the data is one line, since JSON escapes
// line ends.
func (f *frame) encoded() []byte {
	f.once.Do(func() {
		var data any
		switch f.event.Type {
		case sluice.EventSnapshot:
			data = f.event.Snapshot
		case sluice.EventRelease:
			data = f.event.Release
		default:
			data = f.event.Heartbeat
		}
		body, err := json.Marshal(data)
		if err != nil { // no field of an event can fail to encode
			panic(err)
		}
		var b bytes.Buffer
		b.Grow(len(body) + 128)
		b.WriteString("id: " + f.event.ID + "\nevent: " + string(f.event.Type) + "\ndata: ")
		b.Write(body)
		b.WriteString("\n\n")
		f.bytes = b.Bytes()
	})
	return f.bytes
}

// encodeAll joins the encoded frames.
func encodeAll(frames []*frame) []byte {
	if len(frames) == 1 {
		return frames[0].encoded()
	}
	var b []byte
	for _, f := range frames {
		b = append(b, f.encoded()...)
	}
	return b
}
