package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/sluice-dev/sluice"
)

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
		if body, err = sluice.EncodeJSON(r.body); err != nil {
			return sluice.Errorf(sluice.Invalid, "the request cannot be written: %w", err).
				Fix("write texts in UTF-8; files of any bytes are made with sluice.NewFile")
		}
	}
	if r.change && r.key == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return sluice.Errorf(sluice.Internal, "there are no random bytes for an idempotency key: %w", err)
		}
		r.key = id.String()
	}
	return c.try(ctx, func() error {
		resp, err := c.send(ctx, r, body)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return c.readAnswer(ctx, resp, out)
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
	if err := c.checkText(r); err != nil {
		return nil, err
	}
	path, err := join(r.path)
	if err != nil {
		return nil, err
	}
	u := *c.base
	u.RawPath = u.EscapedPath() + path
	u.Path = unescaped(u.RawPath)
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

// checkText refuses what would not arrive as it is, outside of the body.
func (c *Client) checkText(r request) error {
	for _, segment := range r.path {
		if err := sluice.CheckIsText("a name in the address", segment); err != nil {
			return err
		}
	}
	for name, values := range r.query {
		if err := sluice.CheckIsText(name, strings.Join(values, ",")); err != nil {
			return err
		}
	}
	for _, header := range [][2]string{{"the organization", c.cfg.Org}, {"the actor", c.cfg.Actor}, {"the idempotency key", r.key}} {
		if err := sluice.CheckIsText(header[0], header[1]); err != nil {
			return err
		}
	}
	return nil
}

// join makes a path of segments. Some would change its meaning even when they
// are escaped, and no name is one of them.
func join(segments []string) (string, error) {
	var path strings.Builder
	for i, s := range segments {
		if s == "" || s == "." || s == ".." {
			return "", sluice.Errorf(sluice.Invalid, "%q is not a name, after /%s", s, strings.Join(segments[:i], "/")).Fix("name what is meant")
		}
		path.WriteByte('/')
		path.WriteString(url.PathEscape(s))
	}
	return path.String(), nil
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
