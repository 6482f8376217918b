package workflow

import (
	"strconv"

	"github.com/sluice-dev/sluice/internal/value"
)

// one takes the first of two keys with the same meaning.
func (f *fields) one(first, second string) *node {
	a, b := f.take(first), f.take(second)
	if a != nil && b != nil {
		f.wrong(f.n.key(second), "%s and %s mean the same", first, second).fix("remove one of them")
	}
	if a != nil {
		return a
	}
	return b
}

// agentRetry turns the names of an agent's retry into those of a block's.
func (r *reader) agentRetry(n *node) *node {
	if n == nil || n.shape != object {
		return n
	}
	out := n.like(object, nil)
	f := r.fields(n, "retry", []string{"maxAttempts", "attempts", "backoff", "initialDelay", "on"})
	out.put(n, "attempts", f.one("maxAttempts", "attempts"))
	out.put(n, "on", f.take("on"))
	delay := milliseconds(f.take("initialDelay"))
	if backoff := f.take("backoff"); backoff != nil {
		switch word, _ := backoff.text(); word {
		case "exponential":
		case "linear", "fixed", "constant":
			r.wrong(backoff, "Sluice doubles the time before each further attempt; %s is not what it does", word).fix("write backoff: exponential, or the first time, such as 500ms")
		default:
			out.put(backoff, "backoff", milliseconds(backoff))
		}
	}
	if out.get("backoff") == nil {
		out.put(n, "backoff", delay)
	}
	f.rest()
	return out
}

// milliseconds reads a bare number as ensembles do.
func milliseconds(n *node) *node {
	if n == nil {
		return nil
	}
	if f, _ := value.Float(n.value); value.IsNumber(n.value) {
		return n.like(scalar, strconv.FormatFloat(f, 'f', -1, 64)+"ms")
	}
	return n
}
