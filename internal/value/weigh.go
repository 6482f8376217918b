package value

// What values take in memory besides the bytes of their texts, in bytes.
const (
	weightOfValue  = 32 // any value, where it stands
	weightOfList   = 24
	weightOfObject = 80
	weightOfKey    = 64 // with its place in the index
)

// Weigh is about how many bytes a value takes in memory.
func Weigh(v any) int64 {
	switch v := v.(type) {
	case string:
		return weightOfValue + int64(len(v))
	case Number:
		return weightOfValue + int64(len(v))
	case []any:
		n := int64(weightOfValue + weightOfList)
		for _, item := range v {
			n += Weigh(item)
		}
		return n
	case *Object:
		n := int64(weightOfValue + weightOfObject)
		for key, item := range v.All() {
			n += weightOfKey + int64(len(key)) + Weigh(item)
		}
		return n
	}
	return weightOfValue
}

// WeighJSON is at most what [Weigh] gives for the value of a JSON text, by the text
// alone: it is known before any memory is taken.
func WeighJSON(text []byte) int64 {
	n := int64(len(text)) + weightOfValue
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ',':
			n += weightOfValue
		case c == ':':
			n += weightOfKey
		case c == '[':
			n += weightOfValue + weightOfList
		case c == '{':
			n += weightOfValue + weightOfObject
		}
	}
	return n
}
