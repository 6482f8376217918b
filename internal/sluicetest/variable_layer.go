package sluicetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// effective demands what a component gets: `A "x" of base < base@my-prompt`, with
// what each hides behind it.
func (s *suite) effective(environment, component, want string) sluice.EffectiveSet {
	s.Helper()
	set := ok[sluice.EffectiveSet](s)(s.Effective(s.ctx, sluice.EffectiveRequest{Environment: in(environment), Component: component}))
	var lines []string
	for _, v := range set.Variables {
		lines = append(lines, shown(v)+" of "+v.Environment+hidden(v.Hides))
	}
	s.equal("what "+component+" gets in "+environment, strings.Join(lines, ", "), want)
	return set
}

func hidden(below []sluice.Layer) string {
	var out strings.Builder
	for _, l := range below {
		out.WriteString(" > " + l.Environment)
		if l.Component != "" {
			out.WriteString("@" + l.Component)
		}
		if l.None {
			out.WriteString(" none")
		}
		if l.Hidden {
			out.WriteString(" hidden")
		}
	}
	return out.String()
}

func overlays(s *suite) {
	s.published(1)
	s.configure("prod", put("A", "wide"), put("A@"+prompt, "narrow"), put("B@"+prompt, "alone"), put("C", "all"))
	s.configured("prod", `A "wide", A@my-prompt "narrow", B@my-prompt "alone", C "all"`)
	for _, c := range [][2]string{{"A", "wide"}, {"A@my-prompt", "narrow"}, {"A@MY-PROMPT", "narrow"}, {"A@router", "wide"}, {"C@my-prompt", "all"}} {
		s.equal(c[0], *s.variable("prod", c[0]).Value, c[1])
	}
	_, err := s.Variable(s.ctx, sluice.VariableRequest{Environment: in("prod"), Key: "B"})
	s.refused(err, sluice.NotFound)
	_, err = s.Variable(s.ctx, sluice.VariableRequest{Environment: in("prod"), Key: "A", Component: "nobody"})
	s.refused(err, sluice.NotFound, "nobody")
	s.effective("prod", "", `A "wide" of production, C "all" of production`)
	s.effective("prod", other, `A "wide" of production, C "all" of production`)
	s.effective("prod", prompt, `A@my-prompt "narrow" of production > production, B@my-prompt "alone" of production, C "all" of production`)
	s.configure("prod", hide("C@"+prompt))
	s.effective("prod", prompt, `A@my-prompt "narrow" of production > production, B@my-prompt "alone" of production, C@my-prompt hidden of production > production`)
	_, err = s.Variable(s.ctx, sluice.VariableRequest{Environment: in("prod"), Key: "C", Component: prompt})
	s.refused(err, sluice.NotFound, "C is hidden from my-prompt in production", "delete C of my-prompt in production")
	s.unchanged("hidden again", func() { s.configure("prod", hide("C@"+prompt)) })
	s.configure("prod", drop("A@"+prompt), drop("C@"+prompt))
	s.effective("prod", prompt, `A "wide" of production, B@my-prompt "alone" of production, C "all" of production`)
	one := func(q sluice.VariableQuery) int {
		q.Environment = in("prod")
		return len(ok[sluice.Page[sluice.Variable]](s)(s.Variables(s.ctx, q)).Items)
	}
	s.equal("of one", one(sluice.VariableQuery{Component: "My-Prompt"}), 1)
	s.equal("of none", one(sluice.VariableQuery{Component: other}), 0)
	s.equal("wide", one(sluice.VariableQuery{Wide: true}), 2)
	_, err = s.Variables(s.ctx, sluice.VariableQuery{Environment: in("prod"), Component: "nobody"})
	s.refused(err, sluice.NotFound)
}

// variableLayers: an overlay comes before what all get, and an environment before
// its parents.
func variableLayers(s *suite) {
	s.published(1)
	ok[sluice.EnvironmentChange](s)(s.CreateEnvironment(s.ctx, sluice.CreateEnvironmentRequest{Name: "canary", Parent: "prod"}))
	s.configure("base", put("A", "1"))
	s.effective("canary", prompt, `A "1" of base`)
	s.configure("prod", put("A", "2"))
	s.effective("canary", prompt, `A "2" of production > base`)
	s.configure("canary", put("A", "3"))
	s.effective("canary", prompt, `A "3" of canary > production > base`)
	s.configure("base", put("A@"+prompt, "4"))
	s.effective("canary", prompt, `A@my-prompt "4" of base > canary > production > base`)
	s.configure("prod", put("A@"+prompt, "5"))
	s.effective("canary", prompt, `A@my-prompt "5" of production > base@my-prompt > canary > production > base`)
	s.configure("canary", hide("A@"+prompt))
	s.effective("canary", prompt, `A@my-prompt hidden of canary > production@my-prompt > base@my-prompt > canary > production > base`)
	s.effective("canary", other, `A "3" of canary > production > base`)
	s.effective("prod", prompt, `A@my-prompt "5" of production > base@my-prompt > production > base`)
	s.configure("prod", hide("A"))
	s.effective("canary", "", `A "3" of canary > production none > base`)
	s.configure("canary", drop("A"), drop("A@"+prompt))
	s.effective("canary", prompt, `A@my-prompt "5" of production > base@my-prompt > production none > base`)
	s.effective("canary", "", "")
	// Of the past an environment knows its own view alone.
	then := ok[sluice.EffectiveSet](s)(s.Effective(s.ctx, sluice.EffectiveRequest{
		Environment: sluice.EnvironmentRef{Name: "canary", Release: 6, Exact: true}, Component: prompt,
	}))
	s.equal("then", shown(then.Variables[0])+hidden(then.Variables[0].Hides), "A@my-prompt hidden > canary")
	s.configure("base", put("API_TOKEN", "x"))
	s.configure("canary", put("API_TOKEN@"+prompt, "y"))
	set := s.effective("canary", prompt, `A@my-prompt "5" of production > base@my-prompt > production none > base, API_TOKEN@my-prompt masked of canary > base`)
	s.equal("what is hidden is masked", set.Variables[1].Hides[0].Secret, true)
	other := ok[sluice.EffectiveSet](s)(s.Effective(s.ctx, sluice.EffectiveRequest{Environment: in("canary"), Component: prompt, Reveal: true}))
	s.equal("revealed", *other.Variables[1].Value, "y")
}

func inheritedVariables(s *suite) {
	s.published(1)
	out := s.configure("base", put("A", "1"), put("API_TOKEN", "shared"), put("E", ""))
	s.equal("who follows", len(out.Inherited), 3)
	s.equal("because of", out.Inherited[0].Cause+" "+string(out.Inherited[0].Action), "base#1 inherited")
	for _, name := range []string{"dev", "staging", "prod"} {
		s.configured(name, `A "1" of base, API_TOKEN masked of base, E "" of base`)
	}
	s.configure("prod", put("A", "2"), hide("E"))
	s.configured("prod", `A "2", API_TOKEN masked of base, E none`)
	_, err := s.Variable(s.ctx, sluice.VariableRequest{Environment: in("prod"), Key: "E"})
	s.refused(err, sluice.NotFound)
	follow := s.configure("base", put("A", "3"), put("E", "4"))
	s.equal("only those without their own", len(follow.Inherited), 2)
	s.configured("prod", `A "2", API_TOKEN masked of base, E none`)
	s.configured("staging", `A "3" of base, API_TOKEN masked of base, E "4" of base`)
	kept := s.configure("prod", drop("A"), drop("E"), drop("API_TOKEN"))
	s.equal("an inherited one", fmt.Sprint(kept.Kept), "[{var/API_TOKEN inherited from base; hide it with hide: true}]")
	s.configured("prod", `A "3" of base, API_TOKEN masked of base, E "4" of base`)
	own := s.configure("prod", put("A", "3"))
	s.equal("the same value, now its own", own.Release.Changes[0].Origin+own.Release.Changes[0].From.String(), own.Release.Changes[0].To.String())
	s.configure("base", put("A", "5"))
	s.configured("prod", `A "3", API_TOKEN masked of base, E "4" of base`)
	s.configure("base", drop("A"), drop("API_TOKEN"), drop("E"))
	s.configured("prod", `A "3"`)
	s.configured("staging", "")
	parent := "prod"
	moved := ok[sluice.EnvironmentChange](s)(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "staging", Parent: &parent}))
	s.equal("another parent", string(moved.Releases[0].Action), "reparent")
	s.configured("staging", `A "3" of production`)
	born := ok[sluice.EnvironmentChange](s)(s.CreateEnvironment(s.ctx, sluice.CreateEnvironmentRequest{Name: "eu", Parent: "prod"}))
	s.equal("a new one holds what its parent does", born.Releases[0].Changes[0].Origin, "production")
}

func secretsByLook(s *suite) {
	s.published(1)
	looks := func(key, value string, secret bool) {
		s.configure("prod", put(key, value))
		s.equal(key+"="+value, s.variable("prod", key).Secret, secret)
		s.configure("prod", drop(key))
	}
	for _, key := range []string{"OPENAI_API_KEY", "api_token", "db_password", "mySecretThing", "PASSWORD", "CLIENT_SECRET_2"} {
		looks(key, "x", true)
	}
	for _, key := range []string{"KEY", "TOKENS", "KEYS", "_TOKEN_X", "MODEL"} {
		looks(key, "x", false)
	}
	for _, value := range []string{"postgres://alice:pw@db/x", " redis://:pw@cache ", "http://[::bad@"} {
		looks("URL_OF", value, true)
	}
	for _, value := range []string{"https://bob@example.com/", "https://example.com/a@b", "mail me: alice@example.com"} {
		looks("URL_OF", value, false)
	}
	names := func() string {
		var out []string
		for _, v := range s.variables(in("staging")) {
			out = append(out, shown(v))
		}
		return strings.Join(out, ", ")
	}
	s.configure("staging", put("A", "1"), putAs(true, "B", "1"), putAs(false, "C_KEY", "1"))
	s.equal("told", names(), `A "1", B masked, C_KEY "1"`)
	s.configure("staging", put("A", "2"), put("B", "2"), put("C_KEY", "2"))
	s.equal("a key stays what it was", names(), `A "2", B masked, C_KEY "2"`)
	s.configure("staging", put("A@"+prompt, "3"), put("B@"+prompt, "3"), put("C_KEY@"+prompt, "3"), put("D_KEY@"+prompt, "3"))
	s.equal("an overlay is as what it covers", names(),
		`A "2", A@my-prompt "3", B masked, B@my-prompt masked, C_KEY "2", C_KEY@my-prompt "3", D_KEY@my-prompt masked`)
	s.configure("staging", put("A", "https://u:p@host"), put("C_KEY", "https://u:p@host"))
	s.equal("what gives itself away", s.variable("staging", "A").Secret && s.variable("staging", "C_KEY").Secret, true)
	again := s.configure("staging", putAs(false, "A", "https://u:p@host"))
	s.equal("unless told otherwise, which is a release", string(again.Release.Action)+shown(s.variable("staging", "A")), `configureA "https://u:p@host"`)
	same := again.Release.Changes[0]
	s.equal("of the same value", same.From.Fingerprint == same.To.Fingerprint && same.From.Secret && !same.To.Secret, true)
	page := ok[sluice.Page[sluice.Release]](s)(s.Releases(s.ctx, sluice.ReleaseQuery{Environment: "staging", Paging: sluice.Paging{Limit: 2}}))
	s.equal("and the same root", page.Items[0].Root, page.Items[1].Root)
	masks := slices.ContainsFunc(s.variables(in("staging")), func(v sluice.Variable) bool { return v.Secret && v.Value != nil })
	s.equal("no list shows a secret", masks, false)
}
