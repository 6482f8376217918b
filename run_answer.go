package sluice

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// CheckAnswer reads the answer to an ask block, which is the value itself or an
// object with it as value. Numbers come as [json.Number]. Invalid when it is not
// what was asked for.
func CheckAnswer(w Waiting, raw []byte) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // so that whole numbers stay what they are
	if !json.Valid(raw) || d.Decode(&v) != nil {
		return nil, Errorf(Invalid, "the answer is not JSON").Fix(`write texts in quotes: "approve"`)
	}
	if m, ok := v.(map[string]any); ok && w.Type != "json" {
		if inner, there := m["value"]; there && len(m) == 1 {
			v = inner
		}
	}
	switch w.Type {
	case "json":
		return v, nil
	case "number":
		if n, ok := v.(json.Number); ok {
			if _, err := n.Float64(); err == nil {
				return n, nil
			}
		}
		return nil, Errorf(Invalid, "the answer is not a number").Fix("answer with a number, such as 3")
	case "boolean":
		if b, ok := v.(bool); ok {
			return b, nil
		}
		if m, ok := v.(map[string]any); ok && len(m) == 1 { // as in {"approved": true}
			for _, inner := range m {
				if b, ok := inner.(bool); ok {
					return b, nil
				}
			}
		}
		return nil, Errorf(Invalid, "the answer is neither true nor false").Fix("answer with true or false")
	}
	s, ok := v.(string)
	if !ok {
		return nil, Errorf(Invalid, "the answer is not a text").Fix(`answer with a text in quotes, such as "approve"`)
	}
	if len(w.Options) > 0 && !slices.Contains(w.Options, s) {
		return nil, Errorf(Invalid, "%q is not one of the options", cutText(s, 40)).Fix("choose one of %s", strings.Join(w.Options, ", "))
	}
	return s, nil
}

func cutText(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
