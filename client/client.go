// Package client speaks to a Sluice server over HTTP and implements the service
// interfaces of the root package, so that a program does not see whether it
// speaks to a server, over a Unix socket, or to handlers in its own process. It
// holds no rule and keeps no state; package client/live keeps one.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sluice-dev/sluice"
)

// maxAnswer bounds what is read of one answer that is not a stream.
const maxAnswer = 256 << 20

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
	transport := cfg.Transport
	if path, ok := strings.CutPrefix(cfg.Server, "unix://"); ok {
		if transport == nil {
			transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			}}
		}
		return &url.URL{Scheme: "http", Host: "localhost"}, transport, nil
	}
	u, err := url.Parse(cfg.Server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, nil, sluice.Errorf(sluice.Invalid, "server %q is not an address", cfg.Server).
			Fix("write http://127.0.0.1:7117 or unix:///path/to/sluice.sock")
	}
	if transport == nil {
		transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, transport, nil
}

// request is one call.
type request struct {
	method string
	path   []string // segments, escaped when they are joined
	query  url.Values
	body   any
	key    string // idempotency key of a change
	change bool
}

// call sends a request and reads its answer into out.
func (c *Client) call(ctx context.Context, r request, out any) error {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return sluice.Errorf(sluice.Invalid, "the request cannot be written: %w", err)
		}
	}
	if r.change && r.key == "" {
		r.key = uuid.NewString()
	}
	return c.try(ctx, func() error {
		resp, err := c.send(ctx, r, body)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return readAnswer(resp, out)
	})
}

// try repeats what could not be reached, a little later each time. A change is
// repeated with its idempotency key, so it cannot be made twice.
func (c *Client) try(ctx context.Context, once func() error) error {
	for n := 1; ; n++ {
		err := once()
		var e *sluice.Error
		if err == nil || n >= c.cfg.Tries || !errors.As(err, &e) || e.Code != sluice.Unavailable {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(n) * 50 * time.Millisecond):
		}
	}
}

func (c *Client) send(ctx context.Context, r request, body []byte) (*http.Response, error) {
	segments := make([]string, len(r.path))
	for i, s := range r.path {
		segments[i] = url.PathEscape(s)
	}
	u := *c.base
	raw := u.Path + "/" + strings.Join(segments, "/")
	u.Path, u.RawPath = unescaped(raw), raw
	u.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, sluice.Errorf(sluice.Invalid, "the request cannot be made: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	c.identify(req, r.key)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return resp, nil
}

func unescaped(raw string) string {
	if s, err := url.PathUnescape(raw); err == nil {
		return s
	}
	return raw
}

func (c *Client) identify(req *http.Request, key string) {
	for name, value := range map[string]string{
		"X-Organization-Id": c.cfg.Org, "X-Sluice-Actor": c.cfg.Actor, "Idempotency-Key": key,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if c.cfg.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	}
}

// unreachable says why no answer came.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return sluice.Errorf(sluice.TimedOut, "%s did not answer in time", c.address()).Because(ctx.Err())
	}
	return sluice.Errorf(sluice.Unavailable, "%s cannot be reached: %s", c.address(), shortCause(err)).
		Fix("check the address and that `sluice serve` runs there; `sluice doctor` looks closer").Because(err)
}

func (c *Client) address() string { return c.cfg.Server }

// shortCause leaves out the method and address that net/http repeats.
func shortCause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return err.Error()
}

// problem is the body of an error.
type problem struct {
	Detail string      `json:"detail"`
	Code   sluice.Code `json:"code"`
	Fixes  []string    `json:"fixes"`
}

func readAnswer(resp *http.Response, out any) error {
	body := io.LimitReader(resp.Body, maxAnswer)
	if resp.StatusCode >= 300 {
		return readProblem(resp, body)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(body).Decode(out); err != nil {
		return sluice.Errorf(sluice.Unavailable, "the answer cannot be read: %w", err).
			Fix("check that the server is a Sluice server of a like version, and what stands between")
	}
	return nil
}

// readProblem turns an error's body back into the error it was.
func readProblem(resp *http.Response, body io.Reader) error {
	var p problem
	text, err := io.ReadAll(io.LimitReader(body, 1<<20))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil || p.Code == "" {
		return sluice.Errorf(sluice.Unavailable, "the server answered %s, and not as Sluice does", resp.Status).
			Fix("check the address, and what stands between: a proxy may have answered")
	}
	e := sluice.Errorf(p.Code, "%s", p.Detail)
	e.Fixes = p.Fixes
	return e
}

// values makes query parameters of what is not empty.
func values(pairs ...any) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name := pairs[i].(string)
		switch v := pairs[i+1].(type) {
		case string:
			if v != "" {
				q.Set(name, v)
			}
		case sluice.Time:
			if v != 0 {
				q.Set(name, v.String())
			}
		case bool:
			if v {
				q.Set(name, "true")
			}
		case int, int64:
			if text := fmt.Sprint(v); text != "0" {
				q.Set(name, text)
			}
		}
	}
	return q
}
