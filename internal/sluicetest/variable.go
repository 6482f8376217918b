package sluicetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// variableGroups are the questions about configuration and secrets.
var variableGroups = []group{
	{"variables", variables},
	{"variables then", variablesThen},
	{"what is no variable", noVariables},
	{"overlays", overlays},
	{"layers", variableLayers},
	{"inherited variables", inheritedVariables},
	{"secrets by their look", secretsByLook},
	{"expected variables", expectedVariables},
	{"variables once", variablesOnce},
	{"every change of variables", everyVariableChange},
	{"importing variables", importing},
	{"importing and pruning", pruning},
	{"comparing variables", comparingVariables},
	{"promoting variables", promotingVariables},
	{"going back with variables", goingBack},
	{"one release of variables back", revertingVariables},
	{"components back with their overlays", overlaysBack},
	{"restoring variables", restoringVariables},
	{"restoring what is inherited", restoringInherited},
	{"what versions require", required},
	{"what tracking requires", requiredTracking},
	{"going back to what is required", requiredBack},
	{"revealing", revealing},
	{"shredding", shredding},
	{"rotating keys", rotating},
	{"limits of variables", variableLimits},
	{"limits of scopes", scopeLimits},
	{"roles and variables", variableRoles},
	{"pages of variables", variablePages},
	{"watching variables", watchingVariables},
}

// named starts a change of a variable: KEY, or KEY@COMPONENT.
func named(name string) sluice.ChangeRequest {
	key, component, _ := strings.Cut(name, "@")
	return sluice.ChangeRequest{Variable: key, Component: component}
}

func put(name, value string) sluice.ChangeRequest {
	ch := named(name)
	ch.Value = &value
	return ch
}

// putAs puts a value that is a secret or is none, whatever it looks like.
func putAs(secret bool, name, value string) sluice.ChangeRequest {
	ch := put(name, value)
	ch.Secret = &secret
	return ch
}

func drop(name string) sluice.ChangeRequest {
	ch := named(name)
	ch.Unset = true
	return ch
}

func hide(name string) sluice.ChangeRequest {
	ch := named(name)
	ch.Hide = true
	return ch
}

func (s *suite) configure(environment string, changes ...sluice.ChangeRequest) sluice.Outcome {
	s.Helper()
	return ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: environment, Changes: changes}))
}

// words is what a person would read, with blanks between.
func words(v ...any) string { return strings.TrimSpace(fmt.Sprintln(v...)) }

// shown is as much of a variable as the answer shows.
func shown(v sluice.Variable) string {
	out := v.Name() + " "
	switch {
	case v.None:
		out += "none"
	case v.Hidden:
		out += "hidden"
	case v.Stub:
		out += "stub"
	case v.Shredded:
		out += "shredded"
	case v.Unavailable:
		out += "unavailable"
	case v.Value == nil:
		out += "masked"
	default:
		out += fmt.Sprintf("%q", *v.Value)
	}
	if v.Secret && v.Value != nil {
		out += " revealed"
	}
	return out
}

func (s *suite) variables(ref sluice.EnvironmentRef) []sluice.Variable {
	s.Helper()
	return ok[sluice.Page[sluice.Variable]](s)(s.Variables(s.ctx, sluice.VariableQuery{Environment: ref})).Items
}

// configured demands the variables of an environment: `A "x", B masked of base`.
func (s *suite) configured(environment, want string) {
	s.Helper()
	s.configuredAt(sluice.EnvironmentRef{Name: environment}, want)
}

func (s *suite) configuredAt(ref sluice.EnvironmentRef, want string) {
	s.Helper()
	self := ok[sluice.Environment](s)(s.Environment(s.ctx, ref.Name)).Name
	var lines []string
	for _, v := range s.variables(ref) {
		line := shown(v)
		if v.Environment != self {
			line += " of " + v.Environment
		}
		if v.PinnedBy > 0 {
			line += " pinned"
		}
		lines = append(lines, line)
	}
	s.equal("variables of "+ref.String(), strings.Join(lines, ", "), want)
}

func (s *suite) variable(environment, name string) sluice.Variable {
	s.Helper()
	key, component, _ := strings.Cut(name, "@")
	return ok[sluice.Variable](s)(s.Variable(s.ctx, sluice.VariableRequest{Environment: in(environment), Key: key, Component: component}))
}

// reveal returns the value of a variable, which an administrator may see.
func (s *suite) reveal(environment, name string) string {
	s.Helper()
	key, component, _ := strings.Cut(name, "@")
	v := ok[sluice.Variable](s)(s.Variable(s.ctx, sluice.VariableRequest{Environment: in(environment), Key: key, Component: component, Reveal: true}))
	if v.Value == nil {
		return "no value"
	}
	return *v.Value
}

func in(environment string) sluice.EnvironmentRef { return sluice.EnvironmentRef{Name: environment} }

func variables(s *suite) {
	s.published(1)
	out := s.configure("prod", put("LLM_MODEL", "gpt-4o"), put("TEMPERATURE", ""), put("API_TOKEN", "s3cret"))
	s.equal("release", out.Release.Ref()+" "+string(out.Release.Action), "production#1 configure")
	s.equal("sorted", string(out.Release.Changes[0].Slot+" "+out.Release.Changes[2].Slot), "var/API_TOKEN var/TEMPERATURE")
	s.equal("undo", *out.Undo.Operation, sluice.RevertRelease("production", 1, sluice.SecretsExact))
	s.configured("prod", `API_TOKEN masked, LLM_MODEL "gpt-4o", TEMPERATURE ""`)
	s.equal("one", shown(s.variable("prod", "LLM_MODEL")), `LLM_MODEL "gpt-4o"`)
	s.equal("a secret", shown(s.variable("prod", "API_TOKEN")), "API_TOKEN masked")
	s.equal("revealed", s.reveal("prod", "API_TOKEN"), "s3cret")
	s.unchanged("the same again", func() {
		same := s.configure("prod", put("LLM_MODEL", "gpt-4o"), put("API_TOKEN", "s3cret"))
		s.equal("without effect", same.Release == nil, true)
	})
	next := s.configure("prod", put("LLM_MODEL", "gpt-4o-mini"))
	s.equal("undo of one", *next.Undo.Operation, sluice.RevertRelease("production", 2, ""))
	s.equal("since", s.variable("prod", "LLM_MODEL").Since, 2)
	both := ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{
		Environment: "prod", Changes: append(set(prompt, "1"), put("LLM_MODEL", "o3"), drop("TEMPERATURE")),
	}))
	s.equal("version and variables are one deploy", words(both.Release.Action, len(both.Release.Changes)), "deploy 3")
	s.configured("prod", `API_TOKEN masked, LLM_MODEL "o3"`)
	s.live("prod", "my-prompt v1.0.0")
	kept := s.configure("prod", drop("TEMPERATURE"), drop("LLM_MODEL"))
	s.equal("nothing of its own", fmt.Sprint(kept.Kept), "[{var/TEMPERATURE nothing is set here}]")
	_, err := s.Variable(s.ctx, sluice.VariableRequest{Environment: in("prod"), Key: "LLM_MODEL"})
	s.refused(err, sluice.NotFound, "LLM_MODEL is not set in production", "there is API_TOKEN", "set LLM_MODEL in production")
	made := ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "debug", Create: sluice.CreateMissing, Changes: []sluice.ChangeRequest{put("DEBUG", "1")}}))
	s.equal("an environment is made for one", made.Created, true)
	s.configured("debug", `DEBUG "1"`)
}

// variablesThen: what was set is known for every moment since.
func variablesThen(s *suite) {
	s.configure("prod", put("A", "1"), put("API_TOKEN", "first"))
	s.advance(time.Hour)
	then := sluice.TimeOf(s.clock)
	s.advance(time.Hour)
	s.configure("prod", put("A", "2"), put("API_TOKEN", "second"), put("B", ""))
	s.configure("prod", drop("A"))
	at := sluice.EnvironmentRef{Name: "prod", At: then}
	first := sluice.EnvironmentRef{Name: "prod", Release: 1, Exact: true}
	for _, ref := range []sluice.EnvironmentRef{at, first} {
		s.configuredAt(ref, `A "1", API_TOKEN masked`)
		v := ok[sluice.Variable](s)(s.Variable(s.ctx, sluice.VariableRequest{Environment: ref, Key: "API_TOKEN", Reveal: true}))
		s.equal("the value then", *v.Value, "first")
		set := ok[sluice.EffectiveSet](s)(s.Effective(s.ctx, sluice.EffectiveRequest{Environment: ref}))
		s.equal("of release", words(set.Environment, set.Release, len(set.Variables)), "production 1 2")
		s.equal("root", set.Root, ok[sluice.Manifest](s)(s.State(s.ctx, ref)).Root)
		_, err := s.Variable(s.ctx, sluice.VariableRequest{Environment: ref, Key: "B"})
		s.refused(err, sluice.NotFound)
	}
	s.configuredAt(sluice.EnvironmentRef{Name: "prod", Release: 0, Exact: true}, "")
	s.configuredAt(sluice.EnvironmentRef{Name: "prod", Release: 2, Exact: true}, `A "2", API_TOKEN masked, B ""`)
	s.configured("prod", `API_TOKEN masked, B ""`)
	_, err := s.Variables(s.ctx, sluice.VariableQuery{Environment: sluice.EnvironmentRef{Name: "prod", Release: 9, Exact: true}})
	s.refused(err, sluice.NotFound, "production#9")
	_, err = s.Effective(s.ctx, sluice.EffectiveRequest{Environment: in("prodution")})
	s.refused(err, sluice.NotFound, "did you mean production?")
	page := ok[sluice.Page[sluice.Release]](s)(s.Releases(s.ctx, sluice.ReleaseQuery{Environment: "prod"}))
	s.equal("history", words(len(page.Items), page.Items[0].Changes[0].Slot, page.Items[0].Changes[0].To.IsZero()), "3 var/A true")
}

// noVariables: a change that asks for something else is refused whole, and what
// may be a value is not repeated.
func noVariables(s *suite) {
	s.published(1)
	s.configure("prod", put("LLM_MODEL", "gpt-4o"))
	both := put("A", "1")
	both.Version = "1"
	twice := put("A", "1")
	twice.Unset = true
	flagged := sluice.ChangeRequest{Component: prompt, Version: "1", Secret: new(bool)}
	valued := sluice.ChangeRequest{Component: prompt, Value: put("A", "1").Value}
	s.unchanged("what is none", func() {
		for _, bad := range []struct {
			changes []sluice.ChangeRequest
			code    sluice.Code
		}{
			{[]sluice.ChangeRequest{both}, sluice.Invalid},
			{[]sluice.ChangeRequest{twice}, sluice.Invalid},
			{[]sluice.ChangeRequest{flagged}, sluice.Invalid},
			{[]sluice.ChangeRequest{valued}, sluice.Invalid},
			{[]sluice.ChangeRequest{named("A")}, sluice.Invalid},
			{[]sluice.ChangeRequest{put("A", "1"), put("A", "2")}, sluice.Invalid},
			{[]sluice.ChangeRequest{put("A@"+prompt, "1"), put("A@My-Prompt", "2")}, sluice.Invalid},
			{[]sluice.ChangeRequest{put("A", "1"), put("B@nobody", "2")}, sluice.NotFound},
			{[]sluice.ChangeRequest{put("A", "1"), {Component: prompt, Version: "v9.9.9"}}, sluice.NotFound},
		} {
			_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: bad.changes})
			s.refused(err, bad.code)
		}
		for _, key := range []string{"", "1A", "A-B", "A=hunter2", "A B", "hunter2!", "Ä", strings.Repeat("K", 129)} {
			_, err := s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{{Variable: key, Unset: true}}})
			if key != "" {
				s.refused(err, sluice.Invalid, "variable key", "1 to 128 letters")
			}
			_, err = s.Variable(s.ctx, sluice.VariableRequest{Environment: in("prod"), Key: key})
			s.refused(err, sluice.Invalid)
			if said := fmt.Sprint(err, sluice.AsError(err).Fixes); strings.Contains(said, "hunter2") {
				s.Errorf("it repeats what may be a value: %s", said)
			}
		}
	})
	for _, key := range []string{"_", "a", "A1", strings.Repeat("K", 128)} {
		s.configure("prod", put(key, "fine"))
		s.equal("key", shown(s.variable("prod", key)), key+` "fine"`)
	}
	_, err := s.Variable(s.ctx, sluice.VariableRequest{Environment: in("prod"), Key: "LLM_MODLE"})
	s.refused(err, sluice.NotFound, "did you mean LLM_MODEL?")
}
