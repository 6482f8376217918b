package control

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// versionAsked is the version that a reference means: "" for what is live.
func versionAsked(asked string, ref sluice.ComponentRef, pins map[string]int) string {
	switch n := pins[asked]; {
	case !strings.Contains(asked, "@"):
		return ""
	case n > 0:
		return strconv.Itoa(n)
	}
	return ref.Version.String()
}

// lacking refuses what needs anything that is not there, and tells all of it at once:
// the operations that Sluice does not have, and of an ensemble also the agents that
// are no components here.
func (p *pinning) lacking(tx *store.Tx, flow *workflow.Workflow, pins map[string]int) error {
	needs, code := slices.Clone(flow.Needs), sluice.Invalid
	if len(needs) == 0 {
		code = sluice.NotFound
	}
	for _, call := range flow.CallSites() {
		if !flow.Ensemble {
			break
		}
		ref, err := sluice.ParseComponentRef(call.Ref)
		if err == nil {
			_, err = p.resolve(tx, ref.Component, versionAsked(call.Ref, ref, pins))
		}
		if err == nil {
			continue
		}
		e := sluice.AsError(err)
		if e.Code != sluice.NotFound {
			return err
		}
		needs = append(needs, sluice.Mistake{File: call.File, Line: call.Line, Column: call.Column, Message: "the agent " + call.Block + ": " + e.Message})
	}
	if err := flow.Lacking(needs); err != nil {
		err.Code = code
		return err
	}
	return nil
}
