package sluice

import (
	"reflect"
	"sync"
)

// ReplaceAdvice passes all advice in what to points at through f, so that a
// surface can say all of it in its own words. What is shared with others, behind
// pointers, slices and maps, is copied and not changed.
func ReplaceAdvice(to any, f func(Advice) Advice) {
	replaceAdvice(reflect.ValueOf(to).Elem(), f)
}

var adviceType = reflect.TypeFor[Advice]()

func replaceAdvice(v reflect.Value, f func(Advice) Advice) {
	if v.Type() == adviceType {
		v.Set(reflect.ValueOf(f(v.Interface().(Advice))))
		return
	}
	if !mayAdvise(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() || field.Anonymous && field.Type.Kind() == reflect.Struct {
				replaceAdvice(v.Field(i), f)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			replaceAdvice(v.Index(i), f)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			inner := reflect.New(v.Elem().Type())
			inner.Elem().Set(v.Elem())
			replaceAdvice(inner.Elem(), f)
			if v.Kind() == reflect.Interface {
				inner = inner.Elem()
			}
			v.Set(inner)
		}
	case reflect.Slice:
		if !v.IsNil() {
			items := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(items, v)
			for i := range items.Len() {
				replaceAdvice(items.Index(i), f)
			}
			v.Set(items)
		}
	case reflect.Map:
		if !v.IsNil() {
			items := reflect.MakeMapWithSize(v.Type(), v.Len())
			for entries := v.MapRange(); entries.Next(); {
				item := reflect.New(v.Type().Elem()).Elem()
				item.Set(entries.Value())
				replaceAdvice(item, f)
				items.SetMapIndex(entries.Key(), item)
			}
			v.Set(items)
		}
	}
}

// advising remembers which types may hold advice: most do not, and are left as
// they are without a look inside.
var advising sync.Map // of reflect.Type to bool

func mayAdvise(t reflect.Type) bool {
	if known, ok := advising.Load(t); ok {
		return known.(bool)
	}
	may := holdsAdvice(t, map[reflect.Type]bool{})
	advising.Store(t, may)
	return may
}

func holdsAdvice(t reflect.Type, seen map[reflect.Type]bool) bool {
	switch {
	case t == adviceType || t.Kind() == reflect.Interface:
		return true
	case seen[t]:
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if field := t.Field(i); (field.IsExported() || field.Anonymous) && holdsAdvice(field.Type, seen) {
				return true
			}
		}
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return holdsAdvice(t.Elem(), seen)
	}
	return false
}
