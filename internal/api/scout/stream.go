package scout

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// happening is one change of a run, or why there are no more.
type happening struct {
	event sluice.RunEvent
	err   error
}

// stream answers with the course of a run. When the client goes away the stream
// ends, and the run goes on.
func (a *Adapter) stream(w http.ResponseWriter, r *http.Request, run running) {
	ctx, cancel := context.WithCancel(r.Context())
	changes := make(chan happening)
	go func() { // ends with the run, or with the context
		defer close(changes)
		for e, err := range a.follow(ctx, run.ID) {
			select {
			case changes <- happening{e, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() {
		cancel()
		for range changes { // until it has ended
			continue
		}
	}()
	out := openLines(w)
	t := &teller{
		run: run, org: sluice.ActorOf(ctx).Org, emit: out.event, wrote: run.wrote,
		now:     func() sluice.Time { return sluice.TimeOf(time.Now()) },
		started: map[string]bool{}, ended: map[string]bool{},
	}
	if t.begin() == nil {
		a.pump(r, out, t, changes)
	}
}

// pump tells changes until the run has stopped or nobody reads any more.
func (a *Adapter) pump(r *http.Request, out *lines, t *teller, changes <-chan happening) {
	beat := time.NewTicker(a.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
			if out.comment("ping") != nil {
				return
			}
		case c, more := <-changes:
			if !more && r.Context().Err() == nil {
				c.err = sluice.Errorf(sluice.Unavailable, "the run goes on, and this server cannot follow it")
			}
			if c.err != nil {
				e := sluice.AsError(c.err)
				a.note(r, e)
				_ = t.interrupt(sentence(e)) // who went away is told nothing
				return
			}
			if !more {
				return
			}
			stop, err := t.event(c.event)
			if stop && err == nil {
				err = out.done()
			}
			if stop || err != nil {
				return
			}
		}
	}
}

// lines is an answer of server-sent events. Each event has one data line, since
// Scout's clients read each line by itself.
type lines struct {
	w       http.ResponseWriter
	control *http.ResponseController
	lost    bool // the client takes nothing more
}

func openLines(w http.ResponseWriter) *lines {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	return &lines{w: w, control: http.NewResponseController(w)}
}

// tame keeps clients from taking text of a value for the end of the stream, or
// for the end of a line: some split at all that Unicode calls one, of which JSON
// leaves one as it is.
var tame = strings.NewReplacer("[DONE]", `\u005bDONE]`, "\u0085", `\u0085`)

// event writes an envelope under its name.
func (l *lines) event(e envelope) error {
	text, err := encode(e)
	if err != nil {
		return err
	}
	return l.write("event: " + e.Name + "\nid: " + e.ID + "\ndata: " + text + "\n\n")
}

// value writes a value by itself.
func (l *lines) value(v any) error {
	text, err := encode(v)
	if err != nil {
		return err
	}
	return l.write("data: " + text + "\n\n")
}

// comment writes what clients leave out.
func (l *lines) comment(text string) error { return l.write(": " + text + "\n\n") }

// done says that the stream is complete.
func (l *lines) done() error { return l.write("data: [DONE]\n\n") }

// write sends text at once. A client that does not read is left.
func (l *lines) write(text string) error {
	_, err := io.WriteString(l.w, text)
	if err == nil {
		err = l.control.Flush()
	}
	l.lost = l.lost || err != nil
	return err
}

// encode is JSON in one line that no client misreads.
func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	return tame.Replace(string(b)), err
}
