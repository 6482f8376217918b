package server

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-dev/sluice"
)

// Bounds on what a slow or hostile client can hold.
const (
	headerTimeout   = 5 * time.Second
	readTimeout     = 60 * time.Second // a whole request
	idleTimeout     = 2 * time.Minute
	maxHeaderBytes  = 32 << 10
	shutdownTimeout = 5 * time.Second
	maxStreams      = 256              // of one connection of HTTP/2
	pingTimeout     = 30 * time.Second // of silence, until the other side is asked whether it is there
	stallTimeout    = 30 * time.Second // in which a connection of HTTP/2 takes nothing of what is to be sent
	maxSocketPath   = 100              // the kernel's limit is 108, with its terminator
)

// Socket is the path of the Unix socket of a data directory. A path that is too
// long for the kernel is replaced by one in a directory of the user's own.
func Socket(data string) string {
	abs, err := filepath.Abs(data)
	if err != nil {
		abs = data
	}
	path := filepath.Join(abs, "sluice.sock")
	if len(path) <= maxSocketPath {
		return path
	}
	sum := sha256.Sum256([]byte(abs))
	return filepath.Join(os.TempDir(), fmt.Sprintf("sluice-%d", os.Getuid()), hex.EncodeToString(sum[:8])+".sock")
}

// listen binds the TCP address and the socket.
func (s *Server) listen() error {
	tcp, err := net.Listen("tcp", s.cfg.Listen)
	if err != nil {
		return cannotListen(s.cfg.Listen, err)
	}
	s.tcp = tcp
	if at, ok := tcp.Addr().(*net.TCPAddr); ok && !at.IP.IsLoopback() && s.certificates == nil {
		s.cfg.Log.Warn("tokens and values cross the network in the clear: this address is reachable from elsewhere, and TLS is off",
			"listen", s.cfg.Listen, "fix", "give --tls-cert and --tls-key, or let only a proxy that has TLS reach it")
	}
	if s.cfg.Data == "" {
		return nil
	}
	s.unix, err = listenUnix(Socket(s.cfg.Data))
	return err
}

// cannotListen tells an address that is none from one that cannot be had.
func cannotListen(address string, err error) error {
	code, malformed := sluice.Unavailable, (*net.AddrError)(nil)
	if errors.As(err, &malformed) {
		code = sluice.Invalid
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err // without the address, which the sentence has
	}
	return sluice.Errorf(code, "cannot listen on %s: %w", address, err).
		Fix("choose another address with --listen, such as 127.0.0.1:7117, or 127.0.0.1:0 for any free port")
}

// listenUnix binds the socket for the user alone. The directory's lock is held,
// so a socket that is there belongs to a server that is gone.
func listenUnix(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, sluice.Errorf(sluice.Unavailable, "cannot make the directory of the socket %s: %w", path, err).
			Ask("choose another data directory with {data}")
	}
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		conn.Close()
		return nil, sluice.Errorf(sluice.Conflict, "another server answers on %s", path).Ask("stop it, or choose another directory with {data}")
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, sluice.Errorf(sluice.Unavailable, "cannot replace the socket %s: %w", path, err)
	}
	// The socket appears under its name only once its mode is right.
	temporary := path + ".new"
	_ = os.Remove(temporary) // left by a server that was killed
	l, err := net.Listen("unix", temporary)
	if err != nil {
		return nil, sluice.Errorf(sluice.Unavailable, "cannot listen on %s: %w", path, err).Ask("choose another data directory with {data}")
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(temporary, 0o600), os.Rename(temporary, path)); err != nil {
		l.Close()
		return nil, sluice.Errorf(sluice.Unavailable, "cannot protect the socket %s: %w", path, err)
	}
	mine, err := os.Lstat(path)
	if err != nil {
		l.Close()
		return nil, sluice.Errorf(sluice.Unavailable, "cannot find the socket %s again: %w", path, err)
	}
	return unlinking{l, path, mine}, nil
}

// unlinking removes the socket's name when it is closed.
type unlinking struct {
	net.Listener
	path string
	mine os.FileInfo
}

// Close closes the listener and removes its name, unless that names another
// server's socket by now: its directory may have been put in the place of ours.
func (u unlinking) Close() error {
	err := u.Listener.Close()
	if now, e := os.Lstat(u.path); err == nil && e == nil && os.SameFile(u.mine, now) {
		err = os.Remove(u.path)
	}
	return err
}

// httpServer serves HTTP/1.1 and HTTP/2, also without TLS, which gRPC speaks.
func (s *Server) httpServer(h http.Handler) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: quiet(s.cfg.Log),
		Protocols: &protocols, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: pingTimeout, WriteByteTimeout: stallTimeout},
	}
}

// Serve answers on the TCP address and the socket until the context ends, then
// lets requests that are under way finish.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 2)
	var servers []*http.Server
	serve := func(l net.Listener, h http.Handler, certificates *certificates) {
		if l == nil {
			return
		}
		hs := s.httpServer(h)
		servers = append(servers, hs)
		if certificates == nil {
			go func() { failed <- hs.Serve(l) }()
			return
		}
		hs.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificates.get}
		go func() { failed <- hs.ServeTLS(l, "", "") }()
	}
	serve(s.tcp, s.Handler(), s.certificates)
	serve(s.unix, s.Local(), nil)
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.git.close()   // answers the webhooks that wait
	s.state.Close() // ends the streams, which would keep the servers waiting
	s.control.EndWatches()
	stopping, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	for _, hs := range servers {
		if e := hs.Shutdown(stopping); e != nil && !errors.Is(e, context.DeadlineExceeded) && !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
		hs.Close()
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}
