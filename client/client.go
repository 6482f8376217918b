// Package client speaks to a Sluice server over HTTP and implements the service
// interfaces of the root package, so that a program does not see whether it
// speaks to a server, over a Unix socket, or to handlers in its own process. It
// holds no rule and keeps no state; package client/live keeps one.
package client

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// Bounds on connections. A watch keeps one open; changes and questions share.
const (
	dialTimeout = 5 * time.Second
	idlePerHost = 64
)

// Config says whom to speak to, and as whom.
type Config struct {
	// Server is http://host:port, https://host, or unix:///path/to/socket.
	Server string
	// Token is the secret of a token; not needed on a Unix socket or in process.
	Token string
	// Org is the organization that is expected; empty takes the token's.
	Org string
	// Actor is who acts, where the operating system has let the caller in.
	Actor string
	// Transport replaces the connection, as [InProcess] does.
	Transport http.RoundTripper
	// Tries is how often a request is sent when the server cannot be reached.
	// Every change carries an idempotency key, so that it is made once. Defaults to 3.
	Tries int
	// Lost is told when a stream that is followed broke and cannot be taken up again
	// at once: of each attempt that failed, by the goroutine that follows. nil for
	// nobody.
	Lost func(error)
}

// Client implements [sluice.Services]. It is safe for concurrent use.
type Client struct {
	cfg  Config
	base *url.URL
	http *http.Client
}

var _ sluice.Services = (*Client)(nil)

// New returns a client. It does not connect.
func New(cfg Config) (*Client, error) {
	base, transport, err := target(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Tries <= 0 {
		cfg.Tries = 3
	}
	return &Client{cfg: cfg, base: base, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a token goes to one server only
	}}, nil
}

func target(cfg Config) (*url.URL, http.RoundTripper, error) {
	if path, ok := strings.CutPrefix(cfg.Server, "unix://"); ok && path != "" {
		return &url.URL{Scheme: "http", Host: "localhost"}, transport(cfg, func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", path)
		}), nil
	}
	u, err := url.Parse(cfg.Server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, nil, sluice.Errorf(sluice.Invalid, "server %q is not an address", cfg.Server).
			Fix("write http://127.0.0.1:7117 or unix:///path/to/sluice.sock")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, transport(cfg, (&net.Dialer{Timeout: dialTimeout}).DialContext), nil
}

func transport(cfg Config, dial func(ctx context.Context, network, address string) (net.Conn, error)) http.RoundTripper {
	if cfg.Transport != nil {
		return cfg.Transport
	}
	t := &http.Transport{DialContext: dial, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: time.Minute, DisableCompression: true}
	if !strings.HasPrefix(cfg.Server, "unix://") {
		t.Proxy = http.ProxyFromEnvironment
	}
	return t
}
