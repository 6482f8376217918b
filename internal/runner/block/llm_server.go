package block

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sashabaranov/go-openai"

	"github.com/sluice-dev/sluice"
)

// server is where the model is asked, and with what key.
func (c Call) server() (base *url.URL, key string, err error) {
	name, address := "base_url", c.text("base_url")
	if strings.TrimSpace(address) == "" {
		name, address = "OPENAI_BASE_URL", c.Env["OPENAI_BASE_URL"]
	}
	if strings.TrimSpace(address) == "" {
		address = openAI
	}
	if base, err = c.absolute(name, address); err != nil {
		return nil, "", err
	}
	if key = strings.TrimSpace(c.text("api_key")); key == "" {
		key = strings.TrimSpace(c.Env["OPENAI_API_KEY"])
	}
	switch {
	case key == "":
		return nil, "", Failf(sluice.Invalid, "no API key: OPENAI_API_KEY is not among the variables that were loaded").
			Do(sluice.SetVariables(c.Environment, "", "OPENAI_API_KEY"), "set it: {}, and run with {configured}")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, "", Failf(sluice.Invalid, "the API key holds a space, a line break or a letter that no key has").
			Fix("set OPENAI_API_KEY anew, without what was copied along")
	}
	return base, key, nil
}

// refusal is what a status of the model's server means.
func (w *wire) refusal(status int, header http.Header, body []byte) *Error {
	failed := statusError(status, header, "the model's server answered "+statusLine(status))
	if text := errorText(body); text != "" {
		failed.Message += ": " + text
	}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		failed.Message = "the model's server refused the key"
		failed.Fixes = append(failed.Fixes, sluice.Ask("set OPENAI_API_KEY to a key that %s takes, and run with {configured}", w.request.URL.Host))
	case status == http.StatusNotFound:
		failed.Fix("check the name of the model, and base_url, which mostly ends in /v1")
	case status == http.StatusTooManyRequests:
		failed.Fix("let the block retry, or raise the limits of the account")
	}
	failed.heed(status, header)
	return failed
}

// heed takes over what servers of models mean by a refusal beside what its status
// means anywhere: whether the same may be asked again, and when.
func (e *Error) heed(status int, header http.Header) {
	if status == http.StatusRequestTimeout || status == http.StatusConflict {
		e.Class = "server"
	}
	switch again := header.Get("X-Should-Retry"); {
	case again == "false":
		e.Class = "error"
	case again == "true" && e.Class == "error":
		e.Class = "server"
	}
	if wait, err := strconv.ParseFloat(strings.TrimSpace(header.Get("Retry-After-Ms")), 64); err == nil && wait >= 0 {
		e.RetryAfter = time.Duration(min(wait, float64(maxRetryAfter.Milliseconds())) * float64(time.Millisecond))
	}
}

// errorText is what a failed answer says, in the protocol's form or another.
func errorText(body []byte) string {
	var answer openai.ErrorResponse
	if json.Unmarshal(body, &answer) == nil && answer.Error != nil && answer.Error.Message != "" {
		return excerpt(answer.Error.Message, 300)
	}
	return excerpt(string(body), 300)
}

// streamed is what an error within a stream means: the status came before it was
// known, so its kind is read from its code and type.
func streamed(api *openai.APIError) *Error {
	code, kind := strings.ToLower(fmt.Sprint(api.Code)), strings.ToLower(api.Type)
	status, _ := api.Code.(int)
	switch {
	case status >= 400 && status < 600:
	case strings.Contains(code+kind, "rate_limit"), strings.Contains(code+kind, "quota"):
		status = http.StatusTooManyRequests
	case strings.Contains(code+kind, "invalid"):
		status = http.StatusBadRequest
	default:
		status = http.StatusInternalServerError
	}
	return statusError(status, http.Header{}, "the model's server failed while it answered: "+excerpt(api.Message, 300))
}
