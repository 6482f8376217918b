package block

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/value"
)

// TestStrict names a schema by its JSON and says whether a server would take it as
// one to follow strictly.
func TestStrict(t *testing.T) {
	t.Parallel()
	object := func(property string) string {
		return fmt.Sprintf(`{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":%s}}`, property)
	}
	deep := func(levels int) string {
		return strings.Repeat(`{"type":"array","items":`, levels) + `{"type":"string"}` + strings.Repeat("}", levels)
	}
	for _, tt := range []struct {
		name, schema string
		want         bool
	}{
		{"a closed object", object(`{"type":"string"}`), true},
		{"an object without properties", `{"type":"object","additionalProperties":false}`, true},
		{"an object that may have more", `{"type":"object"}`, false},
		{"an object that says it may have more", `{"type":"object","additionalProperties":true}`, false},
		{"a property that may be missing", `{"type":"object","additionalProperties":false,"properties":{"a":{"type":"string"}}}`, false},
		{"no object", `{"type":"array","items":{"type":"string"}}`, false},
		{"a choice at the top", `{"type":"object","additionalProperties":false,"anyOf":[{"type":"object","additionalProperties":false}]}`, false},
		{"an open object within", object(`{"type":"object"}`), false},
		{"an open object or nothing within", object(`{"type":["object","null"]}`), false},
		{"an open object in a list", object(`{"type":"array","items":{"type":"object"}}`), false},
		{"an open object in a choice", object(`{"anyOf":[{"type":"null"},{"type":"object"}]}`), false},
		{"a choice of closed ones", object(`{"anyOf":[{"type":"null"},` + object(`{"const":1}`) + `]}`), true},
		{"a list of anything", object(`{"type":"array"}`), false},
		{"anything", object(`{}`), false},
		{"anything, briefly", object(`true`), false},
		{"an open definition", `{"type":"object","additionalProperties":false,"$defs":{"a":{"type":"object"}}}`, false},
		{"one that refers to itself", object(`{"$ref":"#"}`), true},
		{"a keyword that is not for this", object(`{"type":"string","default":"x"}`), false},
		{"a bound", object(`{"type":"number","minimum":0}`), true},
		{"types that are none", object(`{"type":[{"a":1},"null"]}`), true},
		{"names that are none", `{"type":"object","additionalProperties":false,"required":[{}],"properties":{"a":{"type":"null"}}}`, false},
		{"as deep as may be", object(deep(8)), true},
		{"too deep", object(deep(9)), false},
	} {
		schema, err := treeOf([]byte(tt.schema))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := strict(schema.(*value.Object)); got != tt.want {
			t.Errorf("%s: strict is %v, want %v for %s", tt.name, got, tt.want, tt.schema)
		}
	}
}
