package value

import (
	"iter"
	"slices"
)

// Object is a JSON object: values by their keys, in the order in which the keys
// were first set. A nil Object is empty and must not be changed. It may be read by
// several goroutines at once, as long as none changes it.
type Object struct {
	keys   []string
	values []any
	places map[string]int // of the keys; nil while there are few
}

// few is how many keys are looked through without an index.
const few = 8

// NewObject returns an empty object with room for n keys.
func NewObject(n int) *Object {
	return &Object{keys: make([]string, 0, n), values: make([]any, 0, n)}
}

// Pairs makes an object of keys, which are texts, each followed by its value.
func Pairs(pairs ...any) *Object {
	o := NewObject(len(pairs) / 2)
	for i := 0; i+1 < len(pairs); i += 2 {
		key, _ := pairs[i].(string)
		o.Set(key, pairs[i+1])
	}
	return o
}

// Len is how many keys there are.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.keys)
}

func (o *Object) find(key string) int {
	if o == nil {
		return -1
	}
	if o.places != nil {
		if i, ok := o.places[key]; ok {
			return i
		}
		return -1
	}
	return slices.Index(o.keys, key)
}

// Get returns the value of a key, nil when it has none.
func (o *Object) Get(key string) any {
	v, _ := o.Find(key)
	return v
}

// Find returns the value of a key, and whether there is one.
func (o *Object) Find(key string) (any, bool) {
	if i := o.find(key); i >= 0 {
		return o.values[i], true
	}
	return nil, false
}

// Has reports whether a key is there.
func (o *Object) Has(key string) bool { return o.find(key) >= 0 }

// Set gives a key its value. A new key comes last; one that is there keeps its
// place.
func (o *Object) Set(key string, v any) {
	if i := o.find(key); i >= 0 {
		o.values[i] = v
		return
	}
	o.keys, o.values = append(o.keys, key), append(o.values, v)
	switch {
	case o.places != nil:
		o.places[key] = len(o.keys) - 1
	case len(o.keys) > few:
		o.index()
	}
}

// index is made when a key is set and not when one is read, which several may do
// at once.
func (o *Object) index() {
	o.places = make(map[string]int, max(2*len(o.keys), cap(o.keys)))
	for i, key := range o.keys {
		o.places[key] = i
	}
}

// Delete takes a key away, if it is there.
func (o *Object) Delete(key string) {
	i := o.find(key)
	if i < 0 {
		return
	}
	o.keys, o.values = slices.Delete(o.keys, i, i+1), slices.Delete(o.values, i, i+1)
	if o.places != nil {
		o.index()
	}
}

// All goes through keys and values in their order.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if o == nil {
			return
		}
		for i, key := range o.keys {
			if !yield(key, o.values[i]) {
				return
			}
		}
	}
}

// Keys returns the keys in their order, as a list of the caller's own.
func (o *Object) Keys() []string {
	if o == nil {
		return nil
	}
	return slices.Clone(o.keys)
}

// Values returns the values in the order of their keys, as a list of the caller's
// own.
func (o *Object) Values() []any {
	if o == nil {
		return nil
	}
	return slices.Clone(o.values)
}

// Clone returns an object of its own with the same keys and values. Values are
// shared. Of nil it is an empty one.
func (o *Object) Clone() *Object {
	out := NewObject(o.Len())
	out.Merge(o)
	return out
}

// Merge sets every key of another object to its value there.
func (o *Object) Merge(other *Object) {
	for key, v := range other.All() {
		o.Set(key, v)
	}
}

// String is the JSON of the object, for people.
func (o *Object) String() string {
	data, err := Encode(o)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// MarshalJSON writes the object in its order.
func (o *Object) MarshalJSON() ([]byte, error) { return Encode(o) }

// UnmarshalJSON reads an object, as [Decode] does.
func (o *Object) UnmarshalJSON(data []byte) error {
	v, err := Decode(data)
	if err != nil {
		return err
	}
	read, ok := v.(*Object)
	if !ok {
		return &Error{Message: "it is not an object"}
	}
	*o = *read
	return nil
}
