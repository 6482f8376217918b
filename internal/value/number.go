package value

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Bounds on numbers. A number with more digits, or a larger exponent of either
// sign, is refused where it is read: it would cost little to write, and much to
// count with.
const (
	MaxDigits   = 1000
	MaxExponent = 1000
)

// Number is a number that neither an int64 nor a float64 writes with the digits
// that were read, such as 18446744073709551615, 1.0 or 0.10. It is the literal of
// JSON, within [MaxDigits] and [MaxExponent].
type Number string

// MarshalJSON writes the digits.
func (n Number) MarshalJSON() ([]byte, error) { return []byte(n), nil }

func (n Number) json() json.Number { return json.Number(n) }

// ParseNumber reads a literal as JSON writes numbers, into an int64, a float64 or
// a Number. The error is a clause that says what is wrong.
func ParseNumber(text string) (any, error) {
	d := decoder{data: []byte(text)}
	v, err := d.number()
	if err != nil {
		return nil, err
	}
	if d.at != len(text) {
		return nil, &Error{Offset: d.at, Message: "it is no number"}
	}
	return v, nil
}

// FromFloat gives the number that a float64 becomes when it is written and read
// again. What JSON has no number for, an infinity and what is no number, is nil.
func FromFloat(f float64) any {
	const exact = 1 << 53
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil
	case f == math.Trunc(f) && math.Abs(f) <= exact:
		return int64(f)
	case f != math.Trunc(f) || math.Abs(f) >= 1e21: // written with a fraction or an exponent
		return f
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i
	}
	return Number(text)
}

// FromInt gives the value of an integer of any size. It fails beyond [MaxDigits].
func FromInt(i *big.Int) (any, error) {
	if i.IsInt64() {
		return i.Int64(), nil
	}
	text := i.String()
	if digits := len(strings.TrimPrefix(text, "-")); digits > MaxDigits {
		return nil, &Error{Message: fmt.Sprintf("it has %d digits; a number has at most %d", digits, MaxDigits)}
	}
	return Number(text), nil
}

// FromUint gives the value of an unsigned integer.
func FromUint(u uint64) any {
	if u <= math.MaxInt64 {
		return int64(u)
	}
	return Number(strconv.FormatUint(u, 10))
}

// IsNumber reports whether a value is a number.
func IsNumber(v any) bool {
	switch v.(type) {
	case int64, float64, Number:
		return true
	}
	return false
}

// Int gives a number that is whole, such as 3 or 3.0, as an int64; false for all
// others and for those that do not fit.
func Int(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<63 {
			return int64(v), true
		}
	case Number:
		if i, whole := Whole(v); whole && i.IsInt64() {
			return i.Int64(), true
		}
	}
	return 0, false
}

// Whole gives a number that is whole as an integer of any size.
func Whole(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v), true
	case float64:
		if v == math.Trunc(v) && !math.IsInf(v, 0) {
			return decimalOf(literal(v)).integer(), true
		}
	case Number:
		if d := decimalOf(string(v)); d.exponent >= 0 {
			return d.integer(), true
		}
	}
	return nil, false
}

// Truncate gives a number without its fraction.
func Truncate(v any) *big.Int {
	d := decimalOf(literal(v))
	if d.exponent < 0 {
		d.digits = d.digits[:max(len(d.digits)+d.exponent, 0)]
		d.exponent = 0
	}
	return d.integer()
}

// Negate gives a number with the other sign.
func Negate(v any) any {
	text := literal(v)
	if positive, negative := strings.CutPrefix(text, "-"); negative {
		text = positive
	} else {
		text = "-" + text
	}
	if text == "-0" {
		return int64(0)
	}
	n, _ := ParseNumber(text) // of a literal with another sign, which is one
	return n
}

// Float gives the float64 next to a number. Exact says that the float64 is written
// as the same number: what holds float64 alone, as JavaScript does, then carries
// it without loss.
func Float(v any) (f float64, exact bool) {
	const most = 1 << 53
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		f = float64(v)
		if -most <= v && v <= most {
			return f, true
		}
	case Number:
		f, _ = strconv.ParseFloat(string(v), 64)
		if math.IsInf(f, 0) {
			return f, false
		}
	default:
		return 0, false
	}
	return f, decimalOf(literal(f)) == decimalOf(literal(v))
}

// Compare orders two numbers by what they count, exactly.
func Compare(a, b any) int {
	x, xInt := a.(int64)
	y, yInt := b.(int64)
	switch {
	case xInt && yInt:
		return order(x, y)
	case xInt || yInt:
	default:
		x, xFloat := a.(float64)
		y, yFloat := b.(float64)
		if xFloat && yFloat {
			return order(x, y)
		}
	}
	return decimalOf(literal(a)).compare(decimalOf(literal(b)))
}

func order[T int64 | float64](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// decimal is a number in the one form that all its literals share: digits without
// zeros at either end, times ten to the exponent. Zero has no digits.
type decimal struct {
	negative bool
	digits   string
	exponent int
}

// decimalOf reads a literal that is known to be one.
func decimalOf(text string) decimal {
	var d decimal
	mantissa, exponent := text, ""
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent = text[:i], text[i+1:]
	}
	d.exponent, _ = strconv.Atoi(strings.TrimPrefix(exponent, "+"))
	mantissa, d.negative = strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	d.exponent -= len(fraction)
	all := strings.TrimLeft(whole+fraction, "0")
	d.digits = strings.TrimRight(all, "0")
	if d.exponent += len(all) - len(d.digits); d.digits == "" {
		return decimal{}
	}
	return d
}

// integer is the number, of which the exponent is not below zero.
func (d decimal) integer() *big.Int {
	i, _ := new(big.Int).SetString("0"+d.digits+strings.Repeat("0", d.exponent), 10)
	if d.negative {
		i.Neg(i)
	}
	return i
}

func (d decimal) compare(o decimal) int {
	if d.sign() != o.sign() {
		return order(int64(d.sign()), int64(o.sign()))
	}
	magnitude := 0
	switch high, other := len(d.digits)+d.exponent, len(o.digits)+o.exponent; {
	case high != other:
		magnitude = order(int64(high), int64(other))
	default: // digits begin at the same place, and none ends in a zero
		magnitude = strings.Compare(d.digits, o.digits)
	}
	return magnitude * d.sign()
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// append writes the form.
func (d decimal) append(b []byte) []byte {
	if d.digits == "" {
		return append(b, '0')
	}
	if d.negative {
		b = append(b, '-')
	}
	b = append(append(b, d.digits...), 'e')
	return strconv.AppendInt(b, int64(d.exponent), 10)
}
