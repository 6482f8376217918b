package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// checkManifests looks at what each environment holds: what a rollback froze
// against its parent, and secrets that someone must still set.
func (d *doctor) checkManifests(ctx context.Context) {
	all, err := d.services.Environments(ctx, false)
	if err != nil {
		d.fail("pinned", err)
		return
	}
	pinned, stubs := false, false
	for _, v := range all {
		m, err := d.services.State(ctx, sluice.EnvironmentRef{Name: v.Name})
		if err != nil {
			d.fail("pinned", err)
			return
		}
		pinned = d.checkPinned(v, m) || pinned
		stubs = d.checkStubs(m) || stubs
	}
	if !pinned {
		d.ok("pinned", "no environment is pinned against its parent")
	}
	if !stubs {
		d.ok("secrets", "no secret is a stub")
	}
}

// checkPinned finds what a rollback froze against its parent environment.
func (d *doctor) checkPinned(v sluice.Environment, m sluice.Manifest) bool {
	var names []string
	for _, s := range m.Pinned() {
		names = append(names, fmt.Sprintf("%s %s", slotName(s.Slot), valueName(s.Value)))
	}
	if len(names) == 0 {
		return false
	}
	d.warn("pinned", fmt.Sprintf("when %s shall follow %s again: %s", v.Name, v.Parent, unpin(m)), "%s holds values that a rollback or restore pinned: %s", v.Name, sluice.Listing(names, 5))
	return true
}

// unpin is how what is pinned lets go.
func unpin(m sluice.Manifest) string {
	var deeds []string
	isVariable := func(s sluice.Setting) bool { return s.Slot.Component() == "" }
	if pinned := m.Pinned(); slices.ContainsFunc(pinned, isVariable) {
		deeds = append(deeds, fmt.Sprintf("`sluice env delete KEY -e %s`", m.Environment))
		if !slices.ContainsFunc(pinned, func(s sluice.Setting) bool { return !isVariable(s) }) {
			return deeds[0]
		}
	}
	return strings.Join(append([]string{fmt.Sprintf("`sluice deploy unset NAME --from %s`", m.Environment)}, deeds...), " and ")
}

// checkStubs finds secrets that stand for a value which is not there.
func (d *doctor) checkStubs(m sluice.Manifest) bool {
	var names []string
	overlays := ""
	for _, s := range m.Slots {
		if !s.Value.Stub || s.Origin != "" {
			continue
		}
		names = append(names, s.Slot.Name())
		if _, component, _ := s.Slot.Variable(); component != "" {
			overlays = " [--component NAME]"
		}
	}
	if len(names) == 0 {
		return false
	}
	d.warn("secrets", fmt.Sprintf("set them: `sluice env set KEY -e %s%s`", m.Environment, overlays),
		"%s holds stubs in the place of secrets: %s", m.Environment, sluice.Listing(names, 5))
	return true
}
