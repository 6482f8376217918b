package workflow

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sluice-dev/sluice/internal/value"
)

// Bounds on schemas and on what is checked with them. A schema may refer to
// itself, and what it costs to check a value grows with both.
const (
	maxSchemaValues = 10_000  // of a schema
	maxValues       = 200_000 // of a value, each list and map counted too
	maxVisits       = 500_000 // of a part of the value by a part of the schema
)

// ValueSchema is a JSON Schema: of an input, or of a model's answer. It never
// loads another from elsewhere. It is safe for use by several goroutines.
type ValueSchema struct {
	schema *jsonschema.Schema
	values int

	mu     sync.Mutex // held while a value is checked
	visits int        // of the value that is checked
}

// CompileSchema reads a JSON Schema, which is a tree of JSON values. The error is
// a clause for a sentence that names the place.
func CompileSchema(tree any) (*ValueSchema, error) { return compile(tree) }

// Mismatch is one place where a value is not what its schema asks for.
type Mismatch struct {
	// Path is such as $.items[2].url; $ is the whole.
	Path string
	// Problem is a clause: it is text; a number is wanted.
	Problem string
}

// Check compares a value with the schema. At most ten
// mismatches are told, in the order of their paths; none means that it fits.
func (s *ValueSchema) Check(v any) []Mismatch {
	n := value.Count(v, maxValues)
	if n >= maxValues || n*s.values > 100*maxVisits {
		return []Mismatch{{Path: "$", Problem: "it has too many values for its schema"}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits = 0
	plain := value.Plain(v)
	err := s.schema.Validate(plain)
	if s.visits > maxVisits {
		return []Mismatch{{Path: "$", Problem: "checking it takes too long: its schema refers to itself in too many ways"}}
	}
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &invalid):
		return []Mismatch{{Path: "$", Problem: "it cannot be checked"}}
	}
	var found []Mismatch
	mismatches(invalid, plain, &found)
	slices.SortFunc(found, func(a, b Mismatch) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Problem, b.Problem))
	})
	found = slices.Compact(found)
	return found[:min(len(found), 10)]
}

// visitFormat is the name of a format that each part of a schema gets. It matches
// everything and counts, so that checking can be ended: after too many visits
// it matches nothing, and the checker goes no deeper.
const visitFormat = "sluice-visit"

// errRemote is what a reference to another document gives.
var errRemote = errors.New("it refers to a schema elsewhere; write it under $defs instead")

type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errRemote }

func compile(tree any) (*ValueSchema, error) {
	values := value.Count(tree, maxSchemaValues)
	if values >= maxSchemaValues {
		return nil, fmt.Errorf("it has more than %d values", maxSchemaValues)
	}
	p := preparer{places: map[string]bool{}}
	prepared := p.schema(value.Plain(tree), "#")
	if err := p.check(); err != nil {
		return nil, err
	}
	out := &ValueSchema{values: values}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: visitFormat, Validate: func(any) error {
		if out.visits++; out.visits > maxVisits {
			return errors.New("too many visits")
		}
		return nil
	}})
	const url = "schema:input"
	if err := c.AddResource(url, prepared); err != nil {
		return nil, errors.New("it cannot be read")
	}
	schema, err := c.Compile(url)
	if err != nil {
		return nil, schemaFault(err)
	}
	out.schema = schema
	return out, nil
}

// schemaFault says in one line what is wrong with a schema.
func schemaFault(err error) error {
	var invalid *jsonschema.SchemaValidationError
	var bad *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &bad) {
		var found []Mismatch
		mismatches(bad, nil, &found)
		if len(found) > 0 {
			return fmt.Errorf("at %s, %s", found[0].Path, found[0].Problem)
		}
	}
	if errors.Is(err, errRemote) || strings.Contains(err.Error(), errRemote.Error()) {
		return errRemote
	}
	message, _, _ := strings.Cut(strings.ReplaceAll(err.Error(), "schema:input", ""), "\n")
	if len(message) > 200 {
		message = strings.ToValidUTF8(message[:200], "") + "…"
	}
	return errors.New(message)
}
