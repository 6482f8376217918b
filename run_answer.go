package sluice

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// CheckAnswer reads the answer to an ask block, which is the value itself or an
// object with it as value. It returns the JSON of the value, as it was written.
// Invalid when it is not what was asked for.
func CheckAnswer(w Waiting, raw []byte) (json.RawMessage, error) {
	if !json.Valid(raw) {
		return nil, Errorf(Invalid, "the answer is not JSON").Fix(`write texts in quotes: "approve"`)
	}
	raw = bytes.TrimSpace(raw)
	if w.Type == "json" {
		return raw, nil
	}
	name, only := onlyField(raw)
	if name == "value" || only != nil && w.Type == "boolean" { // as in {"approved": true}
		raw = only
	}
	switch w.Type {
	case "number":
		if c := raw[0]; c == '-' || '0' <= c && c <= '9' {
			return raw, nil
		}
		return nil, Errorf(Invalid, "the answer is not a number").Fix("answer with a number, such as 3")
	case "boolean":
		if text := string(raw); text == "true" || text == "false" {
			return raw, nil
		}
		return nil, Errorf(Invalid, "the answer is neither true nor false").Fix("answer with true or false")
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return nil, Errorf(Invalid, "the answer is not a text").Fix(`answer with a text in quotes, such as "approve"`)
	}
	if len(w.Options) > 0 && !slices.Contains(w.Options, s) {
		return nil, Errorf(Invalid, "%q is not one of the options", cutText(s, 40)).Fix("choose one of %s", strings.Join(w.Options, ", "))
	}
	return raw, nil
}

// onlyField is the field of an object that has no other, and nil of all else.
func onlyField(raw []byte) (name string, field json.RawMessage) {
	var fields map[string]json.RawMessage
	if raw[0] != '{' || json.Unmarshal(raw, &fields) != nil || len(fields) != 1 {
		return "", nil
	}
	for name, field = range fields {
	}
	return name, field
}

func cutText(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
