package block

import (
	"time"

	"github.com/sluice-dev/sluice/internal/value"
)

// Table returns the kinds that act by themselves, by the name that workflow files
// give them. Kinds that hold other blocks, wait or ask are not in it.
func Table() map[string]Kind {
	return map[string]Kind{
		"http":        {Run: runHTTP, Effects: httpEffects, Timeout: 30 * time.Second},
		"llm":         {Run: runLLM, Effects: llmEffects, Timeout: 5 * time.Minute},
		"prompt":      {Run: runPrompt, Effects: promptEffects, Timeout: 5 * time.Minute},
		"script":      {Run: runScript, Effects: nothing, Timeout: 5 * time.Second},
		"template":    {Run: runTemplate, Effects: nothing, Timeout: instant},
		"echo":        {Run: runEcho, Effects: nothing, Timeout: instant},
		"condition":   {Run: runCondition, Effects: nothing, Timeout: instant},
		"continue_if": {Run: runCondition, Effects: nothing, Timeout: instant},
		"stop_if":     {Run: runCondition, Effects: nothing, Timeout: instant},
		"fail":        {Run: runFail, Effects: nothing, Timeout: instant},
	}
}

// instant is the time for what only copies its rendered settings.
const instant = 10 * time.Second

func nothing(*value.Object) Effects { return None }
