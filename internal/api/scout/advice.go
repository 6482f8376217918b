package scout

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
)

// speech is how this adapter speaks: operations in plain words, with the request
// of Scout's API that does them, else that of Sluice's own where there is one, and fields by their names
// there. Advice on a field that Scout does not have is left out.
var speech = sluice.Words{
	Operation: func(op sluice.Operation) (string, bool) {
		text := op.String()
		if op.Name == sluice.OpRevive {
			text = "create " + cmp.Or(op.Arguments[sluice.ArgComponent], "it") + " again"
		}
		if request, ok := requests[op.Name]; ok {
			return text + with(text) + filled(request, op.Arguments), true
		}
		if request := api.RequestText(op); request != "" { // the same server answers it
			text += with(text) + request
		}
		return text, true
	},
	Field: func(f sluice.Field, value string) (string, bool) {
		if f.Setting() {
			return sluice.PlainWords.Field(f, value)
		}
		name, ok := fields[f]
		if !ok || f == sluice.FieldToken {
			return name, ok
		}
		return f.Named(name, value), true
	},
}

// with joins a phrase and the request that does it.
func with(phrase string) string {
	if strings.Contains(phrase, ",") {
		return ", with "
	}
	return " with "
}

// fields is the one table from fields to Scout's.
var fields = map[sluice.Field]string{
	sluice.FieldVersion: "revision_id",
	sluice.FieldCursor:  "a cursor",
	sluice.FieldToken:   "send Authorization: Bearer TOKEN",
}

// requests is the one table from operations to requests of Scout's API, with the
// names of arguments in braces.
var requests = map[sluice.OperationName]string{
	sluice.OpListVersions: "GET /v2/workflows/{component}/revisions",
	sluice.OpDeploy:       "PUT /v2/workflows/{component}/revisions/{version}/promote?environment={environment}",
	sluice.OpUndeploy:     `PUT /v2/workflows/{component}/environments/{environment} {"deployments":[]}`,
	sluice.OpRevive:       "POST /v2/workflows?workflow_key={component}",
	sluice.OpGetComponent: "GET /v2/workflows/{component}",
	sluice.OpStartRun:     "POST /v2/workflows/{component}/execute",
	sluice.OpListRuns:     "GET /v2/run_logs",
}

// filled is a request with the arguments that are known.
func filled(request string, arguments sluice.Arguments) string {
	for name, value := range arguments {
		request = strings.ReplaceAll(request, "{"+string(name)+"}", url.PathEscape(value))
	}
	return request
}

// said is one piece of advice, "" when there is none.
func said(a *sluice.Advice) string {
	if a == nil {
		return ""
	}
	text, _ := a.In(speech)
	return text
}
