package block

import (
	"bytes"
	"encoding/json"

	"github.com/sluice-dev/sluice/internal/value"
)

// takeTree takes memory for the value of a JSON text, as it is while it grows.
func (c Call) takeTree(text []byte) error { return c.take(2 * value.WeighJSON(text)) }

// treeOf reads one JSON value, and nothing after it.
func treeOf(text []byte) (any, error) { return value.Decode(text) }

// jsonOf writes a value, or a record with values in it, as JSON with <, > and & as
// they are. What JSON does not have, which no value holds, is null.
func jsonOf(v any) json.RawMessage {
	if raw, err := value.Encode(v); err == nil {
		return raw
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
