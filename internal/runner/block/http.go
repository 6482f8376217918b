package block

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// The bounds on answers, in bytes.
const (
	defaultAnswer = 4 << 20
	maxAnswer     = 16 << 20
)

// The methods that can be sent, and those of them that may be sent twice.
var (
	methods    = []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"}
	repeatable = methods[:5]
)

// runHTTP sends one request. The output is the body: a tree where it is JSON and
// text otherwise. Extra holds status_code, and headers by their names in lower
// case.
func runHTTP(ctx context.Context, call Call) (Result, error) {
	request, body, err := call.request(ctx)
	if err != nil {
		return Result{}, err
	}
	tape := call.tape(sluice.EffectHTTP)
	tape.request(requestRecord(request, call.hidden(body)))
	answer, err := exchange(call, request, call.answerLimit())
	if answer != nil {
		tape.response(answer.record(call))
	}
	if err == nil && !call.succeeds(answer.status) {
		err = answer.failure(request, call)
	}
	var output any
	if err == nil {
		output, err = answer.output(call, request)
	}
	tape.end(err)
	if err != nil {
		return Result{}, err
	}
	return Result{Output: output, Extra: value.Pairs(
		"status_code", int64(answer.status), "headers", headerTree(answer.header),
	)}, nil
}

// httpEffects is Once for what creates something, unless the author says that
// repeating it is safe.
func httpEffects(settings *value.Object) Effects {
	if slices.Contains(repeatable, methodOf(settings.Get("method"))) || flag(settings.Get("idempotent")) {
		return Repeatable
	}
	return Once
}

func methodOf(setting any) string {
	method, is := setting.(string)
	if method = strings.ToUpper(strings.TrimSpace(method)); method == "" && (is || setting == nil) {
		return http.MethodGet
	}
	return method
}

// answerLimit is how many bytes of an answer are read.
func (c Call) answerLimit() int64 {
	limit, set, err := c.integer("max_bytes")
	if err != nil || !set || limit <= 0 {
		return defaultAnswer
	}
	return min(limit, maxAnswer)
}

// succeeds reports whether a status is one that the author takes.
func (c Call) succeeds(status int) bool {
	ok, is := c.setting("ok").([]any)
	if !is || len(ok) == 0 {
		return status >= 200 && status < 300
	}
	return slices.ContainsFunc(ok, func(want any) bool { return value.Text(want) == strconv.Itoa(status) })
}
