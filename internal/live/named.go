package live

import (
	"strings"

	"github.com/sluice-dev/sluice"
)

// Named finds a manifest that is in memory by its environment's name or alias,
// ignoring case. It reads nothing: one that nobody asked for yet is not found.
func (s *State) Named(name string) (*sluice.Manifest, bool) {
	feeds := *s.feeds.Load()
	if f := feeds[name]; f != nil {
		if m := f.manifest.Load(); m != nil {
			return m, true
		}
	}
	for _, f := range feeds {
		m := f.manifest.Load()
		if m != nil && (strings.EqualFold(m.Alias, name) || strings.EqualFold(m.Environment, name)) {
			return m, true
		}
	}
	return nil, false
}
