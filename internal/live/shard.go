package live

import (
	"runtime"
	"sync"
)

// shard writes to a share of the sockets. Its methods may be called by anyone;
// sockets belongs to its one goroutine.
type shard struct {
	state   *State
	wake    chan struct{} // has a token when there is something in inbox
	sockets map[*feed][]*socket
	try     attempt

	mu    sync.Mutex
	inbox []op
}

type opKind uint8

const (
	opAdd     opKind = iota // a socket joins, or comes back
	opDeliver               // an event for all sockets of a feed
	opBeat                  // heartbeats for the sockets whose turn it is
	opEnd                   // a feed is gone
)

// op is one thing for a shard to do; which fields are set depends on kind.
type op struct {
	kind   opKind
	phase  int
	feed   *feed
	frame  *frame
	beats  map[*feed]*frame
	socket *socket
	head   []byte // what this socket alone gets, before
	bytes  []byte // what all may share
}

// defaultShards leaves processors to those who commit, resolve and receive: one
// writer keeps the network stack of a processor busy.
func defaultShards() int { return max(1, min(runtime.GOMAXPROCS(0)/2, 4)) }

// shard is the one for the next socket. The caller holds mu.
func (s *State) shard() *shard {
	if s.shards == nil {
		for range s.cfg.Shards {
			sh := &shard{state: s, wake: make(chan struct{}, 1), sockets: map[*feed][]*socket{}}
			sh.try.prepare()
			s.shards = append(s.shards, sh)
			s.run(sh.work)
		}
	}
	s.next++
	return s.shards[s.next%len(s.shards)]
}

// post never waits. The caller holds State.mu and has seen that the state is
// not closed, so that the shard's last look finds everything.
func (sh *shard) post(o op) {
	sh.mu.Lock()
	sh.inbox = append(sh.inbox, o)
	sh.mu.Unlock()
	select {
	case sh.wake <- struct{}{}:
	default:
	}
}

func (sh *shard) take() []op {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	ops := sh.inbox
	sh.inbox = nil
	return ops
}

func (sh *shard) work() {
	for {
		select {
		case <-sh.wake:
			for ops := sh.take(); len(ops) > 0; {
				ops = ops[sh.do(ops):]
			}
		case <-sh.state.ctx.Done():
			sh.closeAll()
			return
		}
	}
}

// do carries out the first operations and returns how many. Releases of one
// feed that wait together are written together.
func (sh *shard) do(ops []op) int {
	switch o := ops[0]; o.kind {
	case opAdd:
		sh.add(o)
	case opDeliver:
		n := 1
		for n < len(ops) && ops[n].kind == opDeliver && ops[n].feed == o.feed {
			n++
		}
		sh.deliver(o.feed, ops[:n])
		return n
	case opBeat:
		for f, fr := range o.beats {
			sh.writeAll(f, fr.encoded(), fr.seq, o.phase)
		}
	case opEnd:
		for _, sk := range sh.sockets[o.feed] {
			sk.close()
		}
		delete(sh.sockets, o.feed)
	}
	return 1
}

func (sh *shard) add(o op) {
	sk := o.socket
	if sk.feed.isGone(sh.state) || sk.rights != sh.state.rights.Load() {
		sk.close()
		return
	}
	// A large snapshot stays one for all; a small one saves a second write.
	b, rest := o.head, o.bytes
	if len(rest) < 1<<14 {
		b, rest = append(b, rest...), nil
	}
	for _, b := range [][]byte{b, rest} {
		if len(b) > 0 && !sh.write(sk, b) {
			return
		}
	}
	sh.sockets[sk.feed] = append(sh.sockets[sk.feed], sk)
}

func (sh *shard) deliver(f *feed, ops []op) {
	if len(sh.sockets[f]) == 0 {
		return
	}
	frames := make([]*frame, len(ops))
	for i, o := range ops {
		frames[i] = o.frame
	}
	sh.writeAll(f, encodeAll(frames), frames[len(frames)-1].seq, everyPhase)
}

// everyPhase means all sockets, not those of one phase of the heartbeat.
const everyPhase = -1

// writeAll writes to a feed's sockets. Those that do not take it at once leave
// the list.
func (sh *shard) writeAll(f *feed, b []byte, seq int64, phase int) {
	list := sh.sockets[f]
	kept := list[:0]
	for i, sk := range list {
		if phase != everyPhase && i%phases != phase {
			kept = append(kept, sk)
			continue
		}
		sk.seq = seq
		if sh.write(sk, b) {
			kept = append(kept, sk)
		}
	}
	clear(list[len(kept):])
	if len(kept) == 0 {
		delete(sh.sockets, f)
		return
	}
	sh.sockets[f] = kept
}

// write reports whether the socket took all. If not, it is taken aside or closed.
func (sh *shard) write(sk *socket, b []byte) bool {
	n, err := sh.try.write(sk, b)
	switch {
	case err != nil:
		sk.close()
		return false
	case n < len(b):
		sh.state.takeAside(sk, b[n:])
		return false
	}
	return true
}

func (sh *shard) closeAll() {
	for _, o := range sh.take() {
		if o.kind == opAdd {
			o.socket.close()
		}
	}
	for _, list := range sh.sockets {
		for _, sk := range list {
			sk.close()
		}
	}
	sh.sockets = nil
}

func (f *feed) isGone(s *State) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.gone
}
