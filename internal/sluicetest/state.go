package sluicetest

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

func history(s *suite) {
	s.published(3)
	s.deploy("prod", prompt, "v1.0.0", other, "v1.0.0")
	s.advance(time.Hour)
	since := sluice.TimeOf(s.clock)
	s.deploy("staging", prompt, "v1.1.0")
	s.deploy("prod", prompt, "v1.1.0")
	refs := func(q sluice.ReleaseQuery) string {
		var out []string
		for {
			page := ok[sluice.Page[sluice.Release]](s)(s.Releases(s.ctx, q))
			for _, r := range page.Items {
				out = append(out, r.Ref())
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return strings.Join(out, " ")
			}
		}
	}
	s.equal("all", refs(sluice.ReleaseQuery{}), "production#2 staging#1 production#1")
	s.equal("page by page", refs(sluice.ReleaseQuery{Paging: sluice.Paging{Limit: 1}}), "production#2 staging#1 production#1")
	s.equal("of an environment", refs(sluice.ReleaseQuery{Environment: "prod"}), "production#2 production#1")
	s.equal("of a component", refs(sluice.ReleaseQuery{Component: "ROUTER"}), "production#1")
	s.equal("of both", refs(sluice.ReleaseQuery{Component: prompt, Environment: "stage"}), "staging#1")
	s.equal("since", refs(sluice.ReleaseQuery{Since: since}), "production#2 staging#1")
	s.equal("until", refs(sluice.ReleaseQuery{Until: since - 1}), "production#1")
	of := ok[sluice.Page[sluice.Release]](s)(s.Releases(s.ctx, sluice.ReleaseQuery{Component: prompt}))
	for _, r := range of.Items {
		s.equal("only its change in "+r.Ref(), len(r.Changes), 1)
	}
	for _, q := range []sluice.ReleaseQuery{{Environment: "nobody"}, {Component: "nobody"}} {
		_, err := s.Releases(s.ctx, q)
		s.refused(err, sluice.NotFound)
	}
	for _, p := range []sluice.Paging{{Cursor: "x"}, {Limit: -1}, {Cursor: strings.Repeat("9", 200)}} {
		_, err := s.Releases(s.ctx, sluice.ReleaseQuery{Paging: p})
		s.refusedEarly(err, sluice.Invalid)
	}
}

func timeTravel(s *suite) {
	s.published(3)
	var at []sluice.Time
	for _, v := range []string{"v1.0.0", "v1.1.0", "v1.2.0"} {
		s.advance(time.Hour)
		at = append(at, s.deploy("prod", prompt, v).Release.At)
	}
	s.advance(time.Hour)
	then := func(t sluice.Time) sluice.EnvironmentRef { return sluice.EnvironmentRef{Name: "prod", At: t} }
	s.liveAt(then(at[0]-1), "")
	s.liveAt(then(at[0]), "my-prompt v1.0.0")
	s.liveAt(then(at[1]-1), "my-prompt v1.0.0")
	s.liveAt(then(at[1]), "my-prompt v1.1.0")
	s.liveAt(then(at[2]), "my-prompt v1.2.0")
	s.liveAt(then(at[2]+sluice.Time(time.Hour.Microseconds()*24*365)), "my-prompt v1.2.0")
	for n, want := range []string{"", "my-prompt v1.0.0", "my-prompt v1.1.0", "my-prompt v1.2.0"} {
		m := s.liveAt(sluice.EnvironmentRef{Name: "production", Release: int64(n), Exact: true}, want)
		s.equal("release", m.Release, n)
	}
	one := ok[sluice.Setting](s)(s.Setting(s.ctx, then(at[1]), "MY-PROMPT"))
	s.equal("one component then", fmt.Sprintf("%s %s #%d over #%d", one.Slot, one.Value, one.Since, one.Under), "component/my-prompt v1.1.0 #2 over #1")
	s.equal("that never was", ok[sluice.Setting](s)(s.Setting(s.ctx, then(at[1]), other)), sluice.Setting{Slot: "component/router"})
	for _, name := range []string{"nobody", ""} {
		_, err := s.Setting(s.ctx, then(at[1]), name)
		if code := sluice.CodeOf(err); code != sluice.NotFound && code != sluice.Invalid {
			s.Errorf("setting of %q: %v", name, err)
		}
	}
	_, err := s.Setting(s.ctx, sluice.EnvironmentRef{Name: "nobody"}, prompt)
	s.refused(err, sluice.NotFound)
	_, err = s.State(s.ctx, sluice.EnvironmentRef{Name: "prod", Release: 4, Exact: true})
	s.refused(err, sluice.NotFound, "the last is #3")
	_, err = s.State(s.ctx, sluice.EnvironmentRef{Name: "nobody"})
	s.refused(err, sluice.NotFound)
	m := s.live("prod", "my-prompt v1.2.0")
	got := ok[sluice.Resolution](s)(s.Resolve(s.ctx, sluice.ResolveRequest{Environment: "PROD", Component: prompt, AtLeast: m.Epoch}))
	s.equal("resolved", string(got.Label)+" "+got.Environment, "v1.2.0 production")
	_, err = s.Resolve(s.ctx, sluice.ResolveRequest{Environment: "prod", Component: other})
	s.refused(err, sluice.NotFound, "is not live in production")
	_, err = s.Resolve(s.ctx, sluice.ResolveRequest{Environment: "prod", Component: "nobody"})
	s.refused(err, sluice.NotFound)
	_, err = s.Resolve(s.ctx, sluice.ResolveRequest{Environment: "nobody", Component: prompt})
	s.refused(err, sluice.NotFound)
	_, err = s.Resolve(s.ctx, sluice.ResolveRequest{Environment: "prod", Component: prompt, Key: strings.Repeat("k", sluice.MaxKeyBytes+1)})
	s.refusedEarly(err, sluice.LimitExceeded)
}

func diff(s *suite) {
	s.published(2)
	s.deploy("prod", prompt, "v1.0.0", other, "v1.0.0")
	s.deploy("staging", prompt, "v1.1.0")
	d := ok[sluice.Diff](s)(s.Diff(s.ctx, sluice.DiffRequest{From: "prod", To: "staging", Contents: true}))
	s.equal("as", d.From+" "+d.To, "production#1 staging#1")
	var lines []string
	for _, c := range d.Slots {
		lines = append(lines, c.Slot.Component()+" "+c.From.String()+">"+c.To.String())
	}
	s.equal("slots", lines, []string{"my-prompt v1.0.0>v1.1.0", "router v1.0.0>"})
	s.equal("texts", strings.Contains(d.Files[0].Unified, "-This is v1.0.0.\n+This is v1.1.0."), true)
	same := ok[sluice.Diff](s)(s.Diff(s.ctx, sluice.DiffRequest{From: "prod", To: "production#1"}))
	s.equal("nothing", len(same.Slots), 0)
	v := ok[sluice.Diff](s)(s.Diff(s.ctx, sluice.DiffRequest{From: prompt + "@v1.0.0", To: prompt + "@latest"}))
	s.equal("of versions", v.From+" "+v.To+" "+string(v.Files[0].Status), "my-prompt@v1.0.0 my-prompt@v1.1.0 changed")
	for _, bad := range []struct {
		from, to string
		code     sluice.Code
	}{
		{"prod", prompt + "@1", sluice.Invalid},
		{"prod", "nobody", sluice.NotFound},
		{prompt + "@1", prompt + "@9", sluice.NotFound},
		{"prod@never", "staging", sluice.Invalid},
		{"", "prod", sluice.Invalid},
	} {
		_, err := s.Diff(s.ctx, sluice.DiffRequest{From: bad.from, To: bad.to})
		s.refusedEarly(err, bad.code)
	}
}

// events reads a watch, without its heartbeats.
type events struct {
	s    *suite
	next func() (sluice.Event, error, bool)
	stop func()
}

func (s *suite) watch(req sluice.WatchRequest) events {
	next, stop := iter.Pull2(s.Watch(s.ctx, req))
	s.Cleanup(stop)
	return events{s, next, stop}
}

func (e events) want(kind sluice.EventType, release int64) sluice.Event {
	e.s.Helper()
	for {
		event, err, more := e.next()
		if err != nil || !more {
			e.s.Fatalf("the watch ended: %v", err)
		}
		switch event.Type {
		case sluice.EventHeartbeat:
			continue
		case sluice.EventSnapshot:
			e.s.equal("snapshot", string(kind), "snapshot")
			e.s.equal("of release", event.Snapshot.Release, release)
		case sluice.EventRelease:
			e.s.equal("release", string(kind), "release")
			e.s.equal("number", event.Release.Number, release)
		}
		e.s.note(event)
		return event
	}
}

func watch(s *suite) {
	s.published(3)
	s.deploy("prod", prompt, "v1.0.0")
	first := s.watch(sluice.WatchRequest{Environment: "prod"})
	snapshot := first.want(sluice.EventSnapshot, 1)
	s.equal("what is live", snapshot.Snapshot.Slots[0].Value.String(), "v1.0.0")
	s.deploy("staging", prompt, "v1.0.0") // is not told to those who watch production
	s.deploy("prod", prompt, "v1.1.0")
	second := first.want(sluice.EventRelease, 2)
	s.equal("the change", second.Release.Changes[0].To.String(), "v1.1.0")
	first.stop()
	s.deploy("base", other, "v1.0.0") // inherited, while nobody watches
	resumed := s.watch(sluice.WatchRequest{Environment: "production", After: second.ID})
	s.equal("resumed without a snapshot", resumed.want(sluice.EventRelease, 3).Release.Cause, "base#1")
	for _, unknown := range []string{"another-ledger-7", "x"} {
		reset := s.watch(sluice.WatchRequest{Environment: "prod", After: unknown})
		s.equal("after "+unknown, reset.want(sluice.EventSnapshot, 3).Snapshot.Reset, true)
	}
	for environment, code := range map[string]sluice.Code{"nobody": sluice.NotFound, "": sluice.Invalid} {
		for _, err := range s.Watch(s.ctx, sluice.WatchRequest{Environment: environment}) {
			if sluice.CodeOf(err) != code {
				s.Errorf("watching %q: %v; want %s", environment, err, code)
			}
			break
		}
	}
}
