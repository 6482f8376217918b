package api

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/sluice-dev/sluice"
)

// speech is how the API speaks: operations in plain words, beside which stands
// the request, and fields by their names in a request.
var speech = sluice.Words{
	Operation: sluice.PlainWords.Operation,
	Field: func(f sluice.Field, value string) (string, bool) {
		if f == sluice.FieldToken {
			return bearer(value), true
		}
		return sluice.PlainWords.Field(f, value)
	},
}

// bearer says how a token is sent, and which one.
func bearer(which string) string {
	if which != "" {
		which = ", with " + which
	}
	return "send Authorization: Bearer TOKEN" + which
}

// advised is advice as an answer has it.
func advised(a sluice.Advice) sluice.Advice {
	a.Text, _ = a.In(speech)
	if a.Operation != nil {
		a.Request = requestOf(*a.Operation)
	}
	return a
}

// RequestText is the request that asks for an operation as one line, "" for those
// that are done where the server runs.
func RequestText(op sluice.Operation) string {
	request := requestOf(op)
	if request == nil {
		return ""
	}
	line := request.Method + " " + request.Path
	if request.Body != nil {
		var b strings.Builder
		_ = encode(&b, request.Body) // texts and numbers, which can be written
		line += " " + strings.TrimSpace(b.String())
	}
	return line
}

// requestOf is the request that asks for an operation, nil for those that are
// done where the server runs.
func requestOf(op sluice.Operation) *sluice.Request {
	if request, ok := requests[op.Name]; ok {
		return request(known{op.Arguments})
	}
	return nil
}

// known are the arguments of an operation. What is not known stands in braces.
type known struct{ sluice.Arguments }

func (k known) or(name sluice.Argument, open string) string {
	if k.Arguments[name] != "" {
		return k.Arguments[name]
	}
	return "{" + open + "}"
}

func (k known) get(name sluice.Argument) string { return k.or(name, string(name)) }

// path joins segments, each of which is escaped but for what is to be filled in.
func path(segments ...string) string {
	for i, s := range segments {
		if !strings.HasPrefix(s, "{") {
			segments[i] = url.PathEscape(s)
		}
	}
	return "/v1/" + strings.Join(segments, "/")
}

// query adds the arguments that are known. Pairs are parameters and values.
func query(to string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return to
	}
	return to + "?" + values.Encode()
}

func get(to string) *sluice.Request { return &sluice.Request{Method: http.MethodGet, Path: to} }

type body = map[string]any

func send(method, to string, b body) *sluice.Request {
	return &sluice.Request{Method: method, Path: to, Body: b}
}

func (k known) inEnvironment(rest ...string) string {
	return path(append([]string{"environments", k.get(sluice.ArgEnvironment)}, rest...)...)
}

func (k known) ofComponent(rest ...string) string {
	return path(append([]string{"components", k.or(sluice.ArgComponent, "name")}, rest...)...)
}

func (k known) ofVersion(rest ...string) string {
	return k.ofComponent(append([]string{"versions", k.or(sluice.ArgVersion, "ref")}, rest...)...)
}

func (k known) ofRun(rest ...string) string {
	return path(append([]string{"runs", k.get(sluice.ArgRun)}, rest...)...)
}

// variables are the changes that set variables.
func (k known) variables() []any {
	var out []any
	for _, key := range (sluice.Operation{Arguments: k.Arguments}).Keys() {
		change := body{"variable": key, "value": "{value}"}
		if component := k.Arguments[sluice.ArgComponent]; component != "" {
			change["component"] = component
		}
		out = append(out, change)
	}
	return out
}
