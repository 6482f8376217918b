package block

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sashabaranov/go-openai"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// schema is the JSON Schema of the answer, nil without one.
func (c Call) schema() *value.Object {
	if schema, is := c.setting("schema").(*value.Object); is && schema.Len() > 0 {
		return schema
	}
	if c.Prompt != nil && c.Prompt.Schema.Len() > 0 {
		return c.Prompt.Schema
	}
	return nil
}

// responseFormat asks the server for JSON where the block does.
func (c Call) responseFormat() (*openai.ChatCompletionResponseFormat, error) {
	if schema := c.schema(); schema != nil {
		if _, err := workflow.CompileSchema(schema); err != nil {
			return nil, Failf(sluice.Invalid, "schema is no JSON Schema: %v", err).Fix("correct the schema")
		}
		return &openai.ChatCompletionResponseFormat{
			Type: openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{
				Name: schemaName(schema), Schema: json.RawMessage(jsonOf(schema)), Strict: strict(schema),
			},
		}, nil
	}
	switch format := strings.TrimSpace(c.text("response_format")); format {
	case "":
		return nil, nil
	case "text", "json_object":
		return &openai.ChatCompletionResponseFormat{Type: openai.ChatCompletionResponseFormatType(format)}, nil
	default:
		return nil, Failf(sluice.Invalid, "response_format is %s", brief(c.setting("response_format"))).
			Fix("use text or json_object, or give the block a schema")
	}
}

// value is the answer as the JSON that was asked for.
func (s *spoken) value(call Call) (any, error) {
	schema, text := call.schema(), s.text.String()
	if err := call.takeTree([]byte(text)); err != nil {
		return nil, err
	}
	answer, err := treeOf([]byte(text))
	if err != nil {
		failed := sentFailure(fmt.Sprintf("the answer is not JSON (%v): %s", err, excerpt(text, 300)))
		return nil, failed.Fix("ask for JSON in the prompt too, or use a model that keeps to a format")
	}
	if schema == nil {
		return answer, nil
	}
	compiled, err := workflow.CompileSchema(schema)
	if err != nil {
		return nil, sentFailure(fmt.Sprintf("schema is no JSON Schema: %v", err))
	}
	if wrong := compiled.Check(answer); len(wrong) > 0 {
		failed := sentFailure("the answer does not match the schema: at " + wrong[0].Path + ", " + wrong[0].Problem)
		return nil, failed.Fix("let the block retry, or use a model that keeps to a schema")
	}
	return answer, nil
}

// schemaName is the title of a schema as far as the protocol takes it for a name.
func schemaName(schema *value.Object) string {
	title, _ := schema.Get("title").(string)
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, title), "_")
	if name == "" {
		return "answer"
	}
	return name[:min(len(name), 64)]
}
