package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// maxListed is how many names that exist a message lists.
const maxListed = 10

// noRoot is the problem of a name that is not in the scope.
func noRoot(name string, existing []string) *Problem {
	p := &Problem{Kind: Undefined, Message: "there is no " + cut(name, 80) + "; " + whatExists("there", existing)}
	suggest(p, name, existing)
	return p
}

// noMember is the problem of a member that a value does not have. Owner is how
// the text reaches the value.
func noMember(owner string, of any, name string) *Problem {
	p := &Problem{Kind: Undefined}
	shown := cut(name, 80)
	owner = cut(owner, 100)
	switch of := of.(type) {
	case *value.Object:
		keys := of.Keys()
		p.Message = fmt.Sprintf("%s has no %s; %s", owner, shown, whatExists("it", keys))
		suggest(p, name, keys)
	case []any:
		p.Message = fmt.Sprintf("%s has no %s; it is a list of %d", owner, shown, len(of))
	case nil:
		p.Message = fmt.Sprintf("%s has no %s; it is none", owner, shown)
	default:
		p.Message = fmt.Sprintf("%s has no %s; it is %s", owner, shown, describe(of))
	}
	return p
}

// noIndex is the problem of a place beyond the ends of a list or text.
func noIndex(owner string, of any, index int64) *Problem {
	if list, ok := of.([]any); ok {
		return &Problem{Kind: Undefined, Message: fmt.Sprintf("%s has no [%d]; it is a list of %d", cut(owner, 100), index, len(list))}
	}
	return noMember(owner, of, "["+strconv.FormatInt(index, 10)+"]")
}

// whatExists lists at most ten names, sorted.
func whatExists(who string, names []string) string {
	slices.Sort(names)
	if len(names) == 0 {
		if who == "it" {
			return "it is empty"
		}
		return "there is nothing"
	}
	more := ""
	if len(names) > maxListed {
		more = fmt.Sprintf(" and %d more", len(names)-maxListed)
		names = names[:maxListed]
	}
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = cut(name, 40)
	}
	verb := " has "
	if who == "there" {
		verb = " is "
	}
	return who + verb + cut(strings.Join(short, ", "), maxQuoted-100) + more
}

// suggest sets the fix to the name that was most likely meant.
func suggest(p *Problem, name string, existing []string) {
	const long = 80
	if len(name) > long || len(existing) > 1000 {
		return
	}
	near := ""
	if i := slices.IndexFunc(existing, func(e string) bool { return strings.EqualFold(e, name) }); i >= 0 {
		near = existing[i]
	} else {
		near = sluice.Suggest(name, slices.DeleteFunc(slices.Clone(existing), func(e string) bool { return len(e) > long }))
	}
	if near != "" {
		p.Fix = "did you mean " + near + "?"
	}
}

// describe names the type of a value as its writer would.
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "none"
	case bool:
		return "a boolean"
	case int64, float64, value.Number:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	case *value.Object:
		return "a map"
	case *loop:
		return "a loop"
	case *namespace, *clock:
		return "a namespace"
	case moment:
		return "a time"
	case zone:
		return "a time zone"
	default:
		return "a function"
	}
}
