package scriptum

import (
	"cmp"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
)

// speech is how this adapter speaks: operations in plain words, with the call
// that does them where there is one, else the request of Sluice's own API, and fields by their names in its messages.
// Advice on a field that no message has is left out.
var speech = sluice.Words{
	Operation: func(op sluice.Operation) (string, bool) {
		text := op.String()
		if op.Name == sluice.OpRevive {
			text = "create " + cmp.Or(op.Arguments[sluice.ArgComponent], "it") + " again"
		}
		if call := callOf(op); call != "" {
			return text + " with " + call, true
		}
		if request := api.RequestText(op); request != "" { // the same server answers it
			text += " with " + request
		}
		return text, true
	},
	Field: func(f sluice.Field, value string) (string, bool) {
		if f.Setting() {
			return sluice.PlainWords.Field(f, value)
		}
		name, ok := fields[f]
		switch {
		case !ok:
			return "", false
		case f == sluice.FieldToken:
			return name, true
		case strings.Contains(name, "{"): // in JSON
			return name, true
		}
		return f.Named(name, value), true
	},
}

// fields is the one table from fields to those of messages.
var fields = map[sluice.Field]string{
	sluice.FieldVersion:    "version",
	sluice.FieldReason:     "reason",
	sluice.FieldKind:       "kind",
	sluice.FieldConfigured: "load_env",
	sluice.FieldTimeout:    "timeout",
	sluice.FieldVariable:   "key",
	sluice.FieldCursor:     "page_token",
	sluice.FieldRetry:      `{"retry": true}`,
	sluice.FieldSkip:       `{"skip": true}`,
	sluice.FieldResult:     `{"result": …}`,
	sluice.FieldToken:      "send the metadata authorization: Bearer TOKEN",
}

// calls is the one table from operations to calls.
var calls = map[sluice.OperationName]string{
	sluice.OpDeleteVariable: "DeleteEnvVar",
	sluice.OpListVariables:  "ListEnvVars",
	sluice.OpListVersions:   "ListScriptVersions",
	sluice.OpGetVersion:     "GetScriptVersion",
	sluice.OpGetComponent:   "GetScript",
	sluice.OpRevive:         "CreateScript",
	sluice.OpSaveDraft:      "SaveScriptDraft",
	sluice.OpGetDraft:       "GetDraftInfo",
	sluice.OpListRuns:       "ListThreads",
	sluice.OpGetRun:         "GetThread",
	sluice.OpWatchRun:       "WatchThread",
	sluice.OpResumeRun:      "ResumeThread",
	sluice.OpListSteps:      "GetThreadResult",
	sluice.OpStartRun:       "CreateThread",
}

func callOf(op sluice.Operation) string {
	switch {
	case op.Name == sluice.OpSetVariables && op.Arguments[sluice.ArgComponent] != "":
		return "UpdateScriptEnv"
	case op.Name == sluice.OpSetVariables && len(op.Keys()) > 1:
		return "ImportEnvVars"
	case op.Name == sluice.OpSetVariables:
		return "SetEnvVar"
	case op.Name == sluice.OpDeleteVariable && op.Arguments[sluice.ArgComponent] != "":
		return "UpdateScriptEnv"
	}
	return calls[op.Name]
}

// said is one piece of advice, "" when there is none.
func said(a *sluice.Advice) string {
	if a == nil {
		return ""
	}
	text, _ := a.In(speech)
	return text
}
