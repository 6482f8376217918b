//go:build !unix

package live

// canWriteDirectly says that a socket can be written to without waiting. Here
// it cannot, so each subscriber has the goroutine of its request.
const canWriteDirectly = false

// attempt is one write to a socket.
type attempt struct{}

func (*attempt) prepare() {}

func (*attempt) write(sk *socket, b []byte) (int, error) { return sk.conn.Write(b) }
