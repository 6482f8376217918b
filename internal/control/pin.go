package control

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/store"
	"github.com/sluice-dev/sluice/internal/value"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// pinning resolves what one run takes, in one environment at one release.
type pinning struct {
	c         *Control
	run       *sluice.Run
	key       string
	release   int64 // as the store asks for it: a number, or Latest
	past      bool  // the release is not the environment's last
	input     *value.Object
	flow      *workflow.Workflow
	variables []sluice.Variable // of the component that runs
	partVars  map[string][]sluice.Variable
	pins      map[string]map[string]int // of each part, by how it was asked for
	refs      map[string]string         // each part as component@version, by how it was asked for
	raw       []byte
	misspelt  []string // see [workflow.Workflow.Misspelt]
}

// pinning finds the environment and whether the caller may run there.
func (c *Control) pinning(tx *store.Tx, actor sluice.Actor, req sluice.StartRunRequest, run *sluice.Run) (*pinning, error) {
	p := &pinning{c: c, run: run, key: req.Key, partVars: map[string][]sluice.Variable{}, pins: map[string]map[string]int{}, refs: map[string]string{}, raw: req.Input}
	if req.Environment == "" {
		o, _, err := tx.Organization()
		if err != nil {
			return nil, err
		}
		req.Environment = o.DefaultEnvironment
	}
	ref, err := parsePoint(req.Environment)
	if err != nil {
		return nil, err
	}
	e, release, err := point(tx, ref)
	if err != nil {
		return nil, err
	}
	if err := actor.May(sluice.MayRun, e.Name); err != nil {
		return nil, err
	}
	if req.Content != nil {
		if err := actor.May(sluice.MayPublish, ""); err != nil {
			return nil, err
		}
	}
	if run.Environment, run.Release, run.Root, err = headAt(tx, e, release); err != nil {
		return nil, err
	}
	run.Epoch = e.Epoch
	if release < e.Release {
		run.Epoch, p.past = 0, true
		if release > 0 {
			r, err := tx.Release(e.Name, release)
			if err != nil {
				return nil, err
			}
			run.Epoch = r.Epoch
		}
	}
	// From here on the release is exact, whatever happens meanwhile.
	p.release = run.Release
	return p, nil
}

// root resolves the component that runs.
func (p *pinning) root(tx *store.Tx, req sluice.StartRunRequest) error {
	content := sluice.RunContent{}
	if req.Content != nil {
		content = *req.Content
		infos, digest, err := sluice.CheckFiles(content.Files)
		if err != nil || len(infos) == 0 {
			return err
		}
		p.run.Kind, p.run.Digest = content.Kind, digest
	} else {
		pin, err := p.resolve(tx, req.Component, req.Version)
		if err != nil {
			return err
		}
		p.run.Component, p.run.Kind, p.run.Pin = pin.Component, pin.Kind, pin.Pin
		if content, p.pins[""], err = contentOf(tx, pin); err != nil {
			return err
		}
	}
	var err error
	if p.flow, err = p.c.flows.Read(tx.Context(), p.c.eval, content.Kind, content.Files); err != nil {
		return err
	}
	if err = p.lacking(tx, p.flow, p.pins[""]); err != nil {
		return err
	}
	if p.variables, err = p.variablesOf(tx, p.run.Component); err != nil {
		return err
	}
	p.misspelt = p.flow.Misspelt(p.raw)
	p.input, err = p.flow.CheckInput(p.raw)
	return err
}

// resolve finds the version of a component that the run takes: the one named, or
// the one that is live.
func (p *pinning) resolve(tx *store.Tx, name, ref string) (sluice.RunPin, error) {
	component, err := findComponent(tx, name)
	if err != nil {
		return sluice.RunPin{}, err
	}
	pin := sluice.RunPin{Component: component.Name, Kind: component.Kind}
	if ref != "" && ref != "0" {
		v, err := findVersion(tx, component, ref)
		if err != nil {
			return pin, err
		}
		// Quarantine keeps a version from going live; running it on purpose is how its
		// fault is found.
		if v.Purged {
			return pin, sluice.Errorf(sluice.Refused, "%s is purged and cannot run", v.Ref()).
				Do(sluice.ListVersions(component.Name), "choose another version")
		}
		pin.Pin = v.Pin()
		return pin, nil
	}
	s, err := tx.Setting(p.run.Environment, sluice.ComponentSlot(component.Name), p.release)
	if err != nil {
		return pin, err
	}
	if !s.Value.Live() && p.past {
		return pin, sluice.Errorf(sluice.NotFound, "%s was not live in %s#%d", component.Name, p.run.Environment, p.run.Release).
			Do(sluice.SeeHistory(component.Name, p.run.Environment), "see when it was").
			Ask("or name the version that is to run: {version=N}")
	}
	if !s.Value.Live() {
		return pin, sluice.Errorf(sluice.NotFound, "%s is not live in %s", component.Name, p.run.Environment).
			Do(sluice.DeployVersion(component.Name, "", p.run.Environment), "deploy it").
			Ask("or name the version that is to run: {version=N}")
	}
	pin.Pin = s.Value.Pick(component.Name, p.key)
	return pin, nil
}

// contentOf reads a version, and what its references were pinned to when it was
// published.
func contentOf(tx *store.Tx, pin sluice.RunPin) (sluice.RunContent, map[string]int, error) {
	v, err := versionOf(tx, pin.Component, strconv.Itoa(pin.Version))
	if err != nil {
		return sluice.RunContent{}, nil, err
	}
	files, err := readFiles(tx, v)
	return sluice.RunContent{Kind: pin.Kind, Files: files}, v.Pins, err
}

// variablesOf opens the variables that one component gets, and notes them.
func (p *pinning) variablesOf(tx *store.Tx, component string) ([]sluice.Variable, error) {
	if !p.run.Configured {
		return nil, nil
	}
	out, err := p.c.runVariables(tx, p.run.Environment, p.release, component)
	for _, v := range out {
		seen := slices.ContainsFunc(p.run.Variables, func(o sluice.RunVariable) bool { return o.Key == v.Key && o.Component == v.Component })
		if !seen {
			p.run.Variables = append(p.run.Variables, sluice.RunVariable{Key: v.Key, Component: v.Component, Fingerprint: v.Fingerprint, Secret: v.Secret})
		}
	}
	return out, err
}

// runVariables are what a component gets in a release, with the values that
// secrets have now, since old ones may have been revoked.
func (c *Control) runVariables(tx *store.Tx, environment string, release int64, component string) ([]sluice.Variable, error) {
	settings, err := tx.Variables(environment, release)
	if err != nil {
		return nil, err
	}
	now, err := tx.Variables(environment, sluice.Latest)
	if err != nil {
		return nil, err
	}
	current := map[sluice.Slot]sluice.Setting{}
	for _, s := range now {
		current[s.Slot] = s
	}
	var out []sluice.Variable
	for _, s := range sluice.Overlaid(settings, component) {
		v := sluice.VariableOf(environment, s)
		if v.Hidden || v.Stub {
			continue
		}
		if latest, there := current[s.Slot]; v.Secret && there && latest.Value.Live() && latest.Value.Secret && !latest.Value.Stub {
			v = sluice.VariableOf(environment, latest)
		}
		out = append(out, v)
	}
	return out, c.openAll(tx, out, true)
}

// parts resolves, level by level, the components that the files call.
func (p *pinning) parts(ctx context.Context) error {
	flows := map[string]*workflow.Workflow{"": p.flow}
	for range sluice.MaxDepth {
		next := map[string]*workflow.Workflow{}
		for _, from := range slices.Sorted(maps.Keys(flows)) {
			found, err := p.calls(ctx, from, flows[from])
			if err != nil {
				return err
			}
			maps.Copy(next, found)
		}
		if len(next) == 0 {
			return nil
		}
		flows = next
	}
	return sluice.Errorf(sluice.LimitExceeded, "%s calls workflows more than %d deep", p.run.Ref(), sluice.MaxDepth).
		Do(sluice.GetVersion(p.run.Component, cmp.Or(string(p.run.Label), strconv.Itoa(p.run.Version))), "does one call itself? see {}")
}

// calls resolves what one workflow calls, and returns what of it is new.
func (p *pinning) calls(ctx context.Context, from string, flow *workflow.Workflow) (map[string]*workflow.Workflow, error) {
	out := map[string]*workflow.Workflow{}
	variables := p.variables
	if from != "" {
		variables = p.partVars[from]
	}
	for _, call := range Calls(flow.Blocks) {
		asked, err := p.asked(ctx, flow, call, variables)
		if err != nil {
			return nil, err
		}
		if p.run.Components == nil {
			p.run.Components = []sluice.RunPin{}
		}
		name := asked
		if from != "" && p.pins[from][asked] > 0 {
			name = sluice.AskedIn(asked, p.refs[from])
		}
		if slices.ContainsFunc(p.run.Components, func(o sluice.RunPin) bool { return o.Asked == name }) {
			continue
		}
		read, err := p.part(ctx, name, asked, p.pins[from])
		if err != nil {
			return nil, fault(flow, call, err)
		}
		if read != nil {
			out[name] = read
		}
	}
	return out, nil
}

// Calls are the blocks that run a component, bodies included.
func Calls(blocks []*workflow.Block) []*workflow.Block {
	var out []*workflow.Block
	for _, b := range blocks {
		if b.Calls != nil {
			out = append(out, b)
		}
		out = append(out, Calls(b.Body)...)
	}
	return out
}

// asked is the reference of a call, which may be a template of input and
// variables.
func (p *pinning) asked(ctx context.Context, flow *workflow.Workflow, call *workflow.Block, variables []sluice.Variable) (string, error) {
	if call.Calls.Plain {
		return value.Text(call.Calls.Tree), nil
	}
	keys := map[string]string{}
	for _, v := range variables {
		if v.Value != nil {
			keys[v.Key] = *v.Value
		}
	}
	env := value.Sorted(keys)
	rendered, err := p.c.eval.Render(ctx, expr.Render{
		Tree: call.Calls.Tree, Dialect: call.Calls.Dialect,
		Scope: value.Pairs("inputs", p.input, "input", p.input, "env", env, "_env", env),
	})
	if err != nil {
		return "", fault(flow, call, sluice.Errorf(sluice.Invalid, "%w", err))
	}
	return value.Text(rendered.Tree), nil
}

func fault(flow *workflow.Workflow, call *workflow.Block, err error) error {
	e := sluice.AsError(err)
	out := sluice.Errorf(e.Code, "%s %s: %s", flow.Part(), call.ID, e.Message).Because(err)
	out.Fixes = e.Fixes
	return out
}

// part pins one component under a name, and reads what it runs.
func (p *pinning) part(ctx context.Context, name, asked string, pins map[string]int) (*workflow.Workflow, error) {
	ref, err := sluice.ParseComponentRef(asked)
	if err != nil {
		return nil, err
	}
	var flow *workflow.Workflow
	return flow, p.c.view(ctx, func(tx *store.Tx) error {
		pin, err := p.resolve(tx, ref.Component, versionAsked(asked, ref, pins))
		if err != nil {
			return err
		}
		pin.Asked = name
		content, pinned, err := contentOf(tx, pin)
		if err != nil {
			return err
		}
		p.pins[name], p.refs[name] = pinned, pin.Component+"@"+pin.Pin.String()
		if flow, err = p.c.flows.Read(ctx, p.c.eval, content.Kind, content.Files); err != nil {
			return err
		}
		if err = p.lacking(tx, flow, pinned); err != nil {
			return err
		}
		p.run.Components = append(p.run.Components, pin)
		p.partVars[name], err = p.variablesOf(tx, pin.Component)
		return err
	})
}

func (p *pinning) allVariables() []sluice.Variable {
	out := slices.Clone(p.variables)
	for _, list := range p.partVars {
		out = append(out, list...)
	}
	return out
}

// warnings say what the reader of the record should know.
func (p *pinning) warnings() []sluice.RunWarning {
	var out []sluice.RunWarning
	warn := func(code sluice.WarningCode, message string, fix *sluice.Advice) {
		out = append(out, sluice.RunWarning{Code: code, Message: message, Fix: fix})
	}
	if !p.run.Configured {
		warn(sluice.WarnNotConfigured, "no configuration was loaded", nil)
	}
	var gone, elsewhere []string
	for _, v := range p.allVariables() {
		switch {
		case v.Shredded:
			gone = append(gone, v.Key)
		case v.Unavailable:
			elsewhere = append(elsewhere, v.Key)
		}
	}
	if len(gone) > 0 {
		slices.Sort(gone)
		warn(sluice.WarnNotLoaded, "not loaded, since they were shredded: "+sluice.Listing(slices.Compact(gone), 12), nil)
	}
	if len(elsewhere) > 0 {
		slices.Sort(elsewhere)
		elsewhere = slices.Compact(elsewhere)
		fix := sluice.Do(sluice.SetVariables(p.run.Environment, "", elsewhere...), "set them")
		warn(sluice.WarnNotLoaded, "not loaded, since they were set elsewhere and are unavailable here: "+sluice.Listing(elsewhere, 12), &fix)
	}
	for _, message := range p.misspelt {
		warn(sluice.WarnInput, message, nil)
	}
	return out
}
