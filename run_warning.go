package sluice

import (
	"encoding/json"
	"slices"
	"strconv"
)

// WarningCode is the stable, machine-readable kind of a warning.
type WarningCode string

// The kinds of warnings. Those of answers are of blocks that ask a language model.
const (
	WarnNotConfigured    WarningCode = "not_configured"    // no variables were loaded
	WarnNotLoaded        WarningCode = "not_loaded"        // some variables were not
	WarnInput            WarningCode = "input"             // a name in the input that looks misspelt
	WarnAnswerCut        WarningCode = "answer_cut"        // it reached the most tokens that it may have
	WarnAnswerFiltered   WarningCode = "answer_filtered"   // a filter of the model's server ended it
	WarnAnswerCalls      WarningCode = "answer_calls"      // it asks for tools to be called, which nobody does
	WarnAnswerUnfinished WarningCode = "answer_unfinished" // it ended for a reason that is not known
	WarnAnswerEmpty      WarningCode = "answer_empty"      // there is no text in it
	WarnMore             WarningCode = "more"              // there are more warnings than a run keeps
)

// MaxRunWarnings is how many warnings a run keeps; its steps have all of them.
const MaxRunWarnings = 20

// RunWarning is something that the reader of a run should know, though it is no
// error.
type RunWarning struct {
	Code    WarningCode `json:"code"`
	Message string      `json:"message"`
	// Step is the path of the step that it is about, and Block its id, where it is
	// about one.
	Step  string `json:"step,omitempty"`
	Block string `json:"block,omitempty"`
	// Fix says what can be done about it.
	Fix *Advice `json:"fix,omitempty"`
}

// In is the warning for people, with its fix in the words of a surface.
func (w RunWarning) In(words Words) string {
	text := w.Message
	if w.Block != "" {
		text = w.Block + " (step " + w.Step + "): " + text
	}
	if w.Fix == nil {
		return text
	}
	if fix, ok := w.Fix.In(words); ok {
		text += "; " + fix
	}
	return text
}

// same reports whether two warnings say the same of the same step.
func (w RunWarning) same(other RunWarning) bool {
	return w.Code == other.Code && w.Message == other.Message && w.Step == other.Step && w.Block == other.Block
}

// UnmarshalJSON reads also a text alone, which records of earlier versions hold.
func (w *RunWarning) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*w = RunWarning{Message: text}
		if text == "no configuration was loaded" {
			w.Code = WarnNotConfigured
		}
		return nil
	}
	type plain RunWarning
	return json.Unmarshal(raw, (*plain)(w))
}

// Warned returns a run's warnings with those of its steps, which come in no order:
// each once, and no more than a run keeps.
func Warned(run, steps []RunWarning) []RunWarning {
	steps = slices.Clone(steps)
	slices.SortStableFunc(steps, func(a, b RunWarning) int { return CompareStepPaths(a.Step, b.Step) })
	out := slices.Clone(run)
	for _, w := range steps {
		if slices.ContainsFunc(out, w.same) {
			continue
		}
		if n := len(out); n >= MaxRunWarnings {
			if out[n-1].Code != WarnMore {
				out = append(out, RunWarning{Code: WarnMore, Message: "more than " + strconv.Itoa(MaxRunWarnings) + " warnings; its steps have the others"})
			}
			break
		}
		out = append(out, w)
	}
	return out
}

// WarningTexts are warnings for people in the words of a surface.
func WarningTexts(warnings []RunWarning, words Words) []string {
	texts := make([]string, 0, len(warnings))
	for _, w := range warnings {
		texts = append(texts, w.In(words))
	}
	return texts
}
