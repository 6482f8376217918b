package sluice

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// EncodeJSON is [json.Marshal] that refuses what it would alter: a string that is
// not UTF-8, whose bytes it replaces, and JSON within that is none. Invalid names
// the field.
func EncodeJSON(v any) ([]byte, error) {
	out, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	// A replaced byte is written as this escape, which nothing else is but JSON that
	// was held as such: a U+FFFD of a string is written as itself.
	if utf8.Valid(out) && !bytes.Contains(out, []byte(`\ufffd`)) {
		return out, nil
	}
	if err := findAltered(reflect.ValueOf(v), ""); err != nil {
		return nil, err
	}
	return out, CheckJSONText("the JSON", out)
}

// findAltered finds the first string below a value that is not UTF-8. Where is the
// path to the value, as JSON names it.
func findAltered(v reflect.Value, where string) error {
	switch v.Kind() {
	case reflect.String:
		return CheckUTF8(named(where), v.String())
	case reflect.Pointer, reflect.Interface:
		return findAltered(v.Elem(), where)
	case reflect.Slice, reflect.Array:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			return CheckJSONText(named(where), v.Bytes())
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nil // base64
		}
		for i := range v.Len() {
			if err := findAltered(v.Index(i), fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if err := findAltered(key, where+" (a key)"); err != nil {
				return err
			}
			if err := findAltered(v.MapIndex(key), fmt.Sprintf("%s.%v", where, key)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		return findAlteredField(v, where)
	}
	return nil
}

func findAlteredField(v reflect.Value, where string) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		inner := where
		if !field.Anonymous || name != "" {
			if name == "" {
				name = field.Name
			}
			inner = where + "." + name
		}
		if err := findAltered(v.Field(i), inner); err != nil {
			return err
		}
	}
	return nil
}

// named is a path as a message has it.
func named(where string) string { return cmp.Or(strings.TrimPrefix(where, "."), "the value") }
