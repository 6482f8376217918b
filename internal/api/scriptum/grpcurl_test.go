package scriptum_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/sluice-dev/sluice/internal/sluicetest"
)

// TestGrpcurl makes the documented call with the program that is documented, over
// TLS, as it is printed but for host and token.
func TestGrpcurl(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := sluicetest.Certificate(t, dir, "localhost")
	in := install(t, server.Config{TLSCert: cert, TLSKey: key})
	admin := sluice.WithActor(t.Context(), sluice.Actor{Name: "alice", Roles: []sluice.Role{sluice.RoleAdmin}})
	if _, err := in.Services().AddComponent(admin, sluice.AddComponentRequest{Name: "invoice-parser", Kind: sluice.KindScript}); err != nil {
		t.Fatal(err)
	}
	in.workflow("smoke", invoices(1))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "github.com/fullstorydev/grpcurl/cmd/grpcurl")
	build.Dir = filepath.Join("..", "..", "..", "tools") // where its version is pinned
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, port, _ := strings.Cut(in.Addr(), ":")
	run := func(script string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "SSL_CERT_FILE="+cert,
			"DODIL_TOKEN="+in.FirstToken(), "SCRIPTUM_ORG_ID=default", "HOST=localhost:"+port)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		return out.String(), err
	}
	const call = `grpcurl \
  -H "authorization: Bearer $DODIL_TOKEN" \
  -H "x-organization-id: $SCRIPTUM_ORG_ID" \
  -d '{
    "name":"invoice-parser",
    "set":{"LLM_MODEL":"gpt-4o","TEMPERATURE":"0.0"},
    "delete":["LEGACY_MODEL"]
  }' \
  $HOST dodil.scriptum.v1.ScriptumService/UpdateScriptEnv`
	out, err := run(call)
	if err != nil || !strings.Contains(out, `"LLM_MODEL": "gpt-4o"`) || !strings.Contains(out, `"release": "1"`) {
		t.Errorf("%v\n%s", err, out)
	}
	set, err := in.Services().Effective(admin, sluice.EffectiveRequest{Environment: sluice.EnvironmentRef{Name: "production"}, Component: "invoice-parser"})
	if err != nil || len(set.Variables) != 2 || *set.Variables[0].Value != "gpt-4o" || *set.Variables[1].Value != "0.0" {
		t.Errorf("the overlay is %v, %v", set.Variables, err)
	}
	for script, want := range map[string]string{
		"grpcurl $HOST list": "dodil.scriptum.v1.ScriptumService",
		"grpcurl $HOST describe dodil.scriptum.v1.UpdateScriptEnvRequest":             "map<string, string> set = 2",
		"grpcurl $HOST dodil.scriptum.v1.ScriptumService/HealthCheck":                 `"status": "ok"`,
		strings.Replace(call, "Bearer $DODIL_TOKEN", "Bearer wrong", 1):               "Code: Unauthenticated",
		strings.Replace(call, "$SCRIPTUM_ORG_ID", "another", 1):                       "Code: PermissionDenied",
		strings.Replace(call, `"name":"invoice-parser"`, `"name":"invoice-parse"`, 1): "fix: did you mean invoice-parser?",
		strings.Replace(call, `"TEMPERATURE"`, `"TEMPERATURE "`, 1):                   "Code: InvalidArgument",
		strings.NewReplacer("UpdateScriptEnv", "CreateThread", `"name":"invoice-parser"`, `"script_name":"smoke"`, `"set":{"LLM_MODEL":"gpt-4o","TEMPERATURE":"0.0"}`,
			`"version":1,"input_json":"{\"invoice\":\"INV-7\"}"`, `"delete":["LEGACY_MODEL"]`, `"load_env":true`).Replace(call): `"scriptName": "smoke"`,
		`grpcurl -H "authorization: Bearer $DODIL_TOKEN" $HOST ` + pb.ScriptumService_ListScripts_FullMethodName[1:]: `"name": "invoice-parser"`,
	} {
		if out, _ := run(script); !strings.Contains(out, want) {
			t.Errorf("%s\n%s\nwant %s", script, out, want)
		}
	}
}
