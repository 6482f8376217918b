package expr

import (
	"math"
	"math/bits"
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

func (r *jinjaRun) unary(e *nodes.UnaryExpression) (any, error) {
	v, err := r.eval(e.Term)
	if err != nil {
		return nil, err
	}
	switch n := v.(type) {
	case int64:
		if e.Negative && n != math.MinInt64 {
			return -n, nil
		}
		if !e.Negative {
			return n, nil
		}
		return -float64(n), nil
	case float64:
		if e.Negative {
			return -n, nil
		}
		return n, nil
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
		return equal(left, right), nil
	case tokens.Ne:
		return !equal(left, right), nil
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
			if sizeOf(a, r.most)+sizeOf(b, r.most) > r.most {
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
	n, ok := right.(int64)
	if !ok {
		if n, ok = left.(int64); ok {
			left = right
		}
	}
	if ok {
		n = max(n, 0)
		switch v := left.(type) {
		case string:
			if hi, lo := bits.Mul64(uint64(len(v)), uint64(n)); hi > 0 || lo > uint64(r.most) {
				return nil, r.tooLarge()
			}
			return strings.Repeat(v, int(n)), nil
		case []any:
			if hi, lo := bits.Mul64(uint64(sizeOf(v, r.most)), uint64(n)); hi > 0 || lo > uint64(r.most) {
				return nil, r.tooLarge()
			}
			list := make([]any, 0, len(v)*int(n))
			for range n {
				list = append(list, v...)
			}
			return list, nil
		}
		return arithmetic(tokens.Multiply, "*", left, n)
	}
	return arithmetic(tokens.Multiply, "*", left, right)
}

func (r *jinjaRun) tooLarge() *Problem { return tooLarge(r.w.render.Limits.WithDefaults().Output) }

// arithmetic works on two numbers, exactly where both are integers and the result
// fits in one.
func arithmetic(op tokens.Type, sign string, left, right any) (any, error) {
	a, aInt := left.(int64)
	b, bInt := right.(int64)
	x, xOK := number(left)
	y, yOK := number(right)
	if !xOK || !yOK {
		return nil, &Problem{Kind: Type, Message: describe(left) + " " + sign + " " + describe(right) + " has no value"}
	}
	if y == 0 && (op == tokens.Division || op == tokens.FloorDivision || op == tokens.Modulo) {
		return nil, &Problem{Kind: Type, Message: "division by zero"}
	}
	if aInt && bInt {
		if v, ok := integers(op, a, b); ok {
			return v, nil
		}
	}
	v := floats(op, x, y)
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil, &Problem{Kind: Type, Message: "the result of " + sign + " is too large for a number"}
	}
	return v, nil
}

// integers reports false where the result is no integer of 64 bits.
func integers(op tokens.Type, a, b int64) (int64, bool) {
	switch op {
	case tokens.Addition:
		c := a + b
		return c, (c > a) == (b > 0)
	case tokens.Subtraction:
		c := a - b
		return c, (c < a) == (b > 0)
	case tokens.Multiply:
		c := a * b
		return c, a == 0 || c/a == b && (a != -1 || b != math.MinInt64)
	case tokens.FloorDivision:
		if b == -1 && a == math.MinInt64 {
			return 0, false
		}
		c := a / b
		if a%b != 0 && (a < 0) != (b < 0) {
			c--
		}
		return c, true
	case tokens.Modulo:
		if b == -1 {
			return 0, true
		}
		c := a % b
		if c != 0 && (c < 0) != (b < 0) {
			c += b
		}
		return c, true
	case tokens.Power:
		return power(a, b)
	}
	return 0, false
}

func power(a, b int64) (int64, bool) {
	if b < 0 {
		return 0, false
	}
	result := int64(1)
	for ok := true; b > 0; b >>= 1 {
		if b&1 == 1 {
			if result, ok = integers(tokens.Multiply, result, a); !ok {
				return 0, false
			}
		}
		if b > 1 {
			if a, ok = integers(tokens.Multiply, a, a); !ok {
				return 0, false
			}
		}
	}
	return result, true
}

func floats(op tokens.Type, x, y float64) float64 {
	switch op {
	case tokens.Addition:
		return x + y
	case tokens.Subtraction:
		return x - y
	case tokens.Multiply:
		return x * y
	case tokens.Division:
		return x / y
	case tokens.FloorDivision:
		return math.Floor(x / y)
	case tokens.Modulo:
		return x - y*math.Floor(x/y)
	}
	return math.Pow(x, y)
}
