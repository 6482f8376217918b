package block

import (
	"context"

	"github.com/sluice-dev/sluice/internal/value"
)

// runPrompt renders its messages and, where the block or the prompt names a
// model, has it answer as llm does. Without one the output is the text, or the
// list of messages where there are several.
func runPrompt(ctx context.Context, call Call) (Result, error) {
	if call.model() != "" {
		return runLLM(ctx, call)
	}
	messages, err := call.conversation(ctx)
	if err != nil {
		return Result{}, err
	}
	if len(messages) == 1 {
		if text, is := messages[0].content.(string); is {
			return Result{Output: text}, nil
		}
	}
	list := make([]any, len(messages))
	for i, m := range messages {
		list[i] = m.asValue()
	}
	return Result{Output: list}, nil
}

// promptEffects is None where nothing is asked. The front matter of a prompt,
// which is not among the settings, may name a model, so a component counts as
// asking one.
func promptEffects(settings *value.Object) Effects {
	if settings.Get("model") == nil && settings.Get("component") == nil && (settings.Get("prompt") != nil || settings.Get("messages") != nil) {
		return None
	}
	return Repeatable
}
