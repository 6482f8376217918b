package value

import "strconv"

// numberAsText is what to do with a number that is beyond a bound.
const numberAsText = "write the number as text, in quotes"

// number reads a literal, and gives it the smallest type that writes it again.
func (d *decoder) number() (any, error) {
	start := d.at
	if d.next() == '-' {
		d.at++
	}
	first := d.at
	digits := d.digits()
	if digits == 0 {
		return nil, d.unexpected("a digit")
	}
	if digits > 1 && d.data[first] == '0' {
		d.at = first + 1
		return nil, d.unexpected("the end of the number after 0")
	}
	whole := true
	if d.next() == '.' {
		d.at++
		fraction := d.digits()
		if fraction == 0 {
			return nil, d.unexpected("a digit")
		}
		digits, whole = digits+fraction, false
	}
	exponent := 0
	if c := d.next(); c == 'e' || c == 'E' {
		d.at++
		if c := d.next(); c == '+' || c == '-' {
			d.at++
		}
		from := d.at
		if d.digits() == 0 {
			return nil, d.unexpected("a digit")
		}
		exponent, whole = MaxExponent+1, false
		if e, err := strconv.Atoi(string(d.data[from:d.at])); err == nil {
			exponent = e
		}
	}
	text := string(d.data[start:d.at])
	switch {
	case digits > MaxDigits:
		d.at = start
		return nil, d.refused(nil, numberAsText, "the number %s has %d digits; a number has at most %d", Short(text, 20), digits, MaxDigits)
	case exponent > MaxExponent:
		d.at = start
		return nil, d.refused(nil, numberAsText, "the exponent of %s is too large; it is at most %d, of either sign", Short(text, 40), MaxExponent)
	}
	return smallest(text, whole), nil
}

func (d *decoder) digits() int {
	from := d.at
	for d.at < len(d.data) && '0' <= d.data[d.at] && d.data[d.at] <= '9' {
		d.at++
	}
	return d.at - from
}

// smallest is the type that writes a literal as it is. An integer is never a
// float64, so that whoever counts with it counts exactly.
func smallest(text string, whole bool) any {
	if whole {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil && text != "-0" {
			return i
		}
		return Number(text)
	}
	const longest = 32 // bytes that a float64 is ever written with
	if len(text) <= longest {
		var b [longest]byte
		if f, err := strconv.ParseFloat(text, 64); err == nil && string(appendFloat(b[:0], f)) == text {
			return f
		}
	}
	return Number(text)
}
