package value_test

import (
	"testing"

	"github.com/sluice-dev/sluice/internal/value"
)

func TestWeightIsKnownBeforeAValueIsRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`null`, `1.50`, `"a \" , [ b"`, `[]`, `{}`, `[[],[],[]]`, `[0,0,0,0]`, `[{},{},{"a":{"b":[1]}}]`, `{"a": "x\\", "b": [null, true, {"c": 1}]}`,
		`[18446744073709551616,[[[[["[,{"]]]]]]`, `{"a":1,"b":2,"c":{"d":{"e":"\u0041"}}}`,
	} {
		v, err := value.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if real, most := value.Weigh(v), value.WeighJSON([]byte(text)); real > most || most > 3*real {
			t.Errorf("%s: it weighs %d, and its text says %d; want no less, and no more than three times as much", text, real, most)
		}
	}
}
