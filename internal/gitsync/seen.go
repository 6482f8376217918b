package gitsync

import "github.com/sluice-dev/sluice/internal/gitrepo"

// seen are the refs that were looked into, by what they pointed at then, so that
// none is read twice. When it is lost all are read again, which changes nothing.
type seen map[string]gitrepo.OID

func (b *Bridge) loadSeen(ledger string) (seen, error) {
	s := seen{}
	_, err := readJSON(b.statePath(ledger, "seen.json"), &s)
	if s == nil {
		s = seen{}
	}
	return s, err
}

func (b *Bridge) saveSeen(ledger string, s seen) error {
	return writeJSON(b.statePath(ledger, "seen.json"), s)
}
