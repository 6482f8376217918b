package expr

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice/internal/value"
)

// filterInt reads what text starts out as, such as " 42" or "3.7"; what is no
// number gives the default.
func filterInt(_ *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("default", "base")
	if err != nil {
		return nil, err
	}
	base, err := a.whole(bound, "base", 10)
	if err != nil || base < 2 || base > 36 {
		return nil, a.problem("its base must be a whole number from 2 to 36")
	}
	otherwise, given := bound["default"]
	if !given {
		otherwise = int64(0)
	}
	switch v := v.(type) {
	case int64:
		return v, nil
	case bool:
		return int64(truthOrder(v)), nil
	case float64, value.Number:
		return wholePart(v, otherwise), nil
	case string:
		s := strings.ReplaceAll(strings.TrimSpace(v), "_", "")
		if base != 10 {
			s = strings.TrimPrefix(strings.ToLower(s), map[int64]string{16: "0x", 8: "0o", 2: "0b"}[base])
		}
		if i, ok := new(big.Int).SetString(s[:min(len(s), maxBits)], int(base)); ok && len(s) < maxBits {
			return fromInt(i, otherwise), nil
		}
		if n, err := value.ParseNumber(strings.TrimPrefix(s, "+")); err == nil && base == 10 {
			return wholePart(n, otherwise), nil
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && base == 10 {
			return wholePart(value.FromFloat(f), otherwise), nil
		}
	}
	return otherwise, nil
}

// wholePart leaves the fraction out.
func wholePart(v, otherwise any) any {
	if !value.IsNumber(v) {
		return otherwise
	}
	return fromInt(value.Truncate(v), otherwise)
}

func fromInt(i *big.Int, otherwise any) any {
	v, err := value.FromInt(i)
	if err != nil {
		return otherwise
	}
	return v
}

// filterFloat gives the nearest 64-bit float, and so may change a number.
func filterFloat(_ *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("default")
	if err != nil {
		return nil, err
	}
	if f, _ := value.Float(v); value.IsNumber(v) && !math.IsInf(f, 0) {
		return f, nil
	}
	if s, ok := v.(string); ok {
		if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
	}
	if otherwise, given := bound["default"]; given {
		return otherwise, nil
	}
	return 0.0, nil
}

func filterAbs(_ *jinjaRun, v any, a arguments) (any, error) {
	switch {
	case !value.IsNumber(v):
		return nil, a.problem("%s is no number", describe(v))
	case value.Compare(v, int64(0)) < 0:
		return value.Negate(v), nil
	}
	return v, nil
}

// filterRound rounds half away from zero, to a precision of decimal places.
func filterRound(_ *jinjaRun, v any, a arguments) (any, error) {
	bound, err := a.bind("precision", "method")
	if err != nil {
		return nil, err
	}
	places, err := a.whole(bound, "precision", 0)
	if err != nil {
		return nil, err
	}
	method, err := a.text(bound, "method", "common")
	if err != nil {
		return nil, err
	}
	round := map[string]func(float64) float64{"common": math.Round, "ceil": math.Ceil, "floor": math.Floor}[method]
	switch {
	case !value.IsNumber(v):
		return nil, a.problem("%s is no number", describe(v))
	case round == nil:
		return nil, a.problem("its method must be common, ceil or floor")
	case places < -300 || places > 300:
		return v, nil
	}
	if i, whole := value.Whole(v); whole && places >= 0 {
		return value.FromInt(i)
	}
	f, err := counted(v)
	if err != nil {
		return nil, err
	}
	scale := math.Pow(10, float64(places))
	if scaled := f * scale; !math.IsInf(scaled, 0) {
		f = round(scaled) / scale
	}
	return f, nil
}

// filterFormat is "%s has %d"|format(a, b), with the verbs s, d, i, f, e, g, x, o
// and %, and widths of up to 1,000.
func filterFormat(r *jinjaRun, v any, a arguments) (any, error) {
	format, ok := v.(string)
	if !ok {
		return nil, a.problem("it formats a text, not %s", describe(v))
	}
	var b strings.Builder
	next := 0
	for {
		plain, rest, found := strings.Cut(format, "%")
		b.WriteString(plain)
		if !found {
			break
		}
		end := strings.IndexFunc(rest, func(c rune) bool { return !strings.ContainsRune("-+ 0123456789.#", c) })
		if end < 0 || len(rest[:end]) > 8 {
			return nil, a.problem("the format ends within a %%")
		}
		flags, verb := rest[:end], rest[end]
		format = rest[end+1:]
		if verb == '%' {
			b.WriteByte('%')
			continue
		}
		if next >= len(a.list) {
			return nil, a.problem("there are fewer values than the format has places")
		}
		piece, err := r.formatted(flags, verb, a.list[next], a)
		if err != nil {
			return nil, err
		}
		b.WriteString(piece)
		next++
	}
	return b.String(), nil
}

func (r *jinjaRun) formatted(flags string, verb byte, v any, a arguments) (string, error) {
	for _, digits := range strings.FieldsFunc(flags, func(c rune) bool { return c < '0' || c > '9' }) {
		if len(strings.TrimLeft(digits, "0")) > 3 {
			return "", a.problem("the format is wider than 999")
		}
	}
	switch verb {
	case 's':
		s, err := r.text(v)
		return fmt.Sprintf("%"+flags+"s", s), err
	case 'd', 'i', 'x', 'X', 'o':
		if value.IsNumber(v) {
			return fmt.Sprintf("%"+flags+strings.Replace(string(verb), "i", "d", 1), value.Truncate(v)), nil
		}
	case 'f', 'e', 'g', 'E', 'G':
		if value.IsNumber(v) {
			f, err := counted(v)
			if err != nil {
				return "", err
			}
			if !strings.Contains(flags, ".") && verb != 'g' && verb != 'G' {
				flags += ".6"
			}
			return fmt.Sprintf("%"+flags+string(verb), f), nil
		}
	default:
		return "", a.problem("there is no format %%%c", verb)
	}
	return "", a.problem("%%%c formats a number, not %s", verb, describe(v))
}
