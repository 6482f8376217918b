package expr

import (
	"errors"
	"maps"
	"slices"

	"github.com/sluice-dev/sluice/internal/value"
)

// notValue turns what package value says into a problem.
func notValue(err error) *Problem {
	var e *value.Error
	if errors.As(err, &e) {
		return &Problem{Kind: Type, Path: e.Path, Message: e.Message}
	}
	return &Problem{Kind: Type, Message: cut(err.Error(), maxQuoted)}
}

// writeJSON writes a value as JSON on one line, or over several with an indent.
func writeJSON(v any, indent string) (string, error) {
	data, err := value.Indent(v, indent)
	if err != nil {
		return "", notValue(err)
	}
	return string(data), nil
}

// sortedKeys returns the keys of a map sorted. It is for names, and not for the
// keys of objects, which have an order of their own.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
