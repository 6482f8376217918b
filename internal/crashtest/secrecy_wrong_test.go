package crashtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluice-dev/sluice"
)

const (
	variablePath = "/v1/environments/production/variables/"
	releasesPath = "/v1/environments/production/releases"
	importPath   = "/v1/environments/production/variables/import"
	promotePath  = "/v1/environments/production/promote"
	rollbackPath = "/v1/environments/production/rollback"
)

// wrongRequests carry a secret where none belongs. Each is refused, in words that
// do not repeat it.
func (x *secrecy) wrongRequests() {
	for _, send := range []func() []wrong{x.wrongKeys, x.wrongBodies, x.wrongFields, x.wrongPaths, x.wrongQueries, x.wrongExpectations, x.wrongTexts} {
		for _, w := range send() {
			status, body := x.ask(x.FirstToken(), w.method, w.path, w.body, w.head...)
			if status < 400 || status >= 500 {
				x.Errorf("%s %s %.200s: %d %s", w.method, w.path, w.body, status, body)
			}
		}
	}
}

// wrong is one such request.
type wrong struct {
	method, path, body string
	head               []string
}

// quoted is a new secret as JSON.
func (x *secrecy) quoted(way string) string { return quote(x.secrets.secret(way)) }

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (x *secrecy) wrongKeys() []wrong {
	releases := func(change string) wrong { return wrong{"POST", releasesPath, `{"changes": [` + change + `]}`, nil} }
	return []wrong{
		releases(`{"value": "x", "variable": ` + x.quoted("a key") + `}`),
		releases(`{"unset": true, "variable": ` + quote("API_TOKEN="+x.secrets.secret("KEY=VALUE as a key")) + `}`),
		releases(`{"variable": "API_TOKEN", "version": ` + x.quoted("a version of a variable") + `}`),
		releases(`{"component": "my-prompt", "value": ` + x.quoted("a value of a component") + `}`),
		releases(`{"variable": "A", "unset": true, "value": ` + x.quoted("a value that is taken away") + `}`),
		releases(`{"variable": "A", "component": "nobody", "value": ` + x.quoted("a value for nobody") + `}`),
		releases(`{"variable": "A", "value": ` + x.quoted("one of two") + `}, {"variable": "A", "value": ` + x.quoted("two of two") + `}`),
		{"POST", promotePath, `{"from": "staging", "with_config": [` + quote("API_TOKEN="+x.secrets.secret("KEY=VALUE to promote")) + `]}`, nil},
		{"POST", promotePath, `{"from": "staging", "with_config": [` + quote("API_TOKEN@my-prompt="+x.secrets.secret("KEY@NAME=VALUE to promote")) + `]}`, nil},
		{"POST", "/v1/environments/nowhere/releases", `{"changes": [{"variable": "API_TOKEN", "value": ` + x.quoted("an environment that is not there") + `}]}`, nil},
		{"POST", rollbackPath, `{"to": "production#1", "secrets": ` + x.quoted("a policy") + `}`, nil},
		{"POST", rollbackPath, `{"to": "production#1", "secrets": {"API_TOKEN": ` + x.quoted("policies") + `}}`, nil},
		{"PUT", "/v1/environments/nowhere/variables/API_TOKEN", `{"value": ` + x.quoted("PUT into an environment that is not there") + `}`, nil},
	}
}

func (x *secrecy) wrongBodies() []wrong {
	put := func(body string, head ...string) wrong { return wrong{"PUT", variablePath + "API_TOKEN", body, head} }
	return []wrong{
		put(`{"value": ` + x.secrets.digits("a number", 17) + `}`),
		put(`{"value": ` + x.secrets.digits("a large number", 40) + `}`),
		put(`{"value": ` + x.secrets.digits("a number with a point", 15) + `.5}`),
		put(`{"value": [` + x.quoted("a list") + `]}`),
		put(`{"value": {"value": ` + x.quoted("an object") + `}}`),
		put(`{"value": {` + x.quoted("a field of an object") + `: 1}}`),
		put(`{"value": null, "secret": ` + x.quoted("secret") + `}`),
		put(`{"value": "x", "secret": ` + x.quoted("a flag") + `}`),
		put(`{"value": "x", "secret": ` + x.secrets.digits("a flag that is a number", 16) + `}`),
		put(`{"value": "x", "expected_release": ` + x.quoted("a release") + `}`),
		put(`{"value": "x", "expected_release": ` + x.secrets.digits("a release out of range", 30) + `}`),
		put(`{"value": "x", "expected_release": ` + x.secrets.digits("a release with a point", 14) + `.5}`),
		put(`{"value": "x", "dry_run": ` + x.quoted("a dry run that is none") + `}`),
		put(`{"value": ` + x.secrets.secret("no JSON") + `}`),
		put(`{"value": ` + x.quoted("JSON that ends")),
		put(`{"value": ` + x.quoted("JSON and more") + `} more`),
		put(`{"value": "` + x.secrets.secret("control bytes") + "\x01" + `"}`),
		put(x.secrets.secret("no JSON at all")),
		put(x.quoted("a string")),
		put(`[` + x.quoted("an array") + `]`),
		put("value="+url.QueryEscape(x.secrets.secret("a form")), "Content-Type", "application/x-www-form-urlencoded"),
		put(x.secrets.secret("plain text"), "Content-Type", "text/plain"),
		put(`{"value": `+x.quoted("another release")+`}`, "If-Match", `"999"`),
		put(`{"value": ` + quote(x.secrets.secret("too large")+strings.Repeat("x", sluice.MaxValueBytes)) + `}`),
		put(`{"value": ` + quote(x.secrets.secret("far too large")+strings.Repeat("x", 2<<20)) + `}`),
		put(`{"value": "` + x.secrets.secret("a NUL")[:20] + `\u0000"}`),
		put(`{"value": `+x.quoted("no such token")+`}`, "Authorization", "Bearer "+url.QueryEscape(x.secrets.secret("a token"))),
		{"POST", releasesPath, `{"changes": ` + x.quoted("changes") + `}`, nil},
		{"POST", releasesPath, `{"changes": {"API_TOKEN": ` + x.quoted("changes by key") + `}}`, nil},
		{"POST", releasesPath, `{"changes": [` + x.quoted("a change") + `]}`, nil},
		{"POST", releasesPath, `{"changes": [{"variable": ` + x.secrets.digits("a key that is a number", 18) + `, "value": "x"}]}`, nil},
		{"POST", importPath, `{"text": [` + x.quoted("text") + `]}`, nil},
		{"POST", importPath, `{"text": {"API_TOKEN": ` + x.quoted("text by key") + `}}`, nil},
	}
}

func (x *secrecy) wrongFields() []wrong {
	put := func(body string) wrong { return wrong{"PUT", variablePath + "API_TOKEN", body, nil} }
	return []wrong{
		put(`{"value": "x", "vaule": ` + x.quoted("an unknown field") + `}`),
		put(`{"value": "x", ` + x.quoted("the name of an unknown field") + `: 1}`),
		put(`{` + quote("API_TOKEN="+x.secrets.secret("KEY=VALUE as a field")) + `: ""}`),
		put(`{"API_TOKEN": ` + x.quoted("the key as a field") + `}`),
		{"POST", releasesPath, `{"API_TOKEN": ` + x.quoted("a variable beside the changes") + `}`, nil},
		{"POST", releasesPath, `{"changes": [{"variable": "A", "value": "x", "plain": ` + x.quoted("an unknown field of a change") + `}]}`, nil},
		{"POST", releasesPath, `{"changes": [{"variable": "A", "value": "x", ` + x.quoted("the name of an unknown field of a change") + `: 1}]}`, nil},
		{"POST", importPath, `{"API_TOKEN": ` + x.quoted("a variable to import") + `}`, nil},
		{"POST", variablePath + "API_TOKEN/reveal", `{"value": ` + x.quoted("a body that nobody reads") + `, "x": 1`, []string{"Authorization", "Bearer none"}},
		{"POST", variablePath + "API_TOKEN/shred", `{"value": ` + x.quoted("a value to shred") + `}`, nil},
		{"POST", "/v1/keys/rotate", `{"master": ` + x.quoted("a master key") + `}`, nil},
		{"POST", "/v1/keys/rotate", `{"key": ` + x.quoted("a key to rotate to") + `}`, nil},
	}
}

func (x *secrecy) wrongPaths() []wrong {
	escaped := func(way string) string { return url.PathEscape(x.secrets.secret(way)) }
	var out []wrong
	for _, method := range []string{"GET", "PUT", "DELETE", "POST", "PATCH"} {
		out = append(out,
			wrong{method, variablePath + escaped(method+" a value as a key"), `{"value": "x"}`, nil},
			wrong{method, variablePath + "API_TOKEN=" + escaped(method+" KEY=VALUE as a key"), `{"value": "x"}`, nil},
			wrong{method, variablePath + "API_TOKEN/" + escaped(method+" a value behind a key"), `{"value": "x"}`, nil},
		)
	}
	return append(out,
		wrong{"POST", variablePath + escaped("a value to reveal") + "/reveal", "", nil},
		wrong{"POST", variablePath + escaped("a value to shred by its path") + "/shred", "{}", nil},
		wrong{"POST", importPath + "/" + escaped("a value to import"), "{}", nil},
		wrong{"PUT", "/v1/variables/API_TOKEN/" + escaped("a path that is not there"), "{}", nil},
		wrong{"PUT", "/v1/environments/production/API_TOKEN/" + escaped("a path without variables"), "{}", nil},
	)
}

func (x *secrecy) wrongQueries() []wrong {
	escaped := func(way string) string { return url.QueryEscape(x.secrets.secret(way)) }
	out := []wrong{
		{"PUT", variablePath + "API_TOKEN?value=" + escaped("a parameter"), `{"value": "x"}`, nil},
		{"PUT", variablePath + "API_TOKEN?" + escaped("the name of a parameter"), `{"value": "x"}`, nil},
		{"PUT", variablePath + "API_TOKEN?API_TOKEN=" + escaped("a parameter of the key"), "", nil},
		{"DELETE", variablePath + "API_TOKEN?value=" + escaped("a parameter of a deletion"), "", nil},
		{"DELETE", variablePath + "API_TOKEN?hide=" + escaped("hide"), "", nil},
		{"DELETE", variablePath + "API_TOKEN?expect=" + escaped("expect of a deletion"), "", nil},
		{"DELETE", variablePath + "UNKNOWN_TOKEN?expect=" + escaped("expect of a deletion of nothing"), "", nil},
		{"POST", variablePath + "API_TOKEN/reveal?value=" + escaped("a parameter of a reveal"), "", nil},
		{"GET", "/v1/diff/variables?from=staging&to=production&value=" + escaped("a parameter of a comparison"), "", nil},
	}
	for _, name := range []string{"value", "limit", "wide", "release", "at", "secret"} {
		out = append(out, wrong{"GET", "/v1/environments/production/variables?" + name + "=" + escaped("a list by "+name), "", nil})
	}
	return out
}

// wrongExpectations name a value where a fingerprint belongs.
func (x *secrecy) wrongExpectations() []wrong {
	var out []wrong
	for _, key := range []string{"API_TOKEN", "UNKNOWN_TOKEN"} {
		for way, secret := range map[string]string{
			"a value": x.secrets.secret("expect a value of " + key), "digits": x.secrets.digits("expect digits of "+key, 20),
			"hexadecimal digits": x.hexadecimal("expect hexadecimal digits of " + key), "a label": "v1.0.0-" + x.letters("expect a label of "+key),
			"a word": x.letters("expect a word of " + key), "masked": "secret:" + x.hexadecimal("expect it masked of "+key),
		} {
			body := fmt.Sprintf(`{"value": "x", "reason": %q, "expect": %s}`, way, quote(secret))
			out = append(out, wrong{"PUT", variablePath + key, body, nil})
		}
	}
	return out
}

// letters is a secret that looks like a word.
func (x *secrecy) letters(way string) string {
	out := strings.TrimSpace(x.secrets.secret(way)[:20])
	return out
}

// hexadecimal is a secret that looks like a fingerprint.
func (x *secrecy) hexadecimal(way string) string {
	out := fmt.Sprintf("%x", x.secrets.secret(way)[:16])
	x.secrets.add(way+", as it is", out)
	return out
}

// wrongTexts are dotenv files that are none.
func (x *secrecy) wrongTexts() []wrong {
	var out []wrong
	for _, text := range []string{
		"A=1\n" + x.secrets.secret("a line"), x.secrets.secret("a key in a text") + "=1", "A B=" + x.secrets.secret("a value of a bad key"),
		"1A=" + x.secrets.secret("a value of another"), "A='" + x.secrets.secret("a quote")[:20], `A="` + x.secrets.secret("a double quote")[:20],
		`A="x" ` + x.secrets.secret("behind a quote"), "A=" + x.secrets.secret("a NUL in a text") + "\x00", "export " + x.secrets.secret("an export"),
		"A=" + x.secrets.secret("too large a value") + strings.Repeat("x", sluice.MaxValueBytes), "=" + x.secrets.secret("no key"),
		strings.Repeat("A", 200) + "=" + x.secrets.secret("a value of a long key"),
	} {
		out = append(out, wrong{http.MethodPost, importPath, `{"file": ".env", "text": ` + quote(text) + `}`, nil})
	}
	return out
}
