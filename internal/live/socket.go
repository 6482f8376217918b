package live

import (
	"context"
	"net"
	"syscall"
	"time"
)

// catchUpFrames is how many releases a socket that was full is sent one by one;
// when it missed more, a snapshot is less.
const catchUpFrames = 16

// socket is a subscriber whose connection was taken over. It belongs to its
// shard's goroutine, or to the one that drains it.
type socket struct {
	conn  net.Conn
	raw   syscall.RawConn
	feed  *feed
	shard *shard
	seq   int64 // the epoch that what was written brings it to

	rights int64 // of State.rights when it was let in
}

func (sk *socket) close() {
	sk.shard.state.leave() // first, so that whoever sees the end finds a free place
	_ = sk.conn.Close()    // it is given up: whether the other side hears of it does not matter
}

// takeAside gives a socket that is full a goroutine of its own, with what is
// left to write.
func (s *State) takeAside(sk *socket, rest []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		sk.close()
		return
	}
	s.run(func() { s.drain(sk, rest) })
}

// drain waits for a socket to take what is left and what came meanwhile, and
// brings it back to its shard.
func (s *State) drain(sk *socket, rest []byte) {
	stop := context.AfterFunc(s.ctx, func() { _ = sk.conn.Close() })
	defer stop()
	for len(rest) > 0 {
		err := sk.conn.SetWriteDeadline(time.Now().Add(s.cfg.Drain))
		if err == nil {
			_, err = sk.conn.Write(rest)
		}
		if err == nil {
			err = sk.conn.SetWriteDeadline(time.Time{})
		}
		if err != nil {
			sk.close()
			return
		}
		rest = s.bringBack(sk)
	}
}

// bringBack returns what a socket missed while it was aside; when that is
// nothing, the socket is its shard's again.
func (s *State) bringBack(sk *socket) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || sk.feed.gone {
		sk.close()
		return nil
	}
	missed, ok := sk.feed.since(sk.seq)
	if ok && len(missed) == 0 {
		sk.shard.post(op{kind: opAdd, socket: sk})
		return nil
	}
	if !ok || len(missed) > catchUpFrames {
		missed = []*frame{sk.feed.snapshot(s, false)}
	}
	sk.seq = missed[len(missed)-1].seq
	return encodeAll(missed)
}
