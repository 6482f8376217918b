package budget

import (
	"context"
	"sync"
)

// Scope is what one request holds of a budget, which ends with the request. It is
// in the request's context, as who asks is: what holds the memory of an answer is
// the request, however deep below it the answer was read.
type Scope struct {
	mu     sync.Mutex
	shares []*Share
}

type scopeKey struct{}

// WithScope returns a context with a new scope. Release the scope with the request.
func WithScope(ctx context.Context) (context.Context, *Scope) {
	s := &Scope{}
	return context.WithValue(ctx, scopeKey{}, s), s
}

// Keep gives a share to the scope of a context; without a scope it is released.
func Keep(ctx context.Context, share *Share) {
	if share == nil {
		return
	}
	s, _ := ctx.Value(scopeKey{}).(*Scope)
	if s == nil {
		share.Release()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shares = append(s.shares, share)
}

// Shrink keeps so many bytes of all shares together and gives the rest back.
func (s *Scope) Shrink(bytes int64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, share := range s.shares {
		share.Shrink(bytes)
		bytes -= min(bytes, share.bytes)
	}
}

// Release gives all back.
func (s *Scope) Release() { s.Shrink(0) }
