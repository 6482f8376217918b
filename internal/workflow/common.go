package workflow

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// Bounds on what a block says of its attempts.
const (
	maxBackoff = time.Hour
	maxTimeout = 24 * time.Hour
)

// classes are the failures that a retry can name.
var classes = []string{"timeout", "connection", "rate_limit", "server", "error"}

// retry reads a number of attempts, or attempts with more.
func (r *reader) retry(d *draft, n *node) {
	switch d.Kind {
	case Reduce, Delay, Ask:
		r.wrong(n, "a block of kind %s would go the same way again", d.Kind).fix("leave retry out; on_error says what becomes of its failure")
		return
	}
	if n.shape != object {
		d.Retry.Attempts = r.attempts(n)
		d.Retry.Backoff = time.Second
		return
	}
	f := r.fields(n, "retry", []string{"attempts", "backoff", "on"})
	d.Retry.Backoff = time.Second
	if at := f.take("attempts"); at != nil {
		d.Retry.Attempts = r.attempts(at)
	} else {
		r.wrong(n, "retry needs attempts").fix("write retry: {attempts: 3}")
	}
	if at := f.take("backoff"); at != nil {
		if backoff, err := Duration(at.tree()); err != nil || backoff > maxBackoff {
			r.wrong(at, "backoff is a duration of at most an hour, and this is %s", what(at)).fix("write backoff: 2s")
		} else {
			d.Retry.Backoff = backoff
		}
	}
	if at := f.take("on"); at != nil {
		d.Retry.On = r.retryOn(at)
	}
	f.rest()
}

func (r *reader) attempts(n *node) int {
	if i, ok := value.Int(n.value); ok && n.shape == scalar && i >= 1 && i <= MaxAttempts {
		return int(i)
	}
	r.wrong(n, "attempts is a whole number from 1 to %d, and this is %s", MaxAttempts, what(n)).fix("write retry: {attempts: 3}")
	return 1
}

func (r *reader) retryOn(n *node) []string {
	items := n.items
	if n.shape == scalar {
		items = []*node{n}
	}
	var out []string
	for _, item := range items {
		word, _ := item.text()
		status, ok := value.Int(item.value)
		if !ok {
			if i, err := strconv.ParseInt(word, 10, 64); err == nil {
				status, ok = i, true
			}
		}
		switch {
		case item.shape == scalar && slices.Contains(classes, word):
			out = append(out, word)
		case item.shape == scalar && ok && isStatus(status):
			out = append(out, strconv.FormatInt(status, 10))
		default:
			p := r.wrong(item, "%s is no failure to retry on", what(item))
			if near := sluice.Suggest(word, classes); near != "" {
				p.fix("did you mean %s?", near)
			} else {
				p.fix("choose from %s and HTTP statuses", strings.Join(classes, ", "))
			}
		}
	}
	return out
}

func (r *reader) timeout(d *draft, n *node) {
	timeout, err := Duration(n.tree())
	if err != nil || timeout <= 0 || timeout > maxTimeout {
		r.wrong(n, "timeout is a duration of at most 24 hours, and this is %s", what(n)).fix("write timeout: 30s")
		return
	}
	d.Timeout = timeout
}

// onError reads a mode, or another output.
func (r *reader) onError(d *draft, n *node) {
	modes := []string{string(FailRun), string(Ignore), string(Pause)}
	if n.shape == object {
		f := r.fields(n, "on_error", []string{"fallback"})
		f.seen["fallback"] = true
		if other := n.get("fallback"); other != nil {
			d.OnError = OnError{Mode: Fallback}
			d.OnError.Fallback = Template{Tree: other.tree(), Dialect: r.inDialect(other), Plain: true}
			r.note(other, "on_error.fallback", d.OnError.Fallback.Dialect, place{in: d}, &d.OnError.Fallback)
		} else {
			r.wrong(n, "on_error names no fallback").fix("write on_error: {fallback: value}")
		}
		f.rest()
		return
	}
	word, _ := n.text()
	if slices.Contains(modes, word) {
		d.OnError.Mode = Mode(word)
		return
	}
	p := r.wrong(n, "on_error is fail, ignore, pause or {fallback: value}, and this is %s", what(n))
	if near := sluice.Suggest(word, modes); near != "" {
		p.fix("did you mean %s?", near)
	} else {
		p.fix("write on_error: ignore to go on without an output")
	}
}

// special reads what one kind has and others do not.
func (r *reader) special(d *draft, f *fields) {
	switch d.Kind {
	case Condition:
		d.onTrue = r.ids(f.n.get("block_on_true"), "block_on_true")
		d.onFalse = r.ids(f.n.get("block_on_false"), "block_on_false")
		delete(d.Raw, "block_on_true")
		delete(d.Raw, "block_on_false")
	case Foreach:
		r.foreach(d, f)
	case Script:
		r.script(d, f)
	case HTTP:
		tree := d.settings()
		if method, ok := tree.Get("method").(string); ok {
			if !hasTemplate(method, d.Settings.Dialect) {
				tree.Set("method", strings.ToUpper(method))
			}
		} else if f.n.get("method") == nil {
			tree.Set("method", "GET")
		}
	case Ask:
		if d.Raw["type"] == nil {
			d.Raw["type"] = "text"
		}
		if options := f.n.get("options"); d.Raw["type"] == "choice" && options.isNull() {
			r.wrong(f.n, "a choice needs options").fix("write options: [yes, no]")
		}
		r.answerOf(d, f.n)
	}
}

// answerOf checks that the default of a question is an answer to it. Only a run in
// which nobody answers meets it.
func (r *reader) answerOf(d *draft, n *node) {
	given := n.get("default")
	if given.isNull() || !r.publish {
		return
	}
	w := sluice.Waiting{}
	w.Type, _ = d.Raw["type"].(string)
	if options := n.get("options"); options != nil && !slices.ContainsFunc(options.items, func(o *node) bool {
		s, ok := o.text()
		return ok && hasTemplate(s, r.inDialect(o))
	}) {
		for _, o := range options.items {
			w.Options = append(w.Options, fmt.Sprint(o.value))
		}
	}
	if _, err := sluice.CheckAnswer(w, encode(given.tree())); err != nil {
		r.wrong(given, "the default cannot be given as an answer: %s", sluice.AsError(err).Message).fix("correct the default, or the type and the options of the question")
	}
}

// foreach reads the body, and what the body calls the item.
func (r *reader) foreach(d *draft, f *fields) {
	if as, ok := d.Raw["as"].(string); ok {
		switch {
		case as != "item" && (!idForm.MatchString(as) || slices.Contains(reservedIDs, as)):
			r.wrong(f.n.get("as"), "%s cannot be the name of an item", quote(as)).fix("write as: and a name of letters, digits and underscores that is not taken")
		default:
			d.as = as
		}
	}
	d.Raw["as"] = d.as
	if d.Raw["concurrency"] == nil {
		d.Raw["concurrency"] = int64(1)
	}
	body := f.n.get("blocks")
	switch {
	case body.isNull():
	case body.shape != list || len(body.items) == 0:
		r.wrong(body, "the body of a foreach is a list of at least one block, and this is %s", emptyOr(body)).fix("write each block after a dash")
	default:
		d.Body = r.list(body, d)
	}
}

// script notes what the code refers to.
func (r *reader) script(d *draft, f *fields) {
	at := f.n.get("code")
	code, ok := at.text()
	if !ok {
		return
	}
	one := &text{at: at, text: code, dialect: expr.ScriptBody, in: d, what: "code"}
	if input := f.n.get("input"); !input.isNull() {
		one.scripted = true
		if input.shape == object {
			one.names = map[string]bool{}
			for _, key := range input.keys {
				one.names[key.name()] = true
			}
		}
	}
	r.texts = append(r.texts, one)
}
