package crashtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/cli"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/sluice-dev/sluice/internal/store"
)

// TestSecrecy puts secrets in by every way that there is, and by some that are
// none, does everything that moves them, and then looks for them everywhere.
func TestSecrecy(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, cfg server.Config) {
		s := serve(t, cfg)
		x := &secrecy{served: s, admin: s.as(s.FirstToken()), viewer: s.token("bob", nil, sluice.RoleViewer)}
		for _, environment := range []string{"base", "staging", "production"} {
			x.streams = append(x.streams, s.follow(x.viewer, environment))
		}
		x.published()
		x.dryRuns()
		x.waysIn()
		x.commandLine()
		x.moves()
		x.wrongRequests()
		x.looks()
		x.searchAll()
	})
}

// secrecy is one run.
type secrecy struct {
	*served
	admin   *client.Client
	viewer  string
	streams []*stream

	secrets hoard // may be in the answers that reveal alone
	plain   hoard // may be in answers, and not where they are kept
	backup  []byte
}

func (x *secrecy) change(key string) sluice.Change {
	return sluice.Change{Reason: "because", IdempotencyKey: key}
}

func (x *secrecy) published() {
	for _, label := range []string{"v1.0.0", "v1.1.0"} {
		must[sluice.Published](x.T)(x.admin.Publish(x.Context(), sluice.PublishRequest{
			Component: "my-prompt", Kind: sluice.KindPrompt, Label: label, Files: []sluice.File{{Path: "prompt.md", Text: label}},
		}))
	}
}

// putting is a change that sets a variable.
func putting(key, component, value string) sluice.ChangeRequest {
	return sluice.ChangeRequest{Variable: key, Component: component, Value: &value}
}

// dryRuns are made before there is a key, and again later.
func (x *secrecy) dryRuns() {
	dry := sluice.Change{DryRun: true, IdempotencyKey: fmt.Sprint("dry", len(x.secrets.names))}
	must[sluice.Outcome](x.T)(x.admin.Deploy(x.Context(), sluice.DeployRequest{
		Environment: "production", Changes: []sluice.ChangeRequest{putting("API_TOKEN", "", x.secrets.secret("a dry run"))}, Change: dry,
	}))
	must[sluice.ImportReport](x.T)(x.admin.ImportVariables(x.Context(), sluice.ImportVariablesRequest{
		Environment: "production", Change: dry, Text: sluice.FormatDotenv([]sluice.Assignment{{Key: "API_TOKEN", Value: x.secrets.secret("a dry import")}}),
	}))
}

// waysIn are the requests that store a secret.
func (x *secrecy) waysIn() {
	sets := func(environment, key string, changes ...sluice.ChangeRequest) {
		x.Helper()
		req := sluice.DeployRequest{Environment: environment, Create: sluice.CreateAlways, Changes: changes, Change: x.change(key)}
		must[sluice.Outcome](x.T)(x.admin.Deploy(x.Context(), req))
		if again := must[sluice.Outcome](x.T)(x.admin.Deploy(x.Context(), req)); !again.Replayed {
			x.Errorf("%s was not replayed", key)
		}
		req.Changes = []sluice.ChangeRequest{putting("API_TOKEN", "", x.secrets.secret("another value with the key "+key))}
		if _, err := x.admin.Deploy(x.Context(), req); sluice.CodeOf(err) != sluice.Conflict {
			x.Errorf("another value with the key %s: %v", key, err)
		}
	}
	told := putting("TOLD", "", x.secrets.secret("told to be secret"))
	told.Secret = new(true)
	sets("production", "set", putting("API_TOKEN", "", x.secrets.secret("set")), told, putting("PLAIN", "", x.plain.secret("set")))
	sets("production", "overlay", putting("API_TOKEN", "my-prompt", x.secrets.secret("overlay")), putting("PLAIN", "my-prompt", x.plain.secret("overlay")))
	sets("production", "deploy", sluice.ChangeRequest{Component: "my-prompt", Version: "v1.0.0"}, putting("DEPLOYED_KEY", "", x.secrets.secret("deploy")))
	sets("base", "base", putting("SHARED_PASSWORD", "", x.secrets.secret("inherited")), putting("PLAIN", "", x.plain.secret("inherited")))
	sets("debug", "create", putting("API_TOKEN", "", x.secrets.secret("a new environment")))
	sets("staging", "url", putting("DSN", "", "postgres://alice:"+url.QueryEscape(x.secrets.secret("a URL"))+"@db/x"))
	large := x.secrets.secret("a large one")
	sets("staging", "large", putting("LARGE_KEY", "", strings.Repeat(large, sluice.MaxValueBytes/len(large))))
	text := sluice.FormatDotenv([]sluice.Assignment{
		{Key: "IMPORTED_TOKEN", Value: x.secrets.secret("import")},
		{Key: "IMPORTED_TOKEN", Value: x.secrets.secret("import, repeated")},
		{Key: "IMPORTED", Value: x.plain.secret("import")},
		{Key: "API_TOKEN", Value: x.secrets.secret("import over another")},
	}) + "# " + x.secrets.secret("a comment") + "\n"
	for _, component := range []string{"", "my-prompt"} {
		req := sluice.ImportVariablesRequest{Environment: "production", File: ".env", Text: text, Component: component, Change: x.change("import" + component)}
		must[sluice.ImportReport](x.T)(x.admin.ImportVariables(x.Context(), req))
		must[sluice.ImportReport](x.T)(x.admin.ImportVariables(x.Context(), req))
		req.Text += "API_TOKEN=" + x.secrets.secret("another text with the key")
		if _, err := x.admin.ImportVariables(x.Context(), req); sluice.CodeOf(err) != sluice.Conflict {
			x.Errorf("another text with the key: %v", err)
		}
	}
	body := must[[]byte](x.T)(json.Marshal(map[string]any{"value": x.secrets.secret("HTTP PUT"), "reason": "by hand"}))
	for range 2 { // the second is a replay
		if status, answer := x.ask(x.FirstToken(), "PUT", "/v1/environments/prod/variables/PUT_TOKEN", string(body), "Idempotency-Key", "put"); status != 200 {
			x.Errorf("PUT: %d %s", status, answer)
		}
	}
}

// commandLine sets by the commands that people type. What they print is kept,
// but for the one that reveals.
func (x *secrecy) commandLine() {
	dir := x.TempDir()
	file := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			x.Fatal(err)
		}
	}
	file("value", x.secrets.secret("KEY=@FILE"))
	file(".env", "CLI_IMPORTED_TOKEN='"+strings.ReplaceAll(x.secrets.secret("env import"), "'", "")+"'\n")
	file("bad.env", "A=1\n"+x.secrets.secret("a bad line of a file")+"\nB='"+x.secrets.secret("a quote that stays open")+"\n")
	run := func(want int, stdin string, args ...string) string {
		x.Helper()
		var out bytes.Buffer
		status := cli.Run(x.Context(), cli.Process{
			Args: append(args, "--server", "http://"+x.Addr(), "--token", x.FirstToken()), Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &out,
			Getenv: func(string) string { return "" }, Now: time.Now, Dir: dir,
		})
		if status != want {
			x.Errorf("sluice %q ended with %d, not %d: %s", args, status, want, out.String())
		}
		x.said = append(x.said, reply{to: "sluice " + strings.Join(args[:2], " "), body: out.Bytes()})
		return out.String()
	}
	run(0, "", "env", "set", "CLI_TOKEN="+x.secrets.secret("env set"), "-e", "staging")
	run(0, x.secrets.secret("standard input"), "env", "set", "CLI_KEY", "-e", "staging")
	run(0, "", "env", "set", "CLI_FILE_KEY=@value", "-e", "staging")
	run(0, "", "env", "import", ".env", "-e", "staging")
	run(0, "", "deploy", "set", "my-prompt", "v1.1.0", "--to", "staging", "--set", "CLI_SET_KEY@my-prompt="+x.secrets.secret("deploy --set"))
	run(2, "", "env", "import", "bad.env", "-e", "staging")
	run(2, "", "env", "set", "API TOKEN="+x.secrets.secret("a bad key"), "-e", "staging")
	run(2, "", "env", "set", x.secrets.secret("no key at all"), "-e", "staging")
	run(2, "", "env", "get", x.secrets.secret("got"), "-e", "staging")
	run(2, "", "env", "delete", x.secrets.secret("deleted"), "-e", "staging")
	run(2, "", "deploy", "set", "my-prompt", "v1.0.0", "--to", "staging", "--set", x.secrets.secret("deploy --set without a key"))
	run(2, "", "promote", "my-prompt", "--from", "staging", "--to", "production", "--with-config", "CLI_TOKEN="+x.letters("--with-config"))
	for _, args := range [][]string{
		{"env", "list"},
		{"env", "get", "CLI_TOKEN"},
		{"env", "effective", "--component", "my-prompt"},
		{"env", "export"},
		{"env", "export", "--format", "shell"},
		{"env", "export", "-o", "json"},
		{"env", "diff", "staging", "production"},
		{"history", "--limit", "50"},
		{"audit", "list"},
	} {
		if args[0] == "env" && args[1] != "diff" {
			args = append(args, "-e", "staging")
		}
		run(0, "", args...)
	}
	before := len(x.said)
	if out := run(0, "", "env", "export", "--reveal", "-e", "staging"); !strings.Contains(out, x.secrets.needles["standard input"][0]) {
		x.Errorf("the export does not reveal:\n%s", out)
	}
	x.said = x.said[:before]
}

// moves are the changes that carry secrets from one place to another.
func (x *secrecy) moves() {
	ctx := x.Context()
	outcome := must[sluice.Outcome](x.T)
	outcome(x.admin.Promote(ctx, sluice.PromoteRequest{Environment: "production", From: "staging", WithConfig: []string{"DSN", "LARGE_KEY", "CLI_SET_KEY@my-prompt"}, Change: x.change("promote")}))
	for i, policy := range []sluice.SecretPolicy{sluice.SecretsExact, sluice.SecretsCurrent, sluice.SecretsStub} {
		name := fmt.Sprint("restored-", i)
		outcome(x.admin.Rollback(ctx, sluice.RollbackRequest{Environment: "production", To: fmt.Sprint("production#", 2+i), Secrets: policy, Change: x.change("back" + name)}))
		outcome(x.admin.Restore(ctx, sluice.RestoreRequest{Environment: name, From: "production#4", Secrets: policy, Create: sluice.CreateAlways, Change: x.change(name)}))
	}
	outcome(x.admin.Deploy(ctx, sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{
		{Component: "my-prompt", Version: "v1.1.0"}, putting("API_TOKEN", "my-prompt", x.secrets.secret("with a version")),
	}}))
	outcome(x.admin.Rollback(ctx, sluice.RollbackRequest{Environment: "production", Components: []string{"my-prompt"}, WithConfig: true, Secrets: sluice.SecretsExact}))
	outcome(x.admin.Rollback(ctx, sluice.RollbackRequest{Environment: "staging", Release: 1, Secrets: sluice.SecretsExact}))
	outcome(x.admin.Deploy(ctx, sluice.DeployRequest{Environment: "debug", Changes: []sluice.ChangeRequest{{Variable: "SHARED_PASSWORD", Hide: true}, {Variable: "API_TOKEN", Unset: true}}}))
	shredded := must[sluice.ShredReport](x.T)(x.admin.ShredVariable(ctx, sluice.ShredRequest{Environment: "debug", Key: "API_TOKEN", Change: x.change("shred")}))
	if len(shredded.Shredded) != 1 {
		x.Errorf("shredded %+v", shredded)
	}
	for _, master := range []bool{false, true} {
		must[sluice.KeyReport](x.T)(x.admin.RotateKey(ctx, sluice.RotateKeyRequest{Master: master}))
		x.dryRuns()
		must[sluice.Outcome](x.T)(x.admin.Deploy(ctx, sluice.DeployRequest{
			Environment: "staging", Changes: []sluice.ChangeRequest{putting("AFTER_KEY", "", x.secrets.secret("after a rotation"))},
		}))
	}
	must[sluice.EnvironmentChange](x.T)(x.admin.CreateEnvironment(ctx, sluice.CreateEnvironmentRequest{Name: "canary", Parent: "production"}))
	must[sluice.EnvironmentChange](x.T)(x.admin.DeleteEnvironment(ctx, sluice.DeleteEnvironmentRequest{Name: "restored-0"}))
	revealed := must[sluice.EffectiveSet](x.T)(x.admin.Effective(ctx, sluice.EffectiveRequest{Environment: sluice.EnvironmentRef{Name: "staging"}, Component: "my-prompt", Reveal: true}))
	found := 0
	for _, v := range revealed.Variables {
		if v.Secret && v.Value != nil {
			found++
		}
	}
	if found < 8 {
		x.Errorf("%d secrets are revealed", found)
	}
	must[sluice.Variable](x.T)(x.admin.Variable(ctx, sluice.VariableRequest{Environment: sluice.EnvironmentRef{Name: "production"}, Key: "API_TOKEN", Reveal: true}))
}

// looks are all questions that show variables to whoever may read.
func (x *secrecy) looks() {
	for _, path := range []string{
		"/v1/info", "/v1/audit?limit=1000", "/v1/history?limit=1000", "/v1/history?at=2100-01-01T00:00:00Z&versions=true", "/v1/components?versions=true",
		"/v1/components/my-prompt", "/v1/components/my-prompt/versions/1", "/v1/diff?from=staging&to=production&contents=true", "/v1/diff?from=production%230&to=production",
		"/v1/diff/variables?from=staging&to=production", "/v1/diff/variables?from=production%233&to=production&component=my-prompt", "/metrics", "/openapi.json",
	} {
		if status, body := x.ask(x.viewer, "GET", path, ""); status != 200 {
			x.Errorf("GET %s: %d %s", path, status, body)
		}
	}
	for _, environment := range []string{"base", "development", "staging", "production", "debug", "canary", "restored-1", "restored-2"} {
		for _, path := range []string{
			"", "/state", "/releases?limit=1000", "/variables", "/variables?release=1", "/variables?component=my-prompt", "/variables/API_TOKEN", "/variables/API_TOKEN?component=my-prompt",
			"/effective", "/effective?component=my-prompt", "/effective?release=1", "/state/my-prompt", "/resolve/my-prompt?content=true",
		} {
			x.ask(x.viewer, "GET", "/v1/environments/"+environment+path, "")
		}
		for _, path := range []string{"/variables/API_TOKEN/reveal", "/effective/reveal", "/variables/API_TOKEN/reveal?release=1"} {
			x.ask(x.viewer, "POST", "/v1/environments/"+environment+path, "")
		}
	}
	verified := must[sluice.VerifyReport](x.T)(x.admin.Verify(x.Context(), sluice.VerifyRequest{}))
	if !verified.Holds || verified.Opened != verified.Sealed || verified.Opened < 20 {
		x.Errorf("verified %+v", verified)
	}
	must[sluice.Checkpoint](x.T)(x.admin.Checkpoint(x.Context()))
	_, body := x.ask(x.FirstToken(), "GET", "/v1/backup", "")
	x.backup = []byte(body)
}

// searchAll looks everywhere. The master key and the tokens are secrets too.
func (x *secrecy) searchAll() {
	for _, environment := range []string{"base", "staging", "production"} {
		must[sluice.Outcome](x.T)(x.admin.Deploy(x.Context(), sluice.DeployRequest{
			Environment: environment, Changes: []sluice.ChangeRequest{putting("LAST", "", environment)}, Change: sluice.Change{Reason: "the last of " + environment},
		}))
	}
	keys := x.cfg.MasterKeyFile
	if keys == "" {
		keys = filepath.Join(x.cfg.Data, server.KeyFile)
	}
	var kept hoard
	for line := range strings.Lines(string(must[[]byte](x.T)(os.ReadFile(keys)))) {
		if key := strings.TrimSpace(line); strings.HasPrefix(key, "AGE-SECRET-KEY-") {
			kept.add("the master key", key[16:50])
		}
	}
	kept.add("the first token", x.FirstToken()[20:])
	kept.add("another token", x.viewer[20:])
	if len(kept.names) != 4 {
		x.Errorf("the keys are %v", kept.names)
	}
	for i, environment := range []string{"base", "staging", "production"} {
		events := x.streams[i].until(x.T, "the last of "+environment)
		for _, h := range []*hoard{&x.secrets, &x.plain, &kept} {
			h.search(x.T, "the watch of "+environment, events)
		}
	}
	for _, r := range x.said {
		x.secrets.search(x.T, "the answer to "+r.to, r.body)
		kept.search(x.T, "the answer to "+r.to, r.body)
	}
	file := filepath.Join(x.TempDir(), store.File)
	if err := os.WriteFile(file, x.backup, 0o600); err != nil {
		x.Fatal(err)
	}
	for _, h := range []*hoard{&x.secrets, &x.plain, &kept} {
		h.searchFiles(x.T, x.cfg.Data, filepath.Base(keys)) // with the log that is not yet in the file
		h.searchRows(x.T, x.store())
		h.search(x.T, "the backup", x.backup)
		h.searchRows(x.T, store.Config{Dir: filepath.Dir(file)})
	}
	x.stop()
	for _, h := range []*hoard{&x.secrets, &x.plain, &kept} {
		h.search(x.T, "the log", x.log.Bytes())
		h.searchFiles(x.T, x.cfg.Data, filepath.Base(keys))
	}
}
