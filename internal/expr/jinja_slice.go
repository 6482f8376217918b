package expr

import (
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
	"github.com/sluice-dev/sluice/internal/value"
)

// slice gives part of a list or text.
func (r *jinjaRun) slice(e *nodes.GetSlice) (any, error) {
	v, err := r.eval(e.Node)
	if err != nil {
		return nil, err
	}
	items, isList := v.([]any)
	s, isText := v.(string)
	if !isList && !isText {
		return nil, typeProblem(e.Location, describe(v)+" has no parts")
	}
	runes := []rune(s)
	length := int64(len(items) + len(runes))
	from, to, by, err := r.bounds(e, length)
	if err != nil {
		return nil, err
	}
	var chosen []any
	var text []rune
	for i := from; by > 0 && i < to || by < 0 && i > to; i += by {
		if isList {
			chosen = append(chosen, items[i])
		} else {
			text = append(text, runes[i])
		}
	}
	if isText {
		return string(text), nil
	}
	return append([]any{}, chosen...), nil
}

// bounds are where a slice starts and ends, within the length, and its step.
func (r *jinjaRun) bounds(e *nodes.GetSlice, length int64) (from, to, by int64, err error) {
	by, err = r.bound(e.Step, 1, e.Location)
	if err != nil {
		return 0, 0, 0, err
	}
	if by == 0 || by > length+1 || by < -length-1 {
		if by == 0 {
			return 0, 0, 0, typeProblem(e.Location, "the step of a slice must not be 0")
		}
		by = max(min(by, length+1), -length-1)
	}
	low, high := int64(0), length
	from, to = 0, length
	if by < 0 {
		low, high = -1, length-1
		from, to = length-1, -1
	}
	clamp := func(e nodes.Node, otherwise int64) (int64, error) {
		i, err := r.bound(e, otherwise, nil)
		if err != nil || e == nil {
			return i, err
		}
		if i < 0 {
			i += length
		}
		return max(low, min(i, high)), nil
	}
	if from, err = clamp(e.Start, from); err != nil {
		return 0, 0, 0, err
	}
	to, err = clamp(e.End, to)
	return from, to, by, err
}

func (r *jinjaRun) bound(e nodes.Node, otherwise int64, at *tokens.Token) (int64, error) {
	if e == nil {
		return otherwise, nil
	}
	v, err := r.eval(e)
	if err != nil {
		return 0, err
	}
	if i, ok := value.Int(v); ok {
		return i, nil
	}
	return 0, typeProblem(at, "a bound of a slice must be a whole number, not "+describe(v))
}
