package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// operationsOfTheInstallation are done where the server runs, by those who run it.
var operationsOfTheInstallation = map[sluice.OperationName]bool{
	sluice.OpPushGit: true, sluice.OpHookGit: true, sluice.OpMakeMasterKey: true, sluice.OpRestoreBackup: true, sluice.OpServe: true, sluice.OpDiagnose: true,
}

// TestOperationsAreRequests checks that each operation is a request that the
// document describes, with arguments and without.
func TestOperationsAreRequests(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					}
				}
			}
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	arguments := sluice.Arguments{
		sluice.ArgComponent: "bot", sluice.ArgEnvironment: "production", sluice.ArgVersion: "v1.0.0", sluice.ArgKeys: "MODEL", sluice.ArgFrom: "staging",
		sluice.ArgTo: "v1", sluice.ArgExpect: "v2", sluice.ArgSecrets: "exact", sluice.ArgChange: "alias", sluice.ArgRun: "r1", sluice.ArgHow: "retry",
		sluice.ArgStatus: "running", sluice.ArgRole: "deployer", sluice.ArgToken: "t1",
	}
	many := maps.Clone(arguments)
	many[sluice.ArgKeys], many[sluice.ArgRelease], many[sluice.ArgChange] = "A B", "production#4", "promotes_from"
	for _, name := range sluice.Operations() {
		if operationsOfTheInstallation[name] {
			if requests[name] != nil {
				t.Errorf("%s is a request too", name)
			}
			continue
		}
		for _, arguments := range []sluice.Arguments{nil, arguments, many} {
			r := requestOf(sluice.Operation{Name: name, Arguments: arguments})
			if r == nil {
				t.Errorf("%s is no request", name)
				continue
			}
			if name == sluice.OpSyncGit || name == sluice.OpGitStatus { // of internal/api/githost
				continue
			}
			path, _, _ := strings.Cut(r.Path, "?")
			found := false
			for template, methods := range doc.Paths {
				op, ok := methods[strings.ToLower(r.Method)]
				if !ok || !regexp.MustCompile("^"+regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(template, "[^/]+")+"$").MatchString(path) {
					continue
				}
				found = true
				ref := op.RequestBody.Content["application/json"].Schema.Ref
				schema := doc.Components.Schemas[ref[strings.LastIndexByte(ref, '/')+1:]]
				for field := range r.Body {
					if _, ok := schema.Properties[field]; !ok {
						t.Errorf("%s: the body of %s %s has no field %s", name, r.Method, template, field)
					}
				}
				break
			}
			if !found {
				t.Errorf("%s: there is no %s %s", name, r.Method, r.Path)
			}
		}
	}
}

// TestAdviceOverHTTP shows what advice looks like in an answer.
func TestAdviceOverHTTP(t *testing.T) {
	t.Parallel()
	e := sluice.Errorf(sluice.Refused, "no").
		Do(sluice.SetVariables("production", "", "MODEL"), "set it first").
		Ask("use {secrets=current}, or add {further}; {token}").
		Do(sluice.RevertRelease("production", 4, sluice.SecretsExact), "take it back").
		Fix("try again")
	var b strings.Builder
	if err := encode(&b, problemWith(http.StatusTeapot, e)); err != nil {
		t.Fatal(err)
	}
	const want = `"fixes":[` +
		`{"text":"first set MODEL in production","form":"set it first: {}","operation":"set-variables","arguments":{"environment":"production","keys":"MODEL"},` +
		`"method":"PUT","path":"/v1/environments/production/variables/MODEL","body":{"value":"{value}"}},` +
		`{"text":"use secrets: \"current\", or add further: true; send Authorization: Bearer TOKEN","form":"use {secrets=current}, or add {further}; {token}"},` +
		`{"text":"take release production#4 back, with the secrets of before","form":"take it back: {}","operation":"rollback",` +
		`"arguments":{"environment":"production","release":"production#4","secrets":"exact"},` +
		`"method":"POST","path":"/v1/environments/production/rollback","body":{"release":4,"secrets":"exact"}},` +
		`{"text":"try again"}]`
	if !strings.Contains(b.String(), want) {
		t.Errorf("got  %s\nwant %s", b.String(), want)
	}
	if e.Fixes[0].Request != nil {
		t.Error("what is answered has changed the error itself")
	}
}
