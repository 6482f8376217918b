package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Bounds on what a request may bring.
const (
	maxBody        = 1 << 20
	maxContentBody = 6 << 20 // a version of 4 MiB in base64, and what is around it
	bodyTimeout    = time.Minute
)

// operation is one route: what the document says of it, and how it is served.
// Its schemas are made when it is first asked for.
type operation struct {
	huma.Operation
	public   bool // needs no token
	register func(huma.API, huma.Operation)
	raw      http.Handler // serves it where the answer is not JSON
	once     sync.Once
	serve    http.Handler
}

// describing is what an operation says of itself.
type describing struct {
	id, method, path, tag, summary, description string
	body                                        int64 // most bytes of the request's body; defaults to maxBody
}

func (d describing) operation() huma.Operation {
	if d.body == 0 {
		d.body = maxBody
	}
	return huma.Operation{
		OperationID: d.id, Method: d.method, Path: d.path, Tags: []string{d.tag}, Summary: d.summary,
		Description: d.description, MaxBodyBytes: d.body, BodyReadTimeout: bodyTimeout,
	}
}

// route makes an operation from a function over the bound request.
func route[I, O any](d describing, fn func(context.Context, *I) (*O, error)) *operation {
	return &operation{Operation: d.operation(), register: func(a huma.API, op huma.Operation) {
		huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) {
			out, err := fn(ctx, in)
			if err != nil {
				return nil, problemOf(err)
			}
			return out, nil
		})
	}}
}

// stream makes an operation whose answer is not JSON. The document's part is
// given by describe.
func stream(d describing, describe func(*huma.Operation), serve http.HandlerFunc) *operation {
	return &operation{Operation: d.operation(), raw: serve, register: func(a huma.API, op huma.Operation) {
		describe(&op)
		a.OpenAPI().AddOperation(&op)
	}}
}

// pattern is the operation's pattern for the mux. A file's path may have slashes.
func (op *operation) pattern() string {
	return op.Method + " " + strings.Replace(op.Path, "{path}", "{path...}", 1)
}

// ServeHTTP serves the operation. Each has a registry of schemas of its own, so
// that making one never waits for, or races with, the serving of another.
func (op *operation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op.once.Do(func() {
		if op.serve = op.raw; op.serve == nil {
			capture := &adapter{}
			op.register(newRegistry(capture), op.Operation)
			op.serve = capture.handler
		}
	})
	op.serve.ServeHTTP(w, r)
}

// adapter keeps the handler of the last operation that was registered.
type adapter struct{ handler http.Handler }

// Handle is how huma hands over an operation.
func (a *adapter) Handle(op *huma.Operation, serve func(huma.Context)) {
	a.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve(humago.NewContext(op, r, w))
	})
}

// ServeHTTP serves the operation.
func (a *adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// newRegistry returns an empty API of huma with our one format and our errors.
func newRegistry(a huma.Adapter) huma.API {
	return huma.NewAPI(huma.Config{
		OpenAPI:                      &huma.OpenAPI{OpenAPI: "3.1.0", Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)}},
		Formats:                      map[string]huma.Format{"application/json": {Marshal: encode, Unmarshal: decode}},
		DefaultFormat:                "application/json",
		Transformers:                 []huma.Transformer{report},
		RejectUnknownQueryParameters: true,
	}, a)
}
