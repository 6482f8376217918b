package workflow

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// mismatches collects the innermost reasons. Of alternatives, the whole is one
// reason: which of them was meant is not known.
func mismatches(e *jsonschema.ValidationError, value any, found *[]Mismatch) {
	if len(*found) > 100 {
		return
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not, *kind.Contains:
	case *kind.Required:
		for _, name := range k.Missing {
			*found = append(*found, Mismatch{pathOf(append(slices.Clone(e.InstanceLocation), name)), "it is missing"})
		}
		return
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			*found = append(*found, Mismatch{pathOf(append(slices.Clone(e.InstanceLocation), name)), "nothing of this name is wanted"})
		}
		return
	default:
		if len(e.Causes) > 0 {
			for _, cause := range e.Causes {
				mismatches(cause, value, found)
			}
			return
		}
	}
	*found = append(*found, Mismatch{pathOf(e.InstanceLocation), reason(e.ErrorKind)})
}

// reason is what was found and what is wanted.
func reason(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return fmt.Sprintf("it is %s; %s is wanted", typeWord(k.Got), either(typeWords(k.Want)))
	case *kind.Enum:
		return fmt.Sprintf("it is %s; one of %s is wanted", show(k.Got), either(shown(k.Want)))
	case *kind.Const:
		return fmt.Sprintf("it is %s; %s is wanted", show(k.Got), show(k.Want))
	case *kind.Pattern:
		return fmt.Sprintf("%s does not match %s", quote(k.Got), quote(k.Want))
	case *kind.Minimum:
		return fmt.Sprintf("it is %s; at least %s is wanted", rat(k.Got), rat(k.Want))
	case *kind.Maximum:
		return fmt.Sprintf("it is %s; at most %s is wanted", rat(k.Got), rat(k.Want))
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("it is %s; more than %s is wanted", rat(k.Got), rat(k.Want))
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("it is %s; less than %s is wanted", rat(k.Got), rat(k.Want))
	case *kind.MinLength:
		return fmt.Sprintf("it is %d characters long; at least %d are wanted", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("it is %d characters long; at most %d are wanted", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("it has %d items; at least %d are wanted", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("it has %d items; at most %d are wanted", k.Got, k.Want)
	case *kind.AnyOf:
		return "it fits none of the forms that are wanted"
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			return "it fits more than one of the forms, and exactly one is wanted"
		}
		return "it fits none of the forms that are wanted"
	case *kind.Format:
		if k.Want == "regex" {
			return fmt.Sprintf("%s is no regular expression as Go reads them, without looking ahead or back", show(k.Got))
		}
		return fmt.Sprintf("%s is no %s", show(k.Got), k.Want)
	case *kind.FalseSchema:
		return "nothing is wanted there"
	}
	return "it does not fit the schema's " + quote(strings.Join(k.KeywordPath(), "."))
}

// pathOf writes a place in a value: $.items[2].url.
func pathOf(location []string) string {
	var b strings.Builder
	b.WriteByte('$')
	for _, part := range location {
		if _, err := strconv.Atoi(part); err == nil {
			b.WriteString("[" + part + "]")
			continue
		}
		if len(part) > 60 {
			part = strings.ToValidUTF8(part[:60], "") + "…"
		}
		b.WriteString("." + part)
	}
	return b.String()
}

func typeWord(t string) string {
	switch t {
	case "string":
		return "text"
	case "boolean":
		return "true or false"
	case "null":
		return "null"
	case "integer":
		return "a whole number"
	case "array":
		return "a list"
	case "object":
		return "an object"
	default:
		return "a " + t
	}
}

func typeWords(types []string) []string {
	out := make([]string, len(types))
	for i, t := range types {
		out[i] = typeWord(t)
	}
	return out
}

func shown(values []any) []string {
	out := make([]string, 0, min(len(values), 10))
	for _, v := range values[:min(len(values), 10)] {
		out = append(out, show(v))
	}
	return out
}

func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

func rat(r *big.Rat) string {
	if r == nil {
		return "no number"
	}
	if r.IsInt() && r.Num().BitLen() < 200 {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}
