package crashtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/server"
)

// TestAccess lets somebody who may change debug alone, and may see its secrets or
// not, try everything to get at production's.
func TestAccess(t *testing.T) {
	t.Parallel()
	for name, roles := range map[string][]sluice.Role{"alice": {sluice.RoleDeployer}, "bob": {sluice.RoleDeployer, sluice.RoleRevealer}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onServers(t, func(t *testing.T, cfg server.Config) {
				s := serve(t, cfg)
				x := &access{served: s, admin: s.as(s.FirstToken())}
				x.prepare()
				who := holder{name: name, token: s.token(name, []string{"debug", "inner"}, roles...), reveals: len(roles) > 1}
				x.refused(who)
				x.readsMasked(who)
				x.launders(who)
				x.allowed(who)
				x.revealsAreRecorded()
			})
		})
	}
}

// holder is somebody with a token.
type holder struct {
	name, token string
	reveals     bool
}

type access struct {
	*served
	admin  *client.Client
	theirs hoard // the secrets of production, and of base that it inherits
	keyed  string
	seen   []string // the reveals that the ledger must tell of, newest last
}

// prepare makes debug, which has nothing of production, and inner, which inherits
// from it. Production's secrets are changed, so that inner's past has others than
// its present.
func (x *access) prepare() {
	ctx := x.Context()
	for _, label := range []string{"v1.0.0", "v1.1.0"} {
		must[sluice.Published](x.T)(x.admin.Publish(ctx, sluice.PublishRequest{
			Component: "my-prompt", Kind: sluice.KindPrompt, Label: label, Files: []sluice.File{{Path: "prompt.md", Text: label}},
		}))
	}
	set := func(environment string, changes ...sluice.ChangeRequest) {
		x.Helper()
		must[sluice.Outcome](x.T)(x.admin.Deploy(ctx, sluice.DeployRequest{Environment: environment, Changes: changes}))
	}
	for _, e := range []sluice.CreateEnvironmentRequest{{Name: "debug"}, {Name: "inner", Parent: "production"}} {
		must[sluice.EnvironmentChange](x.T)(x.admin.CreateEnvironment(ctx, e))
	}
	set("base", putting("SHARED_KEY", "", x.theirs.secret("of base")))
	for i, when := range []string{"first", "second"} {
		set("production", sluice.ChangeRequest{Component: "my-prompt", Version: fmt.Sprint(i + 1)},
			putting("API_TOKEN", "", x.theirs.secret(when)), putting("API_TOKEN", "my-prompt", x.theirs.secret(when+" overlay")),
			putting("DSN", "", "postgres://alice:"+x.theirs.secret(when + " URL")[:20]+"@db/x"), putting("PLAIN", "", when))
	}
	x.keyed = `{"value": ` + quote(x.theirs.secret("of a request with a key")) + `}`
	if status, body := x.ask(x.FirstToken(), "PUT", "/v1/environments/production/variables/KEYED_TOKEN", x.keyed, "Idempotency-Key", "one"); status != 200 {
		x.Fatalf("%d %s", status, body)
	}
}

// by asks as somebody: whatever the answer, it holds nothing of theirs.
func (x *access) by(who holder, method, path, body string, head ...string) (int, string) {
	x.Helper()
	status, answer := x.ask(who.token, method, path, body, head...)
	x.theirs.search(x.T, fmt.Sprintf("the answer to %s's %s %s %s", who.name, method, path, body), []byte(answer))
	return status, answer
}

// denied demands that a request is denied and that nothing comes of it.
func (x *access) denied(who holder, method, path, body string, head ...string) {
	x.Helper()
	before := x.everything()
	if status, answer := x.by(who, method, path, body, head...); status != http.StatusForbidden {
		x.Errorf("%s's %s %s %s: %d %s; want it denied", who.name, method, path, body, status, answer)
	}
	if after := x.everything(); after != before {
		x.Errorf("%s's %s %s %s changed\n%s\nto\n%s", who.name, method, path, body, before, after)
	}
}

// done demands that a request is carried out.
func (x *access) done(who holder, method, path, body string, head ...string) string {
	x.Helper()
	status, answer := x.by(who, method, path, body, head...)
	if status != http.StatusOK {
		x.Errorf("%s's %s %s %s: %d %s", who.name, method, path, body, status, answer)
	}
	return answer
}

// everything is where the ledger and each environment stand.
func (x *access) everything() string {
	x.Helper()
	info := must[sluice.Info](x.T)(x.admin.Info(x.Context()))
	all := must[[]sluice.Environment](x.T)(x.admin.Environments(x.Context(), true))
	return fmt.Sprint(info.Epoch, all)
}

// refused are the requests that ask for what is production's, or would bring it
// where it could be seen.
func (x *access) refused(who holder) {
	for _, environment := range []string{"production", "inner", "base"} {
		path := "/v1/environments/" + environment
		for _, query := range []string{"", "?component=my-prompt", "?release=1", "?at=2100-01-01T00:00:00Z"} {
			if environment == "base" {
				x.denied(who, "POST", path+"/variables/SHARED_KEY/reveal"+query, "")
			} else {
				x.denied(who, "POST", path+"/variables/API_TOKEN/reveal"+strings.ReplaceAll(query, "release=1", "release=2"), "")
			}
			x.denied(who, "POST", path+"/effective/reveal"+query, "")
		}
	}
	x.denied(who, "POST", "/v1/environments/production/variables/API_TOKEN/reveal", "", "X-Sluice-Actor", "admin")
	x.denied(who, "POST", "/v1/environments/debug/effective/reveal", "") // it holds what is base's
	for _, change := range []string{"", `, "dry_run": true`} {
		for _, from := range []string{"production", "production#2", "production@2100-01-01T00:00:00Z", "inner", "inner#3"} {
			x.denied(who, "POST", "/v1/environments/debug/promote", fmt.Sprintf(`{"from": %q, "with_config": ["API_TOKEN"]%s}`, from, change))
			x.denied(who, "POST", "/v1/environments/debug/promote", fmt.Sprintf(`{"from": %q, "with_config": ["PLAIN", "API_TOKEN@my-prompt"]%s}`, from, change))
			x.denied(who, "POST", "/v1/environments/debug/restore", fmt.Sprintf(`{"from": %q, "secrets": "exact"%s}`, from, change))
		}
		x.denied(who, "POST", "/v1/environments/inner/restore", `{"from": "inner#2", "secrets": "exact"`+change+`}`)
		x.denied(who, "POST", "/v1/environments/inner/restore", `{"from": "production#2", "secrets": "exact"`+change+`}`)
		x.denied(who, "POST", "/v1/environments/inner/rollback", `{"to": "inner#2", "secrets": "exact"`+change+`}`)
		x.denied(who, "POST", "/v1/environments/inner/rollback", `{"release": 3, "secrets": "exact"`+change+`}`)
		x.denied(who, "POST", "/v1/environments/inner/rollback", `{"components": ["my-prompt"], "with_config": true, "secrets": "exact"`+change+`}`)
		x.denied(who, "POST", "/v1/environments/debug-2/restore", `{"from": "production", "create": "always"`+change+`}`)
		x.denied(who, "POST", "/v1/environments", `{"name": "mine", "parent": "production"`+change+`}`)
		x.denied(who, "PATCH", "/v1/environments/debug", `{"parent": "production"`+change+`}`)
		x.denied(who, "PUT", "/v1/environments/production/variables/API_TOKEN", `{"value": "x", "secret": false`+change+`}`)
		x.denied(who, "POST", "/v1/environments/production/variables/import", `{"text": "API_TOKEN=x"`+change+`}`)
		x.denied(who, "POST", "/v1/environments/production/variables/API_TOKEN/shred", `{"reason": "x"`+change+`}`)
		x.denied(who, "POST", "/v1/environments/production/rollback", `{"to": "production#1"`+change+`}`)
		x.denied(who, "POST", "/v1/keys/rotate", `{"reason": "x"`+change+`}`)
	}
	x.denied(who, "PUT", "/v1/environments/production/variables/KEYED_TOKEN", x.keyed, "Idempotency-Key", "one")
	x.denied(who, "DELETE", "/v1/environments/production/variables/API_TOKEN", "")
	x.denied(who, "GET", "/v1/backup", "")
	x.denied(who, "GET", "/v1/tokens", "")
}

// readsMasked are the questions that they may ask.
func (x *access) readsMasked(who holder) {
	for _, path := range []string{
		"/v1/diff?from=debug&to=production&contents=true", "/v1/diff/variables?from=debug&to=production", "/v1/diff/variables?from=production%231&to=production&component=my-prompt",
		"/v1/history?limit=1000", "/v1/audit?limit=1000", "/v1/components/my-prompt/versions/1", "/v1/components/my-prompt/versions/1/files/prompt.md", "/metrics",
		"/v1/environments/production/state", "/v1/environments/production/state?release=1", "/v1/environments/production/releases", "/v1/environments/production/effective?component=my-prompt",
		"/v1/environments/inner/state", "/v1/environments/inner/effective", "/v1/environments/production/resolve/my-prompt?content=true",
	} {
		x.done(who, "GET", path, "")
	}
	for _, environment := range []string{"production", "inner"} {
		answer := x.done(who, "GET", "/v1/environments/"+environment+"/variables", "")
		if !strings.Contains(answer, `"key":"PLAIN","value":"second"`) || !strings.Contains(answer, `"key":"API_TOKEN","fingerprint":`) {
			x.Errorf("%s sees of %s: %s", who.name, environment, answer)
		}
	}
	events := x.follow(who.token, "production")
	must[sluice.Outcome](x.T)(x.admin.Deploy(x.Context(), sluice.DeployRequest{
		Environment: "production", Changes: []sluice.ChangeRequest{putting("LATER_TOKEN", "", x.theirs.secret("while "+who.name+" watches"))},
		Change: sluice.Change{Reason: "while " + who.name + " watches"},
	}))
	x.theirs.search(x.T, "the watch of "+who.name, events.until(x.T, "while "+who.name+" watches"))
	// One who has an administrator's name, and not the rights, gets the stored answer.
	namesake := holder{name: "admin", token: x.token("admin", []string{"debug"}, sluice.RoleDeployer)}
	before := x.everything()
	status, answer := x.by(namesake, "PUT", "/v1/environments/production/variables/KEYED_TOKEN", x.keyed, "Idempotency-Key", "one")
	if status == http.StatusOK && !strings.Contains(answer, `"replayed":true`) || x.everything() != before {
		x.Errorf("a namesake's request: %d %s", status, answer)
	}
}

// launders takes what is inherited along every way on which it could become
// one's own.
func (x *access) launders(who holder) {
	const inner = "/v1/environments/inner"
	still := func(after string) {
		x.Helper()
		for _, key := range []string{"API_TOKEN", "SHARED_KEY", "DSN"} {
			v := must[sluice.Variable](x.T)(x.admin.Variable(x.Context(), sluice.VariableRequest{Environment: sluice.EnvironmentRef{Name: "inner"}, Key: key}))
			if v.Environment == "inner" {
				x.Errorf("%s is inner's own after %s: %+v", key, after, v)
			}
		}
		x.denied(who, "POST", inner+"/effective/reveal", "")
	}
	x.done(who, "PUT", inner+"/variables/API_TOKEN", `{"value": "mine", "secret": false}`)
	x.done(who, "DELETE", inner+"/variables/API_TOKEN", "")
	still("a value of one's own was taken away")
	x.done(who, "PUT", inner+"/variables/API_TOKEN", `{"value": "mine"}`)
	last := must[sluice.Environment](x.T)(x.admin.Environment(x.Context(), "inner")).Release
	x.done(who, "POST", inner+"/rollback", fmt.Sprintf(`{"release": %d, "secrets": "exact"}`, last))
	still("going back to what is inherited")
	x.done(who, "POST", inner+"/restore", `{"from": "production", "secrets": "exact"}`)
	still("restoring what is inherited")
	x.done(who, "POST", inner+"/rollback", `{"to": "inner#2", "secrets": "current"}`)
	still("going back with the present secrets")
	x.done(who, "POST", inner+"/restore", `{"from": "production", "secrets": "exact"}`)
	x.done(who, "PUT", inner+"/variables/API_TOKEN", `{"value": "mine"}`)
	must[sluice.Outcome](x.T)(x.admin.Deploy(x.Context(), sluice.DeployRequest{
		Environment: "production", Changes: []sluice.ChangeRequest{putting("API_TOKEN", "", x.theirs.secret("changed while "+who.name+" had another"))},
	}))
	last = must[sluice.Environment](x.T)(x.admin.Environment(x.Context(), "inner")).Release
	x.denied(who, "POST", inner+"/rollback", fmt.Sprintf(`{"release": %d, "secrets": "exact"}`, last))
	x.done(who, "DELETE", inner+"/variables/API_TOKEN", "")
	still("the parent changed")
}

// allowed is what they are there for.
func (x *access) allowed(who holder) {
	const debug = "/v1/environments/debug"
	restored := x.done(who, "POST", debug+"/restore", `{"from": "production"}`)
	var out sluice.Outcome
	if err := json.Unmarshal([]byte(restored), &out); err != nil || len(out.Stubbed) < 4 {
		x.Errorf("restored: %v, %s", err, restored)
	}
	stub := x.done(who, "GET", debug+"/variables/API_TOKEN", "")
	if !strings.Contains(stub, `"stub":true`) {
		x.Errorf("after a restore there is %s", stub)
	}
	if answer := x.done(who, "POST", debug+"/variables/API_TOKEN/reveal", ""); strings.Contains(answer, `"value"`) {
		x.Errorf("a stub has a value: %s", answer)
	}
	x.done(who, "PUT", debug+"/variables/API_TOKEN", `{"value": "one of `+who.name+`"}`)
	x.done(who, "POST", debug+"/variables/import", `{"text": "API_TOKEN='two of `+who.name+`'\nMORE=1\n"}`)
	last := must[sluice.Environment](x.T)(x.admin.Environment(x.Context(), "debug")).Release
	x.done(who, "POST", debug+"/rollback", fmt.Sprintf(`{"to": "debug#%d", "secrets": "exact"}`, last-1))
	if answer := x.done(who, "GET", debug+"/variables/PLAIN", ""); !strings.Contains(answer, `"value":"second"`) {
		x.Errorf("a plain value: %s", answer)
	}
	if who.reveals {
		answer := x.done(who, "POST", debug+"/variables/API_TOKEN/reveal", "")
		if !strings.Contains(answer, "one of "+who.name) {
			x.Errorf("revealed: %s", answer)
		}
		x.seen = append(x.seen, fmt.Sprintf("%s debug#%d %s", who.name, last+1, `{"environment":"debug#`+fmt.Sprint(last+1)+`","variables":["API_TOKEN of debug"]}`))
		answer = x.done(who, "POST", fmt.Sprintf("%s/variables/API_TOKEN/reveal?release=%d&component=my-prompt", debug, last), "")
		if strings.Contains(answer, `"value"`) { // its overlay is a stub
			x.Errorf("revealed: %s", answer)
		}
	} else {
		x.denied(who, "POST", debug+"/variables/API_TOKEN/reveal", "")
	}
	x.done(who, "POST", debug+"/rollback", `{"to": "debug#1", "secrets": "stub"}`)
	x.done(who, "POST", debug+"/restore", `{"from": "debug#0", "secrets": "exact"}`)
}

// revealsAreRecorded: the ledger tells of each reveal once, and of those that were
// refused not at all.
func (x *access) revealsAreRecorded() {
	if status, answer := x.ask(x.FirstToken(), "POST", "/v1/environments/inner/variables/SHARED_KEY/reveal?component=my-prompt", ""); status != 200 || !strings.Contains(answer, x.theirs.needles["of base"][0]) {
		x.Errorf("an administrator's reveal: %d %s", status, answer)
	}
	release := must[sluice.Environment](x.T)(x.admin.Environment(x.Context(), "inner")).Release
	x.seen = append(x.seen, fmt.Sprintf("admin inner#%d %s", release, fmt.Sprintf(`{"environment":"inner#%d","component":"my-prompt","variables":["SHARED_KEY of base"]}`, release)))
	page := must[sluice.Page[sluice.Entry]](x.T)(x.admin.Entries(x.Context(), sluice.AuditQuery{Kind: sluice.EntryVariableReveal}))
	var told []string
	for _, e := range page.Items {
		told = append([]string{fmt.Sprintf("%s %s %s", e.Actor, e.Subject, e.Payload)}, told...)
	}
	if fmt.Sprintf("%q", told) != fmt.Sprintf("%q", x.seen) {
		x.Errorf("the ledger tells of\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(x.seen, "\n"))
	}
}
