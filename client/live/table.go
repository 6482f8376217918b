package live

import "github.com/sluice-dev/sluice"

// table is one state of the environment, ready to be asked. It never changes.
type table struct {
	manifest *sluice.Manifest
	id       string // of the event that led here
	values   map[string]*sluice.Value
	changed  chan struct{} // closed when the next table is in place
}

func newTable(m *sluice.Manifest, id string) *table {
	t := &table{manifest: m, id: id, values: make(map[string]*sluice.Value, len(m.Slots)), changed: make(chan struct{})}
	for i := range m.Slots {
		s := &m.Slots[i]
		if name := s.Slot.Component(); name != "" && s.Value.Live() {
			t.values[name] = &s.Value
		}
	}
	return t
}

// install puts a state in place and tells everyone who waits. Only Open, before
// the goroutines start, and the goroutine that follows call it.
func (c *Client) install(m *sluice.Manifest, id string) {
	old := c.table.Swap(newTable(m, id))
	if old != nil {
		close(old.changed)
	}
}
