package sluice

import (
	"fmt"
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
	if err := CheckKey(key); err != nil {
		return "", err
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

// Name is the slot as people name it: a component by its name alone, a variable
// as KEY or KEY@COMPONENT.
func (s Slot) Name() string {
	if name := s.Component(); name != "" {
		return name
	}
	return strings.TrimPrefix(string(s), variablePrefix)
}

// VariableSlot is the slot of a variable; with a component, of its overlay.
func VariableSlot(key, component string) Slot {
	if component != "" {
		key += "@" + component
	}
	return Slot(variablePrefix + key)
}

// Variable splits the slot of a variable; component is "" unless it is an
// overlay. It is not ok for other slots.
func (s Slot) Variable() (key, component string, ok bool) {
	rest, ok := strings.CutPrefix(string(s), variablePrefix)
	key, component, _ = strings.Cut(rest, "@")
	return key, component, ok
}

// CheckKey checks the key of a variable. It does not repeat the key: what stands
// in its place by mistake may be a value.
func CheckKey(key string) error {
	if keyForm.MatchString(key) {
		return nil
	}
	problem := "is empty"
	if len(key) > 128 {
		problem = fmt.Sprintf("has %d bytes", len(key))
	} else if at := strings.IndexFunc(key, func(r rune) bool { return r != '_' && !isAlphanumeric(r) }); at >= 0 {
		problem = fmt.Sprintf("has another character at byte %d", at+1)
	} else if key != "" {
		problem = "begins with a digit"
	}
	return Errorf(Invalid, "a variable key %s", problem).Fix("use 1 to 128 letters, digits and underscores, not starting with a digit")
}

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
