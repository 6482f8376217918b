package expr

import (
	"math/bits"
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
	"github.com/sluice-dev/sluice/internal/value"
)

func (r *jinjaRun) unary(e *nodes.UnaryExpression) (any, error) {
	v, err := r.eval(e.Term)
	if err != nil {
		return nil, err
	}
	switch {
	case !value.IsNumber(v):
	case e.Negative:
		return value.Negate(v), nil
	default:
		return v, nil
	}
	return nil, typeProblem(e.Operator, describe(v)+" has no sign")
}

// binary evaluates an operator. And and or give one of their operands, and leave
// the right one alone where the left decides.
func (r *jinjaRun) binary(e *nodes.BinaryExpression) (any, error) {
	op := e.Operator.Token
	left, err := r.eval(e.Left)
	if err != nil {
		return nil, err
	}
	if op.Type == tokens.And && !truthy(left) || op.Type == tokens.Or && truthy(left) {
		return left, nil
	}
	right, err := r.eval(e.Right)
	if err != nil {
		return nil, err
	}
	var v any
	switch op.Type {
	case tokens.And, tokens.Or:
		return right, nil
	case tokens.Equals:
		return value.Equal(left, right), nil
	case tokens.Ne:
		return !value.Equal(left, right), nil
	case tokens.LowerThan, tokens.LowerThanOrEqual, tokens.GreaterThan, tokens.GreaterThanOrEqual:
		v, err = ordered(op.Type, left, right)
	case tokens.Tilde:
		v, err = r.joined(left, right)
	case tokens.Addition:
		v, err = r.add(left, right)
	case tokens.Multiply:
		v, err = r.multiply(left, right)
	default:
		v, err = arithmetic(op.Type, op.Val, left, right)
	}
	return v, placedAt(err, op)
}

func (r *jinjaRun) joined(left, right any) (any, error) {
	a, err := r.text(left)
	if err != nil {
		return nil, err
	}
	b, err := r.text(right)
	if err != nil {
		return nil, err
	}
	if len(a)+len(b) > r.most {
		return nil, r.tooLarge()
	}
	return a + b, nil
}

func (r *jinjaRun) add(left, right any) (any, error) {
	if a, ok := left.(string); ok {
		if b, ok := right.(string); ok {
			return r.joined(a, b)
		}
	}
	if a, ok := left.([]any); ok {
		if b, ok := right.([]any); ok {
			if value.Size(a, r.most)+value.Size(b, r.most) > r.most {
				return nil, r.tooLarge()
			}
			return append(append(make([]any, 0, len(a)+len(b)), a...), b...), nil
		}
	}
	v, err := arithmetic(tokens.Addition, "+", left, right)
	if p, ok := err.(*Problem); ok && (isText(left) || isText(right)) {
		p.Fix = "join texts with ~, which takes any value, or turn text into a number with |int"
	}
	return v, err
}

func isText(v any) bool { _, ok := v.(string); return ok }

// multiply also repeats texts and lists.
func (r *jinjaRun) multiply(left, right any) (any, error) {
	many, times := right, left
	if !value.IsNumber(right) {
		many, times = left, right
	}
	if n, ok := value.Int(many); ok {
		n = max(n, 0)
		switch v := times.(type) {
		case string:
			if hi, lo := bits.Mul64(uint64(len(v)), uint64(n)); hi > 0 || lo > uint64(r.most) {
				return nil, r.tooLarge()
			}
			return strings.Repeat(v, int(n)), nil
		case []any:
			if hi, lo := bits.Mul64(uint64(value.Size(v, r.most)), uint64(n)); hi > 0 || lo > uint64(r.most) {
				return nil, r.tooLarge()
			}
			list := make([]any, 0, len(v)*int(n))
			for range n {
				list = append(list, v...)
			}
			return list, nil
		}
	}
	return arithmetic(tokens.Multiply, "*", left, right)
}

func (r *jinjaRun) tooLarge() *Problem { return tooLarge(r.w.render.Limits.WithDefaults().Output) }
