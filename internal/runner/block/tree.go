package block

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// treeOf reads one JSON value, and nothing after it. Whole numbers stay whole, as
// far as 64 bits hold them.
func treeOf(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("it ends too early")
		}
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return numbers(value)
}

// numbers replaces JSON numbers, in place, by int64 or float64.
func numbers(value any) (any, error) {
	var err error
	switch value := value.(type) {
	case json.Number:
		if whole, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return whole, nil
		}
		number, err := value.Float64()
		if err != nil {
			return nil, errors.New("the number " + excerpt(value.String(), 40) + " is too large")
		}
		return number, nil
	case []any:
		for i := range value {
			if value[i], err = numbers(value[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range value {
			if value[key], err = numbers(value[key]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// jsonOf writes a value as JSON with <, > and & as they are. What JSON does not
// have, which no tree holds, is null.
func jsonOf(value any) json.RawMessage {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
