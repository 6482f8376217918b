package block

import (
	"context"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/value"
)

// roles are those of the protocol.
var roles = []string{"system", "developer", "user", "assistant", "tool"}

// said is one message as it is sent. Content is text, or a list of parts, such as
// images, as the protocol has them.
type said struct {
	role    string
	content any
}

// asValue is a message as it is sent.
func (s said) asValue() any { return value.Pairs("role", s.role, "content", s.content) }

// model is the one that the block names, or its prompt.
func (c Call) model() string {
	if model := strings.TrimSpace(c.text("model")); model != "" || c.Prompt == nil {
		return model
	}
	return strings.TrimSpace(c.Prompt.Model)
}

// conversation puts together all that is said: the system's text, the prompt
// component's messages, the block's own, and its prompt as the user's last word.
func (c Call) conversation(ctx context.Context) ([]said, error) {
	var all []said
	if system := c.text("system"); strings.TrimSpace(system) != "" {
		all = append(all, said{"system", system})
	}
	component, err := c.promptMessages(ctx)
	if err != nil {
		return nil, err
	}
	own, err := c.ownMessages()
	if err != nil {
		return nil, err
	}
	all = append(append(all, component...), own...)
	if prompt := c.Settings.Get("prompt"); prompt != nil {
		all = append(all, said{"user", value.Text(prompt)})
	}
	if len(all) == 0 {
		return nil, Failf(sluice.Invalid, "there is nothing to say").Fix("give the block a prompt, messages or a component")
	}
	return all, nil
}

// ownMessages are those of the block, rendered before.
func (c Call) ownMessages() ([]said, error) {
	list, is := c.Settings.Get("messages").([]any)
	if !is && c.Settings.Get("messages") != nil {
		return nil, Failf(sluice.Invalid, "messages is %s, which is not a list", brief(c.Settings.Get("messages"))).
			Fix("write each message as a role and a content")
	}
	messages := make([]said, 0, len(list))
	for i, item := range list {
		entry, _ := item.(*value.Object)
		role, _ := entry.Get("role").(string)
		if role = strings.TrimSpace(role); !slices.Contains(roles, role) {
			return nil, Failf(sluice.Invalid, "message %d has the role %s", i+1, brief(entry.Get("role"))).
				Fix("use one of %s", strings.Join(roles, ", "))
		}
		content := entry.Get("content")
		if _, parts := content.([]any); !parts {
			content = value.Text(orEmpty(content))
		}
		messages = append(messages, said{role, content})
	}
	return messages, nil
}

// promptMessages renders the component's messages. They see the input by its
// names and as inputs, the environment and the run, and nothing of the workflow
// around them: a prompt means the same wherever it is used.
func (c Call) promptMessages(ctx context.Context) ([]said, error) {
	if c.Prompt == nil {
		return nil, nil
	}
	input, err := c.pairs("input")
	if err != nil {
		return nil, err
	}
	if input == nil {
		input = value.NewObject(0)
	}
	scope := input.Clone()
	for _, name := range []string{"env", "_env", "run", "__exp_global"} {
		if v, set := c.Scope.Find(name); set {
			scope.Set(name, v)
		}
	}
	scope.Set("inputs", input)
	if !scope.Has("input") { // as where the prompt runs by itself
		scope.Set("input", input)
	}
	contents := make([]any, len(c.Prompt.Messages))
	for i, m := range c.Prompt.Messages {
		contents[i] = m.Content
	}
	rendered, err := c.Eval.Render(ctx, expr.Render{
		Tree: value.Pairs("messages", contents), Dialect: expr.Jinja, Scope: scope, Now: int64(c.Now), Seed: c.Seed,
	})
	if err != nil {
		return nil, evaluationError("the prompt "+c.Prompt.Ref, err)
	}
	tree, _ := rendered.Tree.(*value.Object)
	texts, _ := tree.Get("messages").([]any)
	if len(texts) != len(contents) {
		return nil, Failf(sluice.Internal, "the prompt %s rendered to %d messages of %d", c.Prompt.Ref, len(texts), len(contents))
	}
	messages := make([]said, len(texts))
	for i, text := range texts {
		messages[i] = said{c.Prompt.Messages[i].Role, value.Text(orEmpty(text))}
	}
	return messages, nil
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}
