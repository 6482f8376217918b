package gitsync

import (
	"github.com/sluice-dev/sluice"
)

// adopt takes over the tags that the remote has of an environment whose history ends
// alike on both sides: they say the same, and two people would else go on to put
// their own in the other's place. What is no tag of Sluice's, or points elsewhere,
// is not taken over.
func (s *syncer) adopt(at *branch) error {
	if at.Commit == "" || s.refs.remote[EnvironmentRef(at.Display)].ID != at.Commit {
		return nil
	}
	changed := false
	for component, mine := range at.Tags {
		there := s.refs.remote[EnvironmentTag(component, at.Display)]
		if there.ID == "" || there.ID == mine {
			continue
		}
		line, _, err := at.lines.Get(sluice.ComponentSlot(component))
		if err != nil {
			return err
		}
		if line.Commit != there.Peeled {
			continue
		}
		made, err := madeBySluice(s.reader, there.ID)
		if err != nil {
			return err
		}
		if made {
			at.Tags[component], changed = there.ID, true
		}
	}
	if !changed {
		return nil
	}
	return s.b.saveBranch(s.ledger, at)
}
