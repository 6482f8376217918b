package value_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice/internal/value"
)

// literals draws numbers as JSON may write them.
func literals() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?`),
		rapid.SampledFrom([]string{"0", "-0", "-0.0", "1.0", "0.10", "1e2", "1E+2", "1e-7", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551615", "1e21", "1e+21", "1e1000", "1e-1000"}),
	)
}

// texts draws JSON without spaces: objects with keys in any order, and numbers with
// any digits.
func texts(depth int) *rapid.Generator[string] {
	leaves := []*rapid.Generator[string]{
		literals(), rapid.SampledFrom([]string{"null", "true", "false", `"<é&>"`, `""`, `"\"\\\n"`}),
	}
	if depth > 0 {
		leaves = append(leaves,
			rapid.Map(rapid.SliceOfN(texts(depth-1), 0, 3), func(items []string) string { return "[" + strings.Join(items, ",") + "]" }),
			rapid.Custom(func(t *rapid.T) string {
				keys := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"z", "a", "10", "9", "b c", "", "é", "k1", "k2", "k3", "k4", "k5"}), 0, 12, rapid.ID).Draw(t, "keys")
				var parts []string
				for _, key := range keys {
					quoted, _ := json.Marshal(key)
					parts = append(parts, string(quoted)+":"+texts(depth-1).Draw(t, "value"))
				}
				return "{" + strings.Join(parts, ",") + "}"
			}))
	}
	return rapid.OneOf(leaves...)
}

// TestValuesAreExact reads JSON and writes it: it is the same to the byte. So is
// what went through the other ways in which the house copies values.
func TestValuesAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := texts(3).Draw(t, "text")
		v, err := value.Decode([]byte(" " + text + "\n"))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		of, err := value.Of(v)
		if err != nil {
			t.Fatal(err)
		}
		for name, copied := range map[string]any{"read": v, "of": of, "redacted": value.Redact(v, func(s string) string { return s })} {
			written, err := value.Encode(copied)
			if string(written) != text || err != nil || !value.Equal(copied, v) {
				t.Fatalf("%s %s: got %s, %v", name, text, written, err)
			}
		}
		if !json.Valid(value.Normal(v)) {
			t.Fatalf("%s has the normal form %s, which is no JSON", text, value.Normal(v))
		}
	})
}

// TestNumbersCountAsTheyAreWritten compares with rational numbers.
func TestNumbersCountAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := literals().Draw(t, "a"), literals().Draw(t, "b")
		x, y := rat(a), rat(b)
		v, _ := value.ParseNumber(a)
		w, _ := value.ParseNumber(b)
		if got, want := value.Compare(v, w), x.Cmp(y); got != want {
			t.Fatalf("%s and %s compare as %d, want %d", a, b, got, want)
		}
		if equal := string(value.Normal(v)) == string(value.Normal(w)); equal != (x.Cmp(y) == 0) || value.Equal(v, w) != equal {
			t.Fatalf("%s and %s have the normal forms %s and %s", a, b, value.Normal(v), value.Normal(w))
		}
		if i, whole := value.Whole(v); whole != x.IsInt() || whole && i.Cmp(x.Num()) != 0 {
			t.Fatalf("%s is the integer %v, %t", a, i, whole)
		}
		if got, want := value.Truncate(v), new(big.Int).Quo(x.Num(), x.Denom()); got.Cmp(want) != 0 {
			t.Fatalf("%s without a fraction is %v, want %v", a, got, want)
		}
		if got := rat(value.Text(value.Negate(v))); got.Cmp(new(big.Rat).Neg(x)) != 0 {
			t.Fatalf("%s negated is %v", a, got)
		}
		if f, exact := value.Float(v); exact && rat(value.Text(f)).Cmp(x) != 0 {
			t.Fatalf("%s is taken for %v", a, f)
		}
	})
}

func rat(text string) *big.Rat {
	r, _ := new(big.Rat).SetString(text)
	return r
}

func TestFloatSaysWhatItCannotHold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"9007199254740992": true, "9007199254740993": false, "9007199254740994": true, "18446744073709551615": false, "3544790567247868102": false,
		"1.0": true, "0.10": true, "0.1": true, "0.1234567890123456789": false, "1e308": true, "1e309": false, "1e-400": false, "-0.0": true, "1e21": true,
	} {
		v, err := value.ParseNumber(text)
		if _, exact := value.Float(v); exact != want || err != nil {
			t.Errorf("%s: exact is %t, %v, want %t", text, exact, err, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "it ends too early", " ": "it ends too early", "{": "it ends too early", `"a`: "it ends too early", "1 2": "something follows the value", "]": "a value is wanted and not ']'",
		"01": "the end of the number after 0 is wanted", "-": "it ends too early", "1.": "it ends too early", "1e": "it ends too early", ".5": "a value is wanted", "+1": "a value is wanted", "NaN": "a value is wanted",
		"[1,]": "a value is wanted", "[1 2]": "a comma or ] is wanted", `{"a" 1}`: "a colon is wanted", `{"a":1,}`: "a key in quotes is wanted", "{a:1}": "a key in quotes is wanted", `{"a":1 "b"}`: "a comma or } is wanted",
		`"\x"`: "an escape of JSON is wanted", `"\u12g4"`: "a hexadecimal digit is wanted", "\"a\nb\"": "in place of a control character",
		"! [\"a\xffb\"]": "[0]: a text has bytes that are not UTF-8", "!\"\\n\xff\"": "a text has bytes that are not UTF-8",
		`! {"a":["x\ud83d"]}`: `a[0]: a text has half of a surrogate pair, \ud83d`, `!"\udc00\ud83d"`: "half of a surrogate pair", `!"\ud83dx"`: "half of a surrogate pair",
		`! {"a":{"b":1,"b":1}}`: `a: the key "b" is there twice`, `!{"a":1,"\u0061":2}`: `the key "a" is there twice`,
		"! [1e1001]": "[0]: the exponent of 1e1001 is too large", "!1e-1001": "too large", "!1e99999999999999999999": "too large",
		"!" + strings.Repeat("9", 1001): "has 1001 digits; a number has at most 1000", "!0." + strings.Repeat("1", 1000): "has 1001 digits",
		"!" + strings.Repeat("[", 501): "the value is nested deeper than 500 levels", "!" + strings.Repeat(`{"a":`, 501): "the value is nested deeper than 500 levels",
	} {
		text, refused := strings.CutPrefix(text, "!")
		_, err := value.Decode([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || value.IsRefused(err) != refused {
			t.Errorf("%.60q: got %v, refused %t, want %q, %t", text, err, value.IsRefused(err), want, refused)
		}
	}
	for _, text := range []string{strings.Repeat("9", 1000), "-" + strings.Repeat("9", 1000) + "e1000", strings.Repeat("[", 500) + strings.Repeat("]", 500), `"\ud83d\ude42\/"`} {
		if _, err := value.Decode([]byte(text)); err != nil {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   any
		want string
	}{
		{1, "1"},
		{uint8(2), "2"},
		{uint64(math.MaxUint64), "18446744073709551615"},
		{float32(0.5), "0.5"},
		{2.0, "2"},
		{math.Copysign(0, -1), "0"},
		{1e300, "1e+300"},
		{1e20, "100000000000000000000"},
		{math.NaN(), "null"},
		{math.Inf(1), "null"},
		{json.Number("1.0"), "1.0"},
		{"a\xffb", `"a` + "\ufffd" + `b"`},
		{map[string]any{"b": []string{"x"}, "a": map[string]string{"z": "1", "y": "2"}}, `{"a":{"y":"2","z":"1"},"b":["x"]}`},
		{value.Pairs("b", 1, "a", []any{true, 2}), `{"b":1,"a":[true,2]}`},
	} {
		got, err := value.Of(test.in)
		text, wrong := value.Encode(got)
		again, _ := value.Decode(text)
		if err != nil || wrong != nil || string(text) != test.want || !value.Equal(again, got) {
			t.Errorf("%v (%T): got %s, %v, %v, want %s", test.in, test.in, text, err, wrong, test.want)
		}
	}
	deep := any("x")
	for range 600 {
		deep = []any{deep}
	}
	for _, bad := range []any{struct{}{}, []any{func() {}}, json.Number("1e9999"), json.Number("x"), deep, value.Pairs("a", make(chan int))} {
		var e *value.Error
		if _, err := value.Of(bad); !errors.As(err, &e) {
			t.Errorf("%T: got %v, want an error", bad, err)
		}
		if _, err := value.Encode(bad); !errors.As(err, &e) {
			t.Errorf("%T was written", bad)
		}
	}
	if _, err := value.Of(value.Pairs("a", []any{1, make(chan int)})); err == nil || err.Error() != "a[1]: chan int is no JSON value" {
		t.Errorf("got %v, want the path a[1]", err)
	}
}

// TestObject does the same to an object and to a list of pairs.
func TestObject(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o, keys, values := value.NewObject(0), []string{}, map[string]int64{}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			key := string(rapid.RuneFrom([]rune("abcdefghijklmnop")).Draw(t, "key"))
			_, there := values[key]
			if rapid.Float64Range(0, 1).Draw(t, "which") < 0.3 {
				o.Delete(key)
				delete(values, key)
				keys = slices.DeleteFunc(keys, func(k string) bool { return k == key })
				continue
			}
			n := rapid.Int64().Draw(t, "n")
			if o.Set(key, n); !there {
				keys = append(keys, key)
			}
			values[key] = n
		}
		if !slices.Equal(o.Keys(), keys) || o.Len() != len(keys) {
			t.Fatalf("the keys are %v, want %v", o.Keys(), keys)
		}
		for _, key := range strings.Split("abcdefghijklmnopq", "") {
			n, there := values[key]
			if v, found := o.Find(key); found != there || there && v != n || o.Has(key) != there {
				t.Fatalf("%s is %v, %t, want %d, %t", key, v, found, n, there)
			}
		}
		if c := o.Clone(); !value.Equal(c, o) || !slices.Equal(c.Keys(), keys) {
			t.Fatalf("the copy is %v of %v", c, o)
		}
	})
	var none *value.Object
	if none.Len() != 0 || none.Get("a") != nil || none.Has("a") || none.Clone().Len() != 0 || none.Keys() != nil || none.String() != "null" {
		t.Error("no object is not empty")
	}
	if value.Equal(value.Pairs("a", int64(1), "b", 1.5), value.Pairs("b", value.Number("1.50"), "a", value.Number("1.0"))) != true {
		t.Error("the order of keys and the digits of numbers count")
	}
}

// FuzzDecode agrees with the standard library on what JSON is.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.50,"\u00e9\ud83d\ude42",null,true],"b":{}}`, "-0.0e-1", `"\ud800"`, "[1,]", `{"a":1,"a":2}`, "\"\x7f\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := value.Decode(data)
		// What is refused may have a fault further on.
		if valid := json.Valid(data); err == nil && !valid || err != nil && valid && !value.IsRefused(err) {
			t.Fatalf("%q: valid is %t, and reading it gave %v", data, valid, err)
		}
		if err != nil {
			return
		}
		written, err := value.Encode(v)
		again, wrong := value.Decode(written)
		if err != nil || wrong != nil || !value.Equal(v, again) || !json.Valid(written) {
			t.Fatalf("%q became %s, %v, %v", data, written, err, wrong)
		}
	})
}

// TestWhatIsRefusedHasItsOwnFix: each cause names what to do about it alone.
func TestWhatIsRefusedHasItsOwnFix(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a": 1, "a": 2}`:                     "write each key once",
		`{"a": 1e1001}`:                        "write the number as text, in quotes",
		`[1` + strings.Repeat("0", 1000) + `]`: "write the number as text, in quotes",
		"[\"\xff\"]":                           "write it in UTF-8; encode binary values, for example in base64",
		`"\ud800"`:                             "write both halves, or the character itself",
		strings.Repeat("[", 5000):              "nest it less deeply",
	} {
		if _, err := value.Decode([]byte(text)); value.FixOf(err) != want {
			t.Errorf("%.20s: %v: %q, want %q", text, err, value.FixOf(err), want)
		}
	}
}
