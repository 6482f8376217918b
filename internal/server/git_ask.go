package server

import (
	"context"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
	"github.com/sluice-dev/sluice/internal/api/githost"
)

// Look has a look begin, and waits for it.
func (g *git) Look(ctx context.Context, ref string) (results []sluice.GitResult, done bool, err error) {
	l := g.ask(sluice.SyncGitRequest{})
	select {
	case <-ctx.Done():
		return nil, false, nil
	case <-l.done:
	}
	results = l.results
	if ref != "" && !strings.HasPrefix(ref, "refs/") {
		ref = "refs/tags/" + ref // as events of a tag that was made have it
	}
	if !slices.ContainsFunc(results, func(r sluice.GitResult) bool { return r.Ref == ref }) {
		g.mu.Lock()
		if known, told := g.told[ref]; told {
			results = append(slices.Clone(results), known)
		}
		g.mu.Unlock()
	}
	return results, true, l.err
}

// GitStatus tells how the server and the repositories stand to each other.
func (g *git) GitStatus(ctx context.Context) (sluice.GitStatus, error) {
	g.mu.Lock()
	s := g.status
	g.mu.Unlock()
	bridge := g.in
	if bridge == nil {
		bridge = g.out
	}
	var err error
	if s.Environments, err = bridge.Standing(ctx); err != nil {
		return s, err
	}
	s.Refused, err = bridge.Refused(ctx)
	return s, err
}

// SyncGit looks at once, and decides about releases that were made apart.
func (g *git) SyncGit(ctx context.Context, req sluice.SyncGitRequest) (sluice.GitStatus, error) {
	l := g.ask(req)
	select {
	case <-ctx.Done():
		return sluice.GitStatus{}, sluice.Errorf(sluice.TimedOut, "the look at the repository goes on").Do(sluice.LookAtGit(), "see how it went").Because(ctx.Err())
	case <-l.done:
	}
	if l.err != nil {
		return sluice.GitStatus{}, l.err
	}
	if l.apart != nil {
		return sluice.GitStatus{}, l.apart
	}
	return g.GitStatus(ctx)
}

// ask has a look begin after now, and returns it. Several that ask before it begins
// get the same.
func (g *git) ask(req sluice.SyncGitRequest) *look {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() != nil {
		l := &look{done: make(chan struct{}), err: errStopping()}
		close(l.done)
		return l
	}
	if g.next == nil {
		g.next = &look{done: make(chan struct{})}
	}
	if req.Rebase || req.Theirs {
		g.next.req = req
	}
	select {
	case g.asked <- struct{}{}:
	default:
	}
	return g.next
}

// take is the next look, and whether anybody asked for it.
func (g *git) take() (l *look, asked bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l, g.next = g.next, nil
	select {
	case <-g.asked: // it is this one
	default:
	}
	if l != nil {
		return l, true
	}
	return &look{done: make(chan struct{})}, false
}

// gitAdapter answers Git hosts, and those who ask how it goes.
func (s *Server) gitAdapter() api.Adapter {
	cfg := githost.Config{Secret: s.cfg.Git.Secret, Wait: s.cfg.Git.Wait, Log: s.cfg.Log}
	if s.git != nil {
		cfg.Follower = s.git
	}
	return githost.New(cfg)
}
