// Package outbound is the one door through which blocks reach other machines.
// Its client never connects to addresses that hand out the credentials of the
// machine it runs on, whatever name, spelling or redirect leads there: it judges
// the address that is dialled, after every name has been looked up. With an allow
// list it connects to nothing else. It keeps no cookies, reads no proxy settings
// from the environment, and must never be given a way around its rules.
package outbound

import (
	"net"
	"net/http"
	"time"

	"github.com/sluice-dev/sluice"
)

// Config says where requests may go.
type Config struct {
	// Allow are the only places to reach, when it is not empty: host names
	// (example.com), all names below one (*.example.com), addresses (10.1.2.3, ::1)
	// and networks (10.0.0.0/8), each with a port behind it (127.0.0.1:8080,
	// [::1]:8080, *.example.com:443, 10.0.0.0/8:443) to allow that port alone. A
	// name that is allowed may have any address that is not always refused.
	Allow []string
	// RefusePrivate refuses loopback and private networks, except for addresses and
	// networks in Allow. Defaults to false: models often run nearby.
	RefusePrivate bool
	// Version is that of this program, for the User-Agent. Defaults to dev.
	Version string
	// Resolver looks names up. Defaults to [net.DefaultResolver].
	Resolver *net.Resolver
}

// Bounds on every request; how long a whole one may take is up to its context.
const (
	dialTime    = 10 * time.Second
	tlsTime     = 10 * time.Second
	headerTime  = 10 * time.Minute // models may think before their first word
	idleTime    = 90 * time.Second
	headerBytes = 64 << 10 // of an answer
	redirects   = 5
)

// New returns a client for requests to the outside. Errors of refused requests
// wrap a *[sluice.Error] with the code Denied. Invalid when an entry of Allow
// cannot be read.
func New(cfg Config) (*http.Client, error) {
	rules, err := parseRules(cfg.Allow)
	if err != nil {
		return nil, err
	}
	if cfg.Version == "" {
		cfg.Version = "dev"
	}
	dial := &dialer{rules: rules, refusePrivate: cfg.RefusePrivate, resolver: cfg.Resolver}
	return &http.Client{
		CheckRedirect: checkRedirect,
		Transport: &guard{agent: "sluice/" + cfg.Version, next: &http.Transport{
			DialContext:            dial.DialContext,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    tlsTime,
			ResponseHeaderTimeout:  headerTime,
			ExpectContinueTimeout:  time.Second,
			IdleConnTimeout:        idleTime,
			MaxIdleConns:           200,
			MaxIdleConnsPerHost:    20,
			MaxResponseHeaderBytes: headerBytes,
		}},
	}, nil
}

// guard judges what can be judged before a connection: the scheme, and that no
// password stands in the URL.
type guard struct {
	agent string
	next  *http.Transport
}

// RoundTrip sends a request that may be sent.
func (g *guard) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := checkURL(request); err != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, err
	}
	if request.Header.Get("User-Agent") == "" {
		request = request.Clone(request.Context())
		request.Header.Set("User-Agent", g.agent)
	}
	return g.next.RoundTrip(request)
}

// CloseIdleConnections closes what is kept open for later requests.
func (g *guard) CloseIdleConnections() { g.next.CloseIdleConnections() }

func checkURL(request *http.Request) error {
	switch {
	case request.URL.Scheme != "http" && request.URL.Scheme != "https":
		return sluice.Errorf(sluice.Denied, "requests by %q are refused", request.URL.Scheme).Fix("use http or https")
	case request.URL.User != nil:
		return sluice.Errorf(sluice.Denied, "requests to %s with a user or password in the URL are refused", request.URL.Host).
			Fix("send it in the Authorization header")
	}
	return nil
}
