//go:build unix

package live

import (
	"errors"
	"syscall"
)

// canWriteDirectly says that a socket can be written to without waiting.
const canWriteDirectly = true

// attempt is one write to a socket. A shard uses its one again and again, so
// that writing to thousands of sockets allocates nothing.
type attempt struct {
	bytes []byte
	n     int
	err   error
	run   func(fd uintptr) bool
}

func (a *attempt) prepare() { a.run = a.once }

// write writes what the socket takes at once. The connection is non-blocking,
// as all of package net's are.
func (a *attempt) write(sk *socket, b []byte) (int, error) {
	a.bytes = b
	if err := sk.raw.Write(a.run); err != nil {
		return 0, err
	}
	a.bytes = nil
	if errors.Is(a.err, syscall.EAGAIN) {
		return 0, nil
	}
	return max(a.n, 0), a.err
}

// once reports that it is done whatever came of it: nothing waits until the
// socket can be written to.
func (a *attempt) once(fd uintptr) bool {
	for {
		if a.n, a.err = syscall.Write(int(fd), a.bytes); a.err != syscall.EINTR {
			return true
		}
	}
}
