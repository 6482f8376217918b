package block

import (
	"strings"

	"github.com/sluice-dev/sluice"
)

// ends are the reasons for which an answer ends, as servers name them. What is in
// none of them is not known.
var ends = []struct {
	code    sluice.WarningCode // "" for an answer that is whole
	reasons []string
	says    string
	fix     string
}{
	{"", []string{"", "stop", "null", "end_turn", "stop_sequence", "eos", "eos_token", "complete", "completed"}, "", ""},
	{
		sluice.WarnAnswerCut,
		[]string{"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"},
		"the answer was cut off: it reached the most tokens that it may have", "raise max_tokens, or ask for less",
	},
	{
		sluice.WarnAnswerFiltered,
		[]string{"content_filter", "content_filtered", "safety", "recitation", "blocklist", "prohibited_content", "refusal"},
		"a content filter of the model's server ended the answer", "ask in another way, or change the filter at the server",
	},
	{
		sluice.WarnAnswerCalls,
		[]string{"tool_calls", "tool_call", "tool_use", "function_call"},
		"the answer asks for tools to be called, which a block does not do", "leave tools out of the parameters",
	},
}

// flaw is what keeps an answer from being whole: why it ended, or that there is
// nothing in it. Nil for one that is whole.
func (s *spoken) flaw() (warning *sluice.RunWarning, fix string) {
	reason := strings.ToLower(strings.TrimSpace(s.finish))
	warning = &sluice.RunWarning{
		Code: sluice.WarnAnswerUnfinished, Message: "the answer ended for a reason that is not known here: " + excerpt(s.finish, 40),
	}
	fix = "look at what the model's server means by it"
	for _, e := range ends {
		for _, known := range e.reasons {
			if reason == known {
				warning.Code, warning.Message, fix = e.code, e.says, e.fix
			}
		}
	}
	empty := strings.TrimSpace(s.text.String()) == ""
	if s.calls && empty {
		warning.Code, warning.Message, fix = ends[3].code, ends[3].says, ends[3].fix
	}
	switch {
	case warning.Code == "" && !empty:
		return nil, ""
	case warning.Code == "":
		return &sluice.RunWarning{Code: sluice.WarnAnswerEmpty, Message: "the answer is empty"}, "ask in another way, or use another model"
	case empty:
		warning.Message += "; there is no text in it"
	}
	return warning, fix
}

// cutFails is the mode of on_cut with which an answer that is not whole is an
// error. The other one is warn.
const cutFails = "fail"

// whole says what is wrong with an answer that is not whole. It is an error where
// the author says so, and where the answer is to be read as JSON.
func (c Call) whole(said *spoken, structured bool) ([]sluice.RunWarning, error) {
	warning, fix := said.flaw()
	if warning == nil || structured && warning.Code == sluice.WarnAnswerUnfinished && c.text("on_cut") != cutFails {
		return nil, nil // what it says decides
	}
	switch {
	case c.text("on_cut") == cutFails:
		return nil, sentFailure(warning.Message).Fix("%s", fix)
	case structured:
		return nil, sentFailure(warning.Message+", and JSON was asked for").Fix("%s", fix)
	}
	return []sluice.RunWarning{*warning}, nil
}
