package openai_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// requestSchema is the documented body of a question, with no field beside those
// that are documented, written down from the reference of the protocol.
//
//go:embed testdata/request.schema.json
var requestSchema []byte

// reasoners are the models to which the reference denies max_tokens, and those of
// them that take no stop either.
var (
	reasoners  = regexp.MustCompile(`^(?:ft:)?(?:o\d|gpt-[5-9])`)
	stopTakers = regexp.MustCompile(`^(?:ft:)?(?:o3|o4-mini)`)
)

// protocol judges the bodies of questions as the documentation does.
type protocol struct{ schema *jsonschema.Schema }

func newProtocol() (*protocol, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(requestSchema))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("request.json", document); err != nil {
		return nil, err
	}
	schema, err := compiler.Compile("request.json")
	return &protocol{schema}, err
}

// leaves are the faults that have no other behind them, each with its place.
func leaves(e *jsonschema.ValidationError) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, cause := range e.Causes {
			for leaf := range leaves(cause) {
				if !yield(leaf) {
					return
				}
			}
		}
		if len(e.Causes) == 0 {
			yield(fmt.Sprintf("at /%s: %s", strings.Join(e.InstanceLocation, "/"), strings.Join(e.ErrorKind.KeywordPath(), "/")))
		}
	}
}

// body is what the rules beside the schema look at.
type body struct {
	Model               string          `json:"model"`
	Messages            json.RawMessage `json:"messages"`
	Stream              bool            `json:"stream"`
	StreamOptions       *struct{}       `json:"stream_options"`
	MaxTokens           *int64          `json:"max_tokens"`
	MaxCompletionTokens *int64          `json:"max_completion_tokens"`
	Stop                any             `json:"stop"`
	Logprobs            bool            `json:"logprobs"`
	TopLogprobs         *int64          `json:"top_logprobs"`
	ResponseFormat      *struct {
		Type       string `json:"type"`
		JSONSchema *struct {
			Strict bool           `json:"strict"`
			Schema map[string]any `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
}

// fault is what is wrong with a question, "" when nothing is.
func (p *protocol) fault(text []byte) string {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return "the body is no JSON: " + err.Error()
	}
	var invalid *jsonschema.ValidationError
	if err := p.schema.Validate(document); errors.As(err, &invalid) {
		return strings.Join(slices.Sorted(leaves(invalid)), "; ")
	}
	var b body
	if err := json.Unmarshal(text, &b); err != nil {
		return err.Error()
	}
	return b.fault()
}

// fault is what is wrong with fields that are right by themselves.
func (b body) fault() string {
	reasons := reasoners.MatchString(b.Model)
	switch {
	case b.StreamOptions != nil && !b.Stream:
		return "stream_options is only for stream: true"
	case b.MaxTokens != nil && b.MaxCompletionTokens != nil:
		return "max_tokens and max_completion_tokens are both set"
	case b.MaxTokens != nil && reasons:
		return "max_tokens is not for this model: use max_completion_tokens"
	case b.Stop != nil && stopTakers.MatchString(b.Model):
		return "stop is not for this model"
	case b.TopLogprobs != nil && !b.Logprobs:
		return "top_logprobs is only for logprobs: true"
	case b.ResponseFormat == nil:
		return ""
	case b.ResponseFormat.Type == "json_object" && !strings.Contains(strings.ToLower(string(b.Messages)), "json"):
		return "messages must say JSON somewhere for json_object"
	case b.ResponseFormat.JSONSchema != nil && b.ResponseFormat.JSONSchema.Strict:
		schema := b.ResponseFormat.JSONSchema.Schema
		if schema["type"] != "object" || schema["anyOf"] != nil {
			return "a strict schema is an object, and no anyOf"
		}
		return strictFault(schema, "")
	}
	return ""
}

// notInStrict are the words of JSON Schema that a strict schema may not have.
var notInStrict = []string{"allOf", "not", "oneOf", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties", "default"}

// strictFault is what keeps a schema from being followed strictly, at a path.
func strictFault(schema map[string]any, path string) string {
	for _, word := range notInStrict {
		if _, has := schema[word]; has {
			return fmt.Sprintf("strict schema: at (%s), %s is not permitted", path, word)
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	types, several := schema["type"].([]any)
	if schema["type"] == "object" || several && slices.Contains(types, any("object")) {
		if schema["additionalProperties"] != false {
			return fmt.Sprintf("strict schema: at (%s), additionalProperties must be there, and false", path)
		}
		required, _ := schema["required"].([]any)
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			if !slices.Contains(required, any(name)) {
				return fmt.Sprintf("strict schema: at (%s), required must hold %s", path, name)
			}
		}
	}
	below := map[string]any{"items": schema["items"]}
	for _, word := range []string{"properties", "$defs", "definitions"} {
		inner, _ := schema[word].(map[string]any)
		for name, one := range inner {
			below[word+" "+name] = one
		}
	}
	choices, _ := schema["anyOf"].([]any)
	for i, one := range choices {
		below[fmt.Sprintf("anyOf %d", i)] = one
	}
	for _, name := range slices.Sorted(maps.Keys(below)) {
		if inner, is := below[name].(map[string]any); is {
			if fault := strictFault(inner, path+"/"+name); fault != "" {
				return fault
			}
		}
	}
	return ""
}
