package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sluice-dev/sluice"
)

// Bounds on what a request may bring.
const (
	maxBody        = 1 << 20
	maxContentBody = 6 << 20 // a version of 4 MiB in base64, and what is around it
	maxRecordsBody = 16 << 20
	bodyTimeout    = time.Minute
	maxValues      = 120_000 // of one body: 10,000 changes with all that each has
	maxRecordsOf   = 1_000_000
)

// requestTimeout is how long a request may take that does not follow anything: what
// the database has not answered by then is not going to be waited for.
const requestTimeout = 2 * time.Minute

// The memory that answers take: the forms that a page has on its way from the
// database to the wire, and a version with its content.
const (
	pageCost    = 2 * sluice.MaxPageBytes
	contentCost = 4 * sluice.MaxVersionBytes
)

// spec says how an operation is called, and what the document says of it.
type spec struct {
	method, path, id     string
	summary, description string
	status               int   // defaults to 200
	body                 int64 // most bytes of the request's body; defaults to maxBody
	public               bool  // needs no token

	// needs is what who asks must be allowed somewhere, before anything of the request
	// is read. Defaults to reading.
	needs sluice.Permission
	// cost is the memory that an answer takes until it is written; 0 for a small one.
	// Whole is the name of a parameter that makes it cost so much.
	cost  int64
	whole string
	// values is the most values that the JSON of the body has; defaults to maxValues.
	values int
	// patience is how long it may take. Defaults to requestTimeout; below 0 it ends with
	// the connection.
	patience time.Duration
}

// operation is one route. Its schemas are made when it is first asked for, since
// making all of them would take most of the time of a short command.
type operation struct {
	huma.Operation
	spec
	register func(huma.API, huma.Operation)
	once     sync.Once
	serve    http.Handler
}

func (s spec) operation(tag string) *operation {
	if s.body == 0 {
		s.body = maxBody
	}
	if s.status == 0 {
		s.status = http.StatusOK
	}
	if s.needs == "" {
		s.needs = sluice.MayRead
	}
	if s.values == 0 {
		s.values = maxValues
	}
	if s.patience == 0 {
		s.patience = requestTimeout
	}
	return &operation{spec: s, Operation: huma.Operation{
		OperationID: s.id, Method: s.method, Path: s.path, Tags: []string{tag}, Summary: s.summary, Description: s.description,
		DefaultStatus: s.status, MaxBodyBytes: s.body, BodyReadTimeout: bodyTimeout,
	}}
}

// answer is how huma takes a body.
type answer[T any] struct{ Body T }

// route adds an operation that answers JSON, from a function over the bound
// request. Types of parameters that are embedded must be exported: huma does not
// look into others.
func route[I, O any](h *handler, tag string, s spec, fn func(context.Context, *I) (O, error)) {
	op := s.operation(tag)
	op.register = func(a huma.API, op huma.Operation) {
		huma.Register(a, op, func(ctx context.Context, in *I) (*answer[O], error) {
			out, err := fn(ctx, in)
			if err != nil {
				return nil, problemOf(err)
			}
			return &answer[O]{out}, nil
		})
	}
	h.add(op)
}

// act adds an operation that answers nothing but that it was done.
func act[I any](h *handler, tag string, s spec, fn func(context.Context, *I) error) {
	s.status = http.StatusNoContent
	op := s.operation(tag)
	op.register = func(a huma.API, op huma.Operation) {
		huma.Register(a, op, func(ctx context.Context, in *I) (*struct{}, error) {
			if err := fn(ctx, in); err != nil {
				return nil, problemOf(err)
			}
			return nil, nil
		})
	}
	h.add(op)
}

// raw adds an operation that writes its answer itself. Describe completes what
// the document says of it.
func raw(h *handler, tag string, s spec, describe func(*huma.Operation), serve func(http.ResponseWriter, *http.Request) error) {
	op := s.operation(tag)
	op.register = func(a huma.API, op huma.Operation) {
		describe(&op)
		a.OpenAPI().AddOperation(&op)
	}
	op.serve = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			fail(w, err)
		}
	})
	h.add(op)
}

func (h *handler) add(op *operation) {
	// A file's path may have slashes.
	pattern := op.Method + " " + strings.Replace(op.Path, "{path}", "{path...}", 1)
	h.operations[pattern] = op
	h.mux.Handle(pattern, op)
}

// ServeHTTP serves the operation. Each has a registry of schemas of its own, so
// that making one never races with the serving of another.
func (op *operation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if op.patience > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), op.patience)
		defer cancel()
		r = r.WithContext(ctx)
	}
	op.once.Do(func() {
		if op.serve == nil {
			a := &adapter{}
			op.register(newRegistry(a, op.values), op.Operation)
			op.serve = a
		}
	})
	op.serve.ServeHTTP(w, r)
}

// adapter keeps the handler of the last operation that was registered.
type adapter struct{ http.HandlerFunc }

// Handle is how huma hands over an operation.
func (a *adapter) Handle(op *huma.Operation, serve func(huma.Context)) {
	a.HandlerFunc = func(w http.ResponseWriter, r *http.Request) { serve(humago.NewContext(op, r, w)) }
}

// newRegistry returns an empty API of huma with our one format and our errors.
// values is the most values that a body has.
func newRegistry(a huma.Adapter, values int) huma.API {
	format := huma.Format{Marshal: respond, Unmarshal: func(b []byte, v any) error { return decode(b, v, values) }}
	schemas := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	return huma.NewAPI(huma.Config{
		OpenAPI:                      &huma.OpenAPI{OpenAPI: "3.1.0", Components: &huma.Components{Schemas: schemas}},
		Formats:                      map[string]huma.Format{"application/json": format, "json": format}, // the second is what a +json is
		DefaultFormat:                "application/json",
		Transformers:                 []huma.Transformer{report},
		RejectUnknownQueryParameters: true,
	}, a)
}
