package block

import "context"

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
		if text, is := messages[0].Content.(string); is {
			return Result{Output: text}, nil
		}
	}
	list := make([]any, len(messages))
	for i, m := range messages {
		list[i] = map[string]any{"role": m.Role, "content": m.Content}
	}
	return Result{Output: list}, nil
}

// promptEffects is None where nothing is asked. The front matter of a prompt,
// which is not among the settings, may name a model, so a component counts as
// asking one.
func promptEffects(settings map[string]any) Effects {
	if settings["model"] == nil && settings["component"] == nil && (settings["prompt"] != nil || settings["messages"] != nil) {
		return None
	}
	return Repeatable
}
