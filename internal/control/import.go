package control

import (
	"context"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// ImportVariables sets variables from the text of a dotenv file, as one release.
func (c *Control) ImportVariables(ctx context.Context, req sluice.ImportVariablesRequest) (sluice.ImportReport, error) {
	var none sluice.ImportReport
	actor, err := c.may(ctx, sluice.MayRead, "")
	if err != nil {
		return none, err
	}
	if err := checkCreate(req.Create); err != nil {
		return none, err
	}
	file := req.File
	if file == "" {
		file = "the text"
	}
	list, err := sluice.ParseAssignments(req.Dialect, file, req.Text)
	if err != nil {
		return none, err
	}
	kept, repeated := sluice.LastOf(list)
	if len(kept) == 0 {
		return none, sluice.Errorf(sluice.Invalid, "%s assigns no variable", file).Fix("write one KEY=VALUE a line")
	}
	if err := req.CheckSecrets(kept); err != nil {
		return none, err
	}
	out, err := sealing(ctx, c, req.DryRun, func(k *openKeys) (sluice.ImportReport, error) {
		hashed := req
		hashed.Text = k.fingerprint("", req.Text)
		return update(ctx, c, "import "+req.Environment, hashed, req.Change, func(tx *store.Tx) (sluice.ImportReport, error) {
			return c.importAll(tx, k, actor, req, kept)
		})
	})
	for _, a := range repeated {
		out.Repeated = append(out.Repeated, sluice.Repeated{Key: a.Key, Line: a.Line})
	}
	return out, err
}

func (c *Control) importAll(tx *store.Tx, k *openKeys, actor sluice.Actor, req sluice.ImportVariablesRequest, list []sluice.Assignment) (sluice.ImportReport, error) {
	var out sluice.ImportReport
	e, plan, created, err := c.openTarget(tx, actor, req.Environment, req.Create, req.ExpectedRelease)
	if err != nil {
		return out, err
	}
	s, err := k.sealer(tx)
	if err != nil {
		return out, err
	}
	if req.Component != "" {
		found, err := findComponent(tx, req.Component)
		if err != nil {
			return out, err
		}
		req.Component = found.Name
	}
	before, err := tx.Variables(e.Name, sluice.Latest)
	if err != nil {
		return out, err
	}
	moves, concerned, err := importMoves(s, req, list, before)
	if err != nil {
		return out, err
	}
	if err := plan.Deploy(e, moves); err != nil {
		return out, err
	}
	if out.Outcome, err = c.outcome(tx, e, plan, head{actor: actor.Name, action: plan.Action(), change: req.Change}); err != nil {
		return out, err
	}
	out.Created = created
	after, err := tx.Variables(e.Name, sluice.Latest)
	if err != nil {
		return out, err
	}
	pick := func(settings []sluice.Setting) (list []sluice.Variable) {
		for _, s := range settings {
			if concerned[s.Slot] && s.Value.Live() {
				list = append(list, sluice.VariableOf(e.Name, s))
			}
		}
		return list
	}
	was, is := pick(before), pick(after)
	if err := s.show(was, is); err != nil {
		return out, err
	}
	out.Variables = sluice.DiffVariables(was, is)
	return out, nil
}

// importMoves are the changes that a text asks for, and the slots that it is
// about: its keys, and with prune the environment's own.
func importMoves(s *sealer, req sluice.ImportVariablesRequest, list []sluice.Assignment, before []sluice.Setting) ([]sluice.Move, map[sluice.Slot]bool, error) {
	moves := make([]sluice.Move, 0, len(list))
	concerned := map[sluice.Slot]bool{}
	for _, a := range list {
		fingerprint, err := s.put(a.Key, a.Value)
		if err != nil {
			return nil, nil, err
		}
		slot := sluice.VariableSlot(a.Key, req.Component)
		concerned[slot] = true
		moves = append(moves, sluice.Move{Slot: slot, Set: &sluice.Assigned{
			Fingerprint: fingerprint, Secret: req.SecretOf(a.Key), Telling: sluice.Telling(a.Key, a.Value),
		}})
	}
	for _, was := range before {
		_, component, _ := was.Slot.Variable()
		if req.Prune && was.Own() && component == req.Component && !concerned[was.Slot] {
			concerned[was.Slot] = true
			moves = append(moves, sluice.Move{Slot: was.Slot, Unset: true})
		}
	}
	return moves, concerned, nil
}
