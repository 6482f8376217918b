package server

import (
	"context"
	"errors"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/gitsync"
)

// look looks once, for whoever has asked until now. Without fetch, and when nobody
// asked, it only sees to what the ledger has moved.
func (g *git) look(fetch bool) error {
	l, asked := g.take()
	ctx, cancel := context.WithTimeout(g.ctx, lookPatience)
	defer cancel()
	done := &outcome{}
	err := g.both(ctx, fetch || asked, l.req, done)
	if g.ctx.Err() != nil {
		err = errStopping()
	} else {
		g.note(done, err)
	}
	l.results, l.err = done.results, err
	if l.err == nil && done.apart != nil && asked {
		l.apart = done.apart
	}
	close(l.done)
	return err
}

// outcome is what a look came to.
type outcome struct {
	results         []sluice.GitResult
	apart           error // releases that were made apart, and wait for a decision
	fetched, pushed bool
}

func (o *outcome) add(f gitsync.Followed) {
	o.results = append(o.results, f.Results...)
	if o.apart = nil; f.Apart != nil {
		o.apart = f.Apart
	}
}

// both follows the one repository and writes to the other, while no other server
// over the same ledger does.
func (g *git) both(ctx context.Context, fetch bool, req sluice.SyncGitRequest, done *outcome) error {
	unlock, err := g.s.db.Lock(ctx, "git")
	if err != nil {
		return err
	}
	defer unlock()
	if g.in != nil && (fetch || g.waits(ctx)) {
		if err := g.follow(ctx, g.in, fetch, req, done); err != nil {
			return err
		}
	}
	if g.out == nil || done.apart != nil {
		return nil
	}
	if g.out != g.in && (req.Rebase || req.Theirs) {
		if err := g.follow(ctx, g.out, true, req, done); err != nil {
			return err
		}
	}
	return g.write(ctx, done)
}

func (g *git) follow(ctx context.Context, from *gitsync.Bridge, fetch bool, req sluice.SyncGitRequest, done *outcome) error {
	f, err := from.Follow(ctx, gitsync.FollowOptions{Offline: !fetch, Rebase: req.Rebase, Theirs: req.Theirs, Places: &g.places, Shared: g.s.db.Engine() == "postgres"})
	done.add(f)
	done.fetched = done.fetched || fetch && err == nil
	for _, note := range f.Notes {
		g.s.cfg.Log.Info(note)
	}
	return err
}

// waits reports whether something was refused, which may be let in by now.
func (g *git) waits(ctx context.Context) bool {
	refused, err := g.in.Refused(ctx)
	return err == nil && len(refused) > 0
}

// pushTries bounds how often others may be quicker.
const pushTries = 5

// write writes to the mirror. When others were quicker it looks what they did.
func (g *git) write(ctx context.Context, done *outcome) error {
	for try := 1; ; try++ {
		fetch := g.out != g.in && (!g.fetched || try > 1)
		sent, err := g.out.Mirror(ctx, fetch)
		g.fetched = err == nil
		for _, tag := range sent.Kept {
			g.s.cfg.Log.Warn("a tag was not written, since the mirror has it with other content", "tag", tag)
		}
		done.pushed = done.pushed || err == nil
		var rejected *gitrepo.Rejected
		if !errors.As(err, &rejected) || try == pushTries {
			return err
		}
		if g.out == g.in {
			if err := g.follow(ctx, g.in, true, sluice.SyncGitRequest{}, done); err != nil || done.apart != nil {
				return err
			}
		}
	}
}

// note keeps what a look came to, and tells the log what is new.
func (g *git) note(done *outcome, err error) {
	now := sluice.TimeOf(g.s.cfg.Now())
	log := g.s.cfg.Log
	fresh := g.keep(done.results)
	for _, r := range fresh {
		if r.State == sluice.GitFailure {
			log.Warn("a ref was not taken in", "ref", r.Ref, "why", r.Description, "fix", r.Fixes)
		} else {
			log.Info("took in a ref", "ref", r.Ref, "what", r.Description, "release", r.Release)
		}
	}
	if why := g.writeStatuses(fresh); why != nil {
		log.Warn("the statuses of commits cannot be written", "error", why)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &g.status
	if done.fetched {
		s.LastFetch = now
	}
	if done.pushed {
		s.LastPush = now
	}
	divergence := (*gitsync.Divergence)(nil)
	stopped := g.out != nil && (done.apart != nil || sluice.CodeOf(err) == sluice.Conflict || errors.As(err, &divergence))
	if err == nil {
		err = done.apart
	}
	if err == nil && !done.fetched && !done.pushed {
		return // nobody was asked
	}
	if err == nil {
		if s.Error != "" {
			log.Info("the Git repository is there again", "was", s.Error)
		}
		s.Error, s.Fixes, s.Since, s.Stopped = "", nil, 0, false
		return
	}
	e := sluice.AsError(err)
	if s.Error != e.Message {
		s.Since = now
		log.Warn("the Git repository cannot be followed or written to", "error", err, "fix", e.Fixes, "mirror_stopped", stopped)
	}
	s.Error, s.Fixes, s.Stopped = e.Message, e.Fixes, stopped
}

// maxTold bounds the refs of which the last word is kept in memory.
const maxTold = 20_000

// keep keeps the last word about each ref, and returns what was not said before.
func (g *git) keep(results []sluice.GitResult) (fresh []sluice.GitResult) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.told) > maxTold {
		clear(g.told)
	}
	for _, r := range results {
		if was := g.told[r.Ref]; was.State != r.State || was.Description != r.Description || was.Commit != r.Commit {
			fresh = append(fresh, r)
		}
		g.told[r.Ref] = r
	}
	return fresh
}
