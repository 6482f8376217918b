package expr

import (
	"fmt"
	"math"
	"math/big"

	"github.com/nikolalohinski/gonja/v2/tokens"

	"github.com/sluice-dev/sluice/internal/value"
)

// arithmetic works on two numbers: exactly where both are whole, and else on 64-bit
// floats, which each of them must fit.
func arithmetic(op tokens.Type, sign string, left, right any) (any, error) {
	if !value.IsNumber(left) || !value.IsNumber(right) {
		return nil, &Problem{Kind: Type, Message: describe(left) + " " + sign + " " + describe(right) + " has no value"}
	}
	divides := op == tokens.Division || op == tokens.FloorDivision || op == tokens.Modulo
	if divides && value.Compare(right, int64(0)) == 0 {
		return nil, &Problem{Kind: Type, Message: "division by zero"}
	}
	a, aSmall := left.(int64)
	b, bSmall := right.(int64)
	if aSmall && bSmall {
		if c, ok := integers(op, a, b); ok {
			return c, nil
		}
	}
	if c, done, err := wholes(op, sign, left, right); done {
		return c, err
	}
	x, err := counted(left)
	if err != nil {
		return nil, err
	}
	y, err := counted(right)
	if err != nil {
		return nil, err
	}
	v := floats(op, x, y)
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil, &Problem{Kind: Type, Message: "the result of " + sign + " is too large for a number"}
	}
	return v, nil
}

// counted is a number as a float, which must be the same number.
func counted(v any) (float64, error) {
	f, exact := value.Float(v)
	if !exact {
		p := &Problem{Kind: Type, Message: "counting with fractions would change " + digitsOf(v) + ", which has too many digits"}
		return 0, p.fixed("take the nearest number that fits, with |float")
	}
	return f, nil
}

// digitsOf is a number as messages show it.
func digitsOf(v any) string {
	data, _ := value.Encode(v)
	return cut(string(data), 40)
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
	case tokens.Division:
		return quotient(a, b), a%b == 0 && b != -1
	case tokens.FloorDivision:
		c := quotient(a, b)
		if a%b != 0 && (a < 0) != (b < 0) {
			c--
		}
		return c, b != -1
	case tokens.Modulo:
		c := a % b
		if c != 0 && (c < 0) != (b < 0) {
			c += b
		}
		return c, true
	}
	return 0, false
}

// quotient leaves out the one division that overflows.
func quotient(a, b int64) int64 {
	if b == -1 {
		return 0
	}
	return a / b
}

// wholes works on whole numbers of any size. It is not done with a fraction, and
// where the result is one.
func wholes(op tokens.Type, sign string, left, right any) (result any, done bool, err error) {
	a, aWhole := value.Whole(left)
	b, bWhole := value.Whole(right)
	if !aWhole || !bWhole {
		return nil, false, nil
	}
	c := new(big.Int)
	switch op {
	case tokens.Addition:
		c.Add(a, b)
	case tokens.Subtraction:
		c.Sub(a, b)
	case tokens.Multiply:
		c.Mul(a, b)
	case tokens.Division:
		rest := new(big.Int)
		if c.QuoRem(a, b, rest); rest.Sign() != 0 {
			return nil, false, nil
		}
	case tokens.FloorDivision:
		c, _ = floored(a, b)
	case tokens.Modulo:
		_, c = floored(a, b)
	case tokens.Power:
		if b.Sign() < 0 {
			return nil, false, nil
		}
		if a.BitLen() > 1 && (!b.IsInt64() || b.Int64() > maxBits/int64(a.BitLen()-1)) {
			return nil, true, tooManyDigits(sign)
		}
		c = power(a, b)
	}
	if result, err = value.FromInt(c); err != nil {
		return nil, true, tooManyDigits(sign)
	}
	return result, true, nil
}

// maxBits is more than a number of the most digits has.
const maxBits = 4 * value.MaxDigits

// power raises to an exponent that is not below zero. Of -1, 0 and 1 any power is
// one of them, however large the exponent.
func power(a, b *big.Int) *big.Int {
	if a.BitLen() > 1 || b.Sign() == 0 {
		return new(big.Int).Exp(a, b, nil)
	}
	return new(big.Int).Exp(a, big.NewInt(int64(2-b.Bit(0))), nil)
}

// floored divides towards minus infinity, as Python does.
func floored(a, b *big.Int) (quotient, rest *big.Int) {
	quotient, rest = new(big.Int).QuoRem(a, b, new(big.Int))
	if rest.Sign() != 0 && rest.Sign() != b.Sign() {
		quotient.Sub(quotient, big.NewInt(1))
		rest.Add(rest, b)
	}
	return quotient, rest
}

func tooManyDigits(sign string) *Problem {
	return &Problem{Kind: Type, Message: fmt.Sprintf("the result of %s has more than %d digits", sign, value.MaxDigits)}
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
