package sluice

import (
	"regexp"
	"strings"
)

// Slot is an address in an environment: component/NAME, var/KEY, or
// var/KEY@COMPONENT for an overlay of one component.
type Slot string

const (
	componentPrefix = "component/"
	variablePrefix  = "var/"
)

var keyForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// ComponentSlot is the slot of a component.
func ComponentSlot(name string) Slot { return Slot(componentPrefix + name) }

// ParseSlot reads a slot and checks the names in it.
func ParseSlot(s string) (Slot, error) {
	if name, ok := strings.CutPrefix(s, componentPrefix); ok {
		return Slot(s), CheckName("component", name)
	}
	key, ok := strings.CutPrefix(s, variablePrefix)
	if !ok {
		return "", Errorf(Invalid, "%q is not a slot", clip(s)).Fix("write component/NAME, var/KEY or var/KEY@COMPONENT")
	}
	key, component, overlay := strings.Cut(key, "@")
	if !keyForm.MatchString(key) {
		return "", Errorf(Invalid, "variable key %q is not valid", clip(key)).Fix("use letters, digits and underscores, not starting with a digit")
	}
	if overlay {
		return Slot(s), CheckName("component", component)
	}
	return Slot(s), nil
}

// Component is the name of the component whose slot it is, or "".
func (s Slot) Component() string {
	name, ok := strings.CutPrefix(string(s), componentPrefix)
	if !ok {
		return ""
	}
	return name
}
