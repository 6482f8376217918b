package api

import (
	"bytes"
	"context"
	"iter"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sluice-dev/sluice"
)

// items are what a page is made of as it is written.
type items[T any] struct {
	all    iter.Seq2[T, error]
	limit  int // items in a page; 0 is [sluice.DefaultPage]
	cursor func(T) string
}

// written is how huma takes an answer that is written piece by piece.
type written struct{ Body func(huma.Context) }

// listing adds an operation that answers a page whose items are read one after the
// other, while it is written: however many there are, one of them is in memory.
func listing[I, T any](h *handler, tag string, s spec, fn func(context.Context, *I) (items[T], error)) {
	op := s.operation(tag)
	op.register = func(a huma.API, op huma.Operation) {
		schema := a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[sluice.Page[T]](), true, "")
		if op.Responses == nil {
			op.Responses = map[string]*huma.Response{}
		}
		op.Responses["200"] = &huma.Response{Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
		huma.Register(a, op, func(ctx context.Context, in *I) (*written, error) {
			page, err := fn(ctx, in)
			if err != nil {
				return nil, problemOf(err)
			}
			next, stop := iter.Pull2(page.all)
			first, err, some := next() // whose error is an answer of its own
			if err != nil {
				stop()
				return nil, problemOf(err)
			}
			return &written{func(c huma.Context) {
				defer stop()
				_, w := humago.Unwrap(c)
				w.Header().Set("Content-Type", "application/json")
				if err := page.write(w, first, some, next); err != nil {
					note(w, problemOf(err))
					panic(http.ErrAbortHandler) // nobody is to take it for whole
				}
			}}, nil
		})
	}
	h.add(op)
}

// write writes a page: the first item, and those that next returns.
func (p items[T]) write(w http.ResponseWriter, item T, more bool, next func() (T, error, bool)) (err error) {
	if p.limit == 0 {
		p.limit = sluice.DefaultPage
	}
	text := bytes.NewBufferString(`{"items":[`)
	last, count, sum := "", 0, 0
	for ; more && count < p.limit && sum < sluice.MaxPageBytes; count++ {
		if count > 0 {
			text.WriteByte(',')
		}
		before := text.Len()
		if err := encode(text, item); err != nil {
			return err
		}
		text.Truncate(text.Len() - 1) // the end of the line
		sum += text.Len() - before
		last = p.cursor(item)
		if _, err := w.Write(text.Bytes()); err != nil {
			return err
		}
		if text.Reset(); text.Cap() > largeText {
			text = &bytes.Buffer{}
		}
		if item, err, more = next(); err != nil {
			return err
		}
	}
	text.WriteByte(']')
	if more {
		text.WriteString(`,"next":`)
		if err := encode(text, last); err != nil {
			return err
		}
		text.Truncate(text.Len() - 1)
	}
	text.WriteString("}\n")
	_, err = w.Write(text.Bytes())
	return err
}

// largeText is from when on a buffer is not kept for what is written next.
const largeText = 64 << 10
