package control

import (
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
)

// Bounds on what is remembered of tokens.
const (
	maxKnown  = 1_000
	knownTime = time.Second // within which the grace of a rotated secret may end unseen
)

// known remembers which tokens were good at which epoch, so that reading what is
// live does not read the database. Rotating and revoking are ledger entries: when
// the epoch has moved, the token is looked up again.
type known struct {
	mu     sync.Mutex
	tokens map[string]seen // by the hash of the secret
}

type seen struct {
	actor sluice.Actor
	epoch int64
	at    time.Time
}

func (k *known) find(hash string, epoch int64) (sluice.Actor, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, found := k.tokens[hash]
	return s.actor, found && s.epoch == epoch && time.Since(s.at) < knownTime
}

// keep remembers a token that was good when it was read. Epoch 0 says that the
// ledger is not followed, so nothing would tell when that ends.
func (k *known) keep(hash string, epoch int64, actor sluice.Actor) {
	if epoch == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tokens == nil || len(k.tokens) >= maxKnown {
		k.tokens = map[string]seen{}
	}
	k.tokens[hash] = seen{actor: actor, epoch: epoch, at: time.Now()}
}
