package control_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
)

// seed sets the first variable, so that there are keys; what it comes to is
// taken from the answer.
func (m *machine) seed(rt *rapid.T) {
	value := "seed"
	out := must(m.Deploy(as("alice"), sluice.DeployRequest{
		Environment: "production", Changes: []sluice.ChangeRequest{{Variable: "SEED", Value: &value}},
	}))(rt)
	c := m.model.change("alice")
	e := m.model.environments["production"]
	print := out.Release.Changes[0].To.Fingerprint
	m.model.prints["SEED=seed"], m.model.texts[print] = print, value
	if err := c.assign(e, "var/SEED", print, false); err != nil {
		rt.Fatal(err)
	}
	m.agree(rt, c, e, sluice.ActionConfigure, 0, []sluice.Release{*out.Release})
}

// print is the fingerprint of a value, learnt from what a dry run would do. Of
// two dry runs that differ in the mask one changes something.
func (m *machine) print(rt *rapid.T, key, value string) string {
	name, _, _ := sluice.Slot(key).Variable()
	if known := m.model.prints[name+"="+value]; known != "" {
		return known
	}
	for _, secret := range []bool{true, false} {
		out := must(m.Deploy(as("alice"), sluice.DeployRequest{
			Environment: "base", Changes: []sluice.ChangeRequest{{Variable: name, Value: &value, Secret: &secret}}, Change: sluice.Change{DryRun: true},
		}))(rt)
		if out.Release != nil {
			print := out.Release.Changes[0].To.Fingerprint
			m.model.prints[name+"="+value], m.model.texts[print] = print, value
			return print
		}
	}
	rt.Fatalf("%s=%s has no fingerprint", name, value)
	return ""
}

// variable is one of the slots of variables, of a component that there is.
func (p picked) variable() string {
	for {
		key := oneOf(p, variableKeys)
		if _, component, _ := sluice.Slot(key).Variable(); component == "" || p.m.model.components[component] != nil {
			return key
		}
	}
}

func (p picked) mask() *bool {
	yes, no := true, false
	return oneOf(p, []*bool{nil, nil, &yes, &no})
}

func (p picked) secrets() sluice.SecretPolicy {
	return oneOf(p, []sluice.SecretPolicy{"", sluice.SecretsCurrent, sluice.SecretsExact, sluice.SecretsStub})
}

// setVariables sets one or two variables, and sometimes a version with them.
func (m *machine) setVariables(p picked) {
	e := p.place()
	req := sluice.DeployRequest{}
	var model []func(*change) error
	for _, key := range slices.Compact(slices.Sorted(slices.Values([]string{p.variable(), p.variable()}))) {
		name, component, _ := sluice.Slot(key).Variable()
		value, asked := oneOf(p, variableValues), p.mask()
		print := m.print(p.T, key, value)
		req.Changes = append(req.Changes, sluice.ChangeRequest{Variable: name, Component: component, Value: &value, Secret: asked})
		model = append(model, func(c *change) error {
			return c.assign(e, key, print, c.secret(e, key, asked, value))
		})
	}
	if p.oneIn(3) {
		component := p.part()
		version := p.version(component)
		req.Changes = append(req.Changes, sluice.ChangeRequest{Component: component, Version: number(version)})
		model = append(model, func(c *change) error { return c.deploy(e, component, version) })
	}
	m.send(p, e, req, func(c *change) error {
		for _, step := range model {
			if err := step(c); err != nil {
				return err
			}
		}
		return nil
	})
	m.revive()
}

// revive remembers which values are there again, because they are live.
func (m *machine) revive() {
	for _, at := range m.model.living() {
		for _, key := range variableKeys {
			delete(m.model.shredded, at.after(at.latest()).of(key).value.Fingerprint)
		}
	}
}

func (m *machine) unsetVariable(p picked) {
	e, key := p.place(), p.variable()
	name, component, _ := sluice.Slot(key).Variable()
	hide := p.oneIn(2)
	req := sluice.DeployRequest{Changes: []sluice.ChangeRequest{{Variable: name, Component: component, Unset: !hide, Hide: hide}}}
	m.send(p, e, req, func(c *change) error {
		if hide {
			return c.hide(e, key)
		}
		return c.unset(e, key)
	})
}

// importVariables imports a file, sometimes with prune, into what all get or into
// an overlay.
func (m *machine) importVariables(p picked) {
	e, component := p.place(), ""
	if p.oneIn(2) {
		component = p.part()
	}
	req := sluice.ImportVariablesRequest{Environment: e.name, Component: component, Prune: p.oneIn(2), Secret: p.mask(), Change: p.change()}
	values := map[string]string{}
	for _, name := range []string{"MODEL", "API_TOKEN", "MODEL"}[p.IntN(3):] {
		values[name] = oneOf(p, variableValues)
		req.Text += fmt.Sprintf("%s='%s'\n", name, values[name])
	}
	keyed := func(name string) string { return string(sluice.VariableSlot(name, component)) }
	prints := map[string]string{}
	for name, value := range values {
		prints[name] = m.print(p.T, keyed(name), value)
	}
	c := m.model.change(p.actor)
	want := func() error {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			key := keyed(name)
			if err := c.assign(e, key, prints[name], c.secret(e, key, req.Secret, values[name])); err != nil {
				return err
			}
		}
		for _, key := range variableKeys {
			name, of, _ := sluice.Slot(key).Variable()
			if _, there := values[name]; req.Prune && of == component && !there && c.get(e, key).own() {
				if err := c.unset(e, key); err != nil {
					return err
				}
			}
		}
		return nil
	}()
	report, err := m.ImportVariables(as(p.actor), req)
	m.outcome(p, c, e, c.action(), 0, report.Outcome, err, want)
	m.revive()
}

func (m *machine) rotateKey(p picked) {
	must(m.RotateKey(as(p.actor), sluice.RotateKeyRequest{Change: sluice.Change{DryRun: p.dry}}))(p.T)
}

func (m *machine) shredVariable(p picked) {
	e, key := p.place(), p.variable()
	name, component, _ := sluice.Slot(key).Variable()
	want := m.model.shred(e, key)
	report, err := m.ShredVariable(as(p.actor), sluice.ShredRequest{Environment: e.name, Key: name, Component: component, Change: sluice.Change{DryRun: p.dry}})
	if !slices.ContainsFunc(e.past, func(s snapshot) bool { return s.held[key] != nil }) {
		m.want(p.T, err, sluice.NotFound)
		return
	}
	if m.want(p.T, err, ""); !slices.Equal(report.Shredded, want) && len(want)+len(report.Shredded) > 0 {
		p.Fatalf("shredded %v of %s in %s, want %v", report.Shredded, key, e.name, want)
	}
	for _, print := range want {
		if !p.dry {
			m.model.shredded[print] = true
		}
	}
}

// withConfig chooses variables for a promotion.
func (p picked) withConfig(from snapshot) ([]string, error) {
	if !p.oneIn(2) {
		return nil, nil
	}
	key := p.variable()
	if !from.of(key).value.Live() {
		return []string{strings.TrimPrefix(key, "var/")}, refuse(sluice.NotFound, "not set there")
	}
	return []string{strings.TrimPrefix(key, "var/")}, nil
}

// checkVariables asks for the variables of an environment, and for what components
// get.
func (m *machine) checkVariables(rt *rapid.T, e *place, text string, n int64, components ...string) {
	rt.Helper()
	ref, err := sluice.ParseEnvironmentRef(text)
	if err != nil {
		rt.Fatal(err)
	}
	s := e.after(n)
	page := must(m.Variables(as("alice"), sluice.VariableQuery{Environment: ref}))(rt)
	var want []string
	for _, key := range slices.Sorted(maps.Keys(s.held)) {
		if h := s.held[key]; isVariable(key) && !h.value.IsZero() {
			want = append(want, m.shown(key, h.value))
		}
	}
	var is []string
	for _, v := range page.Items {
		is = append(is, fmt.Sprintf("%s %s", v.Slot(), told(v)))
	}
	if !slices.Equal(is, want) {
		rt.Fatalf("the variables of %s are\n%v\nwant\n%v", text, is, want)
	}
	for _, component := range components {
		set := must(m.Effective(as("alice"), sluice.EffectiveRequest{Environment: ref, Component: component}))(rt)
		gets := map[string]string{}
		for _, v := range set.Variables {
			gets["var/"+v.Key] = told(v)
		}
		for _, wide := range []string{"var/API_TOKEN", "var/MODEL", "var/SEED"} {
			v, want := s.effective(wide, component), ""
			if v.Live() {
				want = strings.TrimPrefix(m.shown(wide, v), wide+" ")
			}
			if gets[wide] != want {
				rt.Fatalf("%s gets %s as %q in %s, want %q", component, wide, gets[wide], text, want)
			}
		}
	}
}

// shown is a variable as a listing tells it.
func (m *machine) shown(key string, v sluice.Value) string {
	switch {
	case v.None:
		return key + " none"
	case v.Stub, v.Hidden:
		return key + " " + v.Sealed.String()
	case m.model.shredded[v.Fingerprint]:
		return key + " shredded"
	case v.Secret:
		return key + " secret " + v.Fingerprint
	}
	return key + " plain " + v.Fingerprint + " " + m.model.texts[v.Fingerprint]
}

func told(v sluice.Variable) string {
	switch {
	case v.None:
		return "none"
	case v.Stub, v.Hidden:
		return v.Sealed.String()
	case v.Shredded:
		return "shredded"
	case v.Secret && v.Value == nil:
		return "secret " + v.Fingerprint
	case v.Value == nil:
		return "nothing"
	}
	return "plain " + v.Fingerprint + " " + *v.Value
}

// checkReveal has every secret that is live open to the value that was set.
func (m *machine) checkReveal(rt *rapid.T, e *place) {
	for _, key := range variableKeys {
		v := e.after(e.latest()).of(key).value
		name, component, _ := sluice.Slot(key).Variable()
		if v.Fingerprint == "" || m.model.components[component] == nil && component != "" {
			continue
		}
		got := must(m.Variable(as("alice"), sluice.VariableRequest{
			Environment: sluice.EnvironmentRef{Name: e.name}, Key: name, Component: component, Reveal: true,
		}))(rt)
		if got.Value == nil || *got.Value != m.model.texts[v.Fingerprint] || got.Fingerprint != v.Fingerprint {
			rt.Fatalf("%s in %s is %+v, want %q", key, e.name, got, m.model.texts[v.Fingerprint])
		}
	}
}
