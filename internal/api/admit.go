package api

import (
	"io"
	"net/http"
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/budget"
)

// Bodies up to smallBody take no share of the memory. Of larger ones each byte
// counts bodyCopies times: the text, the values that it is read into to be checked,
// those of its type, and what is written of them.
const (
	smallBody  = 256 << 10
	bodyCopies = 8
)

// claim is what is known of a request for an operation before it is read.
func (op *operation) claim(r *http.Request) Route {
	route := Route{Pattern: r.Pattern, Public: op.public, Needs: op.needs, Body: op.body, Cost: op.cost}
	if op.whole != "" && r.URL.Query().Get(op.whole) != "true" {
		route.Cost = 0
	}
	return route
}

// let lets a request in, before anything but its head is read: who asks, whether
// they may do such a thing at all, and whether there is memory for it.
func (h *handler) let(w *recorder, r *http.Request, route Route) (*http.Request, error) {
	actor, err := h.admit(r)
	if err != nil {
		return nil, notBegun(r, err)
	}
	if route.Needs == "" {
		route.Needs = sluice.MayRead
	}
	if err := actor.MayAnywhere(route.Needs); err != nil {
		return nil, err
	}
	ctx := sluice.WithActor(r.Context(), actor)
	cost := route.Cost
	if size := min(r.ContentLength, route.Body); size > smallBody {
		cost += bodyCopies * size
	}
	share, err := h.Memory.Take(ctx, actor.Name, cost)
	if err != nil {
		return nil, err
	}
	budget.Keep(ctx, share)
	r = r.WithContext(ctx)
	if r.ContentLength < 0 && r.Body != nil {
		r.Body = &measured{ReadCloser: r.Body, r: r, w: w, memory: h.Memory, owner: actor.Name, most: route.Body}
	}
	return r, nil
}

// notBegun says of a change that its caller could not be looked up for that it was
// not made.
func notBegun(r *http.Request, err error) error {
	known := sluice.AsError(err)
	if r.Method == http.MethodGet || r.Method == http.MethodHead || known.Code != sluice.Unavailable {
		return err
	}
	out := sluice.Errorf(sluice.Unavailable, "%s; the change was not made", known.Message).Because(err)
	out.Fixes = append(slices.Clone(known.Fixes), sluice.SendAgain())
	return out
}

// measured is a body whose size is not known before it is read. It takes its share
// of the memory once it turns out to be large.
type measured struct {
	io.ReadCloser
	r      *http.Request
	w      *recorder
	memory *budget.Budget
	owner  string
	most   int64
	read   int64
	taken  bool
}

// Read reads on, if there is memory for it.
func (m *measured) Read(b []byte) (int, error) {
	if m.read > smallBody && !m.taken {
		share, err := m.memory.Take(m.r.Context(), m.owner, bodyCopies*m.most)
		if err != nil {
			m.w.refused = problemOf(err)
			return 0, err
		}
		budget.Keep(m.r.Context(), share)
		m.taken = true
	}
	n, err := m.ReadCloser.Read(b)
	m.read += int64(n)
	return n, err
}
