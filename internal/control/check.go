package control

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/store"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// checked is what is known of content before it becomes a version.
type checked struct {
	workflow.Reading
	kind   string // what it was to be read as; it may have turned out to be another language
	unread error  // why it could not be read
}

// of reports whether the content was looked at as that of a component.
func (k checked) of(component sluice.Component) bool {
	return k.kind == sluice.ReadsAs(component.Kind)
}

// check reads content as that of a kind of component, outside of any transaction,
// since it may take a while. Everything that is published, recorded, drafted or was
// there before is read here.
func (c *Control) check(ctx context.Context, kind string, digest sluice.Digest, files []sluice.File) checked {
	out := checked{kind: sluice.ReadsAs(kind)}
	form := out.kind // an ensemble is read as the workflow that it is, in its own words
	if sluice.IsWorkflow(kind) {
		form = strings.ToLower(kind)
	}
	key := form + " " + string(digest)
	if known, found := c.checks.get(key); found {
		out.Reading = known
		return out
	}
	ev := c.eval
	if ev == nil {
		ev = nobody{}
	}
	if out.Reading, out.unread = workflow.Check(ctx, ev, form, files); out.unread == nil {
		c.checks.put(key, out.Reading)
	}
	return out
}

// nobody evaluates nothing, where there is no sandbox. What has no template and no
// script in it can be read all the same.
type nobody struct{}

// Check implements [expr.Evaluator].
func (nobody) Check(context.Context, []expr.Text) ([]expr.Checked, error) { return nil, noEvaluator() }

// Render implements [expr.Evaluator].
func (nobody) Render(context.Context, expr.Render) (expr.Rendered, error) {
	return expr.Rendered{}, noEvaluator()
}

// Run implements [expr.Evaluator].
func (nobody) Run(context.Context, expr.Script) (expr.Result, error) {
	return expr.Result{}, noEvaluator()
}

// For implements [expr.Evaluator].
func (n nobody) For(string) expr.Evaluator { return n }

// checks keeps what was read of contents, by kind and digest: an import meets one
// content many times. It is safe for concurrent use, and the zero value is ready.
type checks struct {
	mu    sync.Mutex
	known map[string]workflow.Reading
}

// maxChecks bounds what is kept; when it is full it begins anew.
const maxChecks = 256

func (k *checks) get(key string) (workflow.Reading, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, found := k.known[key]
	return r, found
}

func (k *checks) put(key string, r workflow.Reading) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil || len(k.known) >= maxChecks {
		k.known = map[string]workflow.Reading{}
	}
	k.known[key] = r
}

// checkContent reads what is to be published. The component's own kind counts, and the
// one that was given where there is none yet; whether it is still so is known in the
// transaction.
func (c *Control) checkContent(ctx context.Context, p *publishing) error {
	kind := p.Kind
	err := c.db.View(ctx, c.org, func(tx *store.Tx) error {
		found, there, err := tx.Component(p.Component)
		if there {
			kind = found.Kind
		}
		return err
	})
	if err == nil {
		p.checked = c.check(ctx, kind, p.digest, p.Files)
	}
	return err
}

// settle decides whether content becomes a version of a component, and how it is
// marked: with mistakes, only where that was asked for.
func (p *publishing) settle(tx *store.Tx, component sluice.Component) error {
	if !p.of(component) {
		return sluice.Errorf(sluice.Conflict, "component %s became a %s meanwhile", component.Name, component.Kind).Fix("publish it again")
	}
	if p.unread != nil {
		if !p.Unchecked {
			return p.unread
		}
		p.mark = sluice.UnreadBy(sluice.AsError(p.unread).Message)
		return nil
	}
	mistakes := p.Mistakes
	if p.kind == sluice.ReadAsData && p.undeclared != nil && !strings.EqualFold(component.Kind, sluice.KindConfig) {
		mistakes = sluice.AsError(p.undeclared).Mistakes
	}
	pins, faults, err := pinsOf(tx, p.Calls)
	if err != nil {
		return err
	}
	if p.recorded && len(faults) > 0 { // what it refers to is not known here, or not yet
		pins, faults = nil, nil
	}
	for _, f := range faults {
		mistakes = append(mistakes[:len(mistakes):len(mistakes)], f.mistake)
	}
	if p.pins = pins; len(mistakes) > 0 && !p.Unchecked {
		broken := sluice.Broken(mistakes)
		if len(faults) == len(mistakes) {
			broken.Code = faults[0].code
		}
		return broken
	}
	p.readAs, p.mark = p.As, sluice.UncheckedBy(mistakes)
	return nil
}

// notes are those of content that is kept: what has no effect here, and what it needs
// to run that is not here.
func (k checked) notes() []sluice.Mistake {
	out := slices.Clone(k.Notes)
	for _, need := range k.Needs {
		need.Message = "it does not run here, since it needs " + need.Message
		out = append(out, need)
	}
	slices.SortStableFunc(out, sluice.CompareMistakes)
	return out
}

// missing is a reference of a workflow to a component that cannot be followed.
type missing struct {
	code    sluice.Code
	mistake sluice.Mistake
}

// pinsOf pins what the references of a workflow to versions that may move mean now,
// and finds those that name nothing.
func pinsOf(tx *store.Tx, calls []workflow.CallSite) (pins map[string]int, faults []missing, err error) {
	for _, call := range calls {
		if !strings.Contains(call.Ref, "@") {
			continue
		}
		ref, err := sluice.ParseComponentRef(call.Ref)
		v := sluice.Version{}
		if err == nil {
			v, err = versionOf(tx, ref.Component, ref.Version.String())
		}
		if e := sluice.AsError(err); e != nil {
			if e.Code == sluice.Internal || e.Code == sluice.Unavailable || e.Code == sluice.TimedOut {
				return nil, nil, err
			}
			m := sluice.Mistake{File: call.File, Line: call.Line, Column: call.Column, Message: call.Part + " " + call.Block + ": " + e.Message}
			if len(e.Fixes) > 0 {
				m.Fix = &e.Fixes[0]
			}
			faults = append(faults, missing{e.Code, m})
			continue
		}
		if ref.Version.Number == 0 && ref.Version.Label == "" && ref.Version.Digest == "" {
			if pins == nil {
				pins = map[string]int{}
			}
			pins[call.Ref] = v.Number
		}
	}
	return pins, faults, nil
}
