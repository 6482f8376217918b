package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// state resolves the time in a reference to a state, such as
// production@"2h ago", in the zone of the person who wrote it.
func (e *env) state(ref string) (string, error) {
	r, err := e.stateRef(ref)
	return r.String(), err
}

func (e *env) stateRef(ref string) (sluice.EnvironmentRef, error) {
	r, err := sluice.WrittenEnvironmentRef(ref, e.Now())
	if err != nil {
		return sluice.EnvironmentRef{}, err
	}
	if _, at, found := strings.Cut(ref, "@"); found {
		r.At, err = e.typedTime(at)
	}
	return r, err
}

// either resolves the time in what may be a state or a version of a component.
// No version has the form of a time, and a name that reads as one can be
// written name:WORD.
func (e *env) either(ref string) string {
	name, at, found := strings.Cut(ref, "@")
	if !found {
		return ref
	}
	if t, err := e.typedTime(at); err == nil {
		return name + "@" + t.String()
	}
	return ref
}

// splitRef splits NAME@REF; the part after the @ may be left out.
func splitRef(s string) (name, ref string) {
	name, ref, _ = strings.Cut(s, "@")
	return name, ref
}

// releaseOf reads production#42, or 42 in an environment that is known.
func releaseOf(cmd *cobra.Command, s string) (environment string, number int64, err error) {
	name, digits, found := strings.Cut(s, "#")
	if !found {
		name, digits = "", s
	}
	number, err = strconv.ParseInt(digits, 10, 64)
	if err != nil || number < 1 {
		return "", 0, misuse(cmd, "%q is not a release", s).fix("write production#42")
	}
	return name, number, nil
}

// aliases maps each environment's name to what lists and histories call it.
func aliases(environments []sluice.Environment) map[string]string {
	m := make(map[string]string, len(environments))
	for _, v := range environments {
		m[v.Name] = v.Display()
	}
	return m
}

// pages follows the cursors of a list to its end, or until enough is reached;
// enough 0 is everything.
func pages[T any](ctx context.Context, enough int, next func(context.Context, sluice.Paging) (sluice.Page[T], error)) ([]T, error) {
	if enough < 0 {
		return nil, sluice.Errorf(sluice.Invalid, "a limit of %d is negative", enough).Fix("write --limit 0 to see everything")
	}
	var all []T
	paging := sluice.Paging{Limit: sluice.MaxPage}
	for {
		if enough > 0 {
			paging.Limit = min(sluice.MaxPage, enough-len(all))
		}
		page, err := next(ctx, paging)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" || enough > 0 && len(all) >= enough {
			return all, nil
		}
		paging.Cursor = page.Next
	}
}
