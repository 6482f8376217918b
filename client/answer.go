package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/sluice-dev/sluice"
)

// maxAnswer bounds what is read of one answer that is not a stream.
const maxAnswer = 256 << 20

// unreachable says why no answer came.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return sluice.Errorf(sluice.TimedOut, "%s did not answer in time", c.cfg.Server).
			Fix("try again with more time; a change that carries an idempotency key is made once").Because(ctx.Err())
	}
	return sluice.Errorf(sluice.Unavailable, "%s cannot be reached: %s", c.cfg.Server, shortCause(err)).
		Do(sluice.Diagnose(), "check the address and that {serve} runs there; {} looks closer").Because(err)
}

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
	Detail string          `json:"detail"`
	Code   sluice.Code     `json:"code"`
	Fixes  []sluice.Advice `json:"fixes"`

	Mistakes []sluice.Mistake `json:"mistakes"`
}

func (c *Client) readAnswer(ctx context.Context, resp *http.Response, out any) error {
	if resp.StatusCode >= 300 {
		return readProblem(resp)
	}
	if out == nil {
		return nil
	}
	body := &io.LimitedReader{R: resp.Body, N: maxAnswer}
	err := json.NewDecoder(body).Decode(out)
	switch {
	case err == nil:
		sluice.ReplaceAdvice(out, sluice.Advice.Plain) // as the service said it
		return nil
	case body.N <= 0:
		return sluice.Errorf(sluice.LimitExceeded, "the answer is over %d bytes", maxAnswer).Fix("ask for less at once")
	case ctx.Err() != nil:
		return c.unreachable(ctx, err)
	}
	return sluice.Errorf(sluice.Unavailable, "the answer cannot be read: %w", err).
		Fix("check that the server is a Sluice server of a like version, and what stands between")
}

// readProblem turns an error's body back into the error it was.
func readProblem(resp *http.Response) error {
	var p problem
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil || p.Code == "" {
		return sluice.Errorf(sluice.Unavailable, "the server answered %s, and not as Sluice does", resp.Status).
			Fix("check the address, and what stands between: a proxy may have answered")
	}
	e := sluice.Errorf(p.Code, "%s", p.Detail)
	for _, fix := range p.Fixes {
		e.Advise(fix.Plain())
	}
	e.Mistakes = p.Mistakes
	return e
}
