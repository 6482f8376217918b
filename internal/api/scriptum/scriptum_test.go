package scriptum_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
	"github.com/sluice-dev/sluice/internal/server"
)

// installation is a real server and a client of gRPC that speaks to it.
type installation struct {
	pb.ScriptumServiceClient
	*server.Server
	conn *grpc.ClientConn
	t    *testing.T
}

func install(t *testing.T, cfg server.Config) *installation {
	t.Helper()
	cfg.Data, cfg.Listen = t.TempDir(), "127.0.0.1:0"
	s, err := server.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	conn, err := grpc.NewClient(s.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &installation{pb.NewScriptumServiceClient(conn), s, conn, t}
}

// as is a context with a token, and pairs of further metadata.
func as(t *testing.T, token string, pairs ...string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), append([]string{"authorization", "Bearer " + token}, pairs...)...)
}

func (in *installation) admin() context.Context { return as(in.t, in.FirstToken()) }

// asked is the answer to a call that must succeed.
func asked[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantCode(t *testing.T, err error, code codes.Code, words ...string) {
	t.Helper()
	s := status.Convert(err)
	if s.Code() != code {
		t.Errorf("got %v: %s, want %v", s.Code(), s.Message(), code)
	}
	for _, w := range words {
		if !strings.Contains(s.Message(), w) {
			t.Errorf("%q lacks %q", s.Message(), w)
		}
	}
}

// TestScripts goes the way of a script: made, drafted, published, active, back.
func TestScripts(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	latest := "latest"
	if _, err := in.Services().EditEnvironment(sluice.WithActor(ctx, sluice.Actor{Name: "alice", Roles: []sluice.Role{sluice.RoleAdmin}}),
		sluice.EditEnvironmentRequest{Name: "production", Tracks: &latest}); err != nil {
		t.Fatal(err)
	}
	made := asked[*pb.CreateScriptResponse](t)(in.CreateScript(ctx, &pb.CreateScriptRequest{
		Name: "invoice-parser", Description: "Reads invoices", Tags: []string{"beta"},
		Labels: []*pb.Label{{Key: "team", Values: []string{"search", "billing"}}}, Env: map[string]string{"LLM_MODEL": "gpt-4", "API_KEY": "hush"},
	})).GetScript()
	if made.GetStatus() != pb.ScriptStatus_SCRIPT_STATUS_CREATED || made.GetEnvironment() != "production" || made.GetHasDraft() ||
		!slices.Equal(made.GetTags(), []string{"beta"}) || len(made.GetLabels()) != 1 || !slices.Equal(made.GetLabels()[0].GetValues(), []string{"billing", "search"}) {
		t.Errorf("made %v", made)
	}
	for v := 1; v <= 3; v++ {
		text := fmt.Sprintf("script \"Invoice\" -- %d\n", v)
		asked[*pb.SaveScriptDraftResponse](t)(in.SaveScriptDraft(ctx, &pb.SaveScriptDraftRequest{Name: "invoice-parser", DslContent: text}))
		if d := asked[*pb.GetDraftInfoResponse](t)(in.GetDraftInfo(ctx, &pb.GetDraftInfoRequest{Name: "invoice-parser"})); d.GetDslContent() != text || d.GetDraft().GetPublishedVersion() != 0 {
			t.Errorf("the draft is %v", d)
		}
		p := asked[*pb.PublishScriptDraftResponse](t)(in.PublishScriptDraft(ctx, &pb.PublishScriptDraftRequest{Name: "invoice-parser"}))
		if p.GetVersion().GetVersion() != int32(v) || p.GetActiveVersion() != int32(v) || p.GetMessage() != "" || p.GetVersion().GetStatus() != pb.VersionStatus_VERSION_STATUS_ACTIVE {
			t.Errorf("published %v", p)
		}
	}
	back := asked[*pb.RollbackScriptResponse](t)(in.RollbackScript(ctx, &pb.RollbackScriptRequest{Name: "invoice-parser", Version: 2, Ticket: "INC-1"}))
	if back.GetVersion().GetVersion() != 2 || back.GetEnvironment() != "production" || back.GetRelease() == 0 || !strings.HasPrefix(back.GetUndo(), "roll invoice-parser in production back to ") {
		t.Errorf("went back: %v", back)
	}
	if back = asked[*pb.RollbackScriptResponse](t)(in.RollbackScript(ctx, &pb.RollbackScriptRequest{Name: "invoice-parser"})); back.GetVersion().GetVersion() != 1 {
		t.Errorf("went back once more: %v", back)
	}
	_, err := in.RollbackScript(ctx, &pb.RollbackScriptRequest{Name: "invoice-parser"})
	wantCode(t, err, codes.NotFound, "nothing was live before 1", "fix: ")

	var statuses []string
	for _, v := range asked[*pb.ListScriptVersionsResponse](t)(in.ListScriptVersions(ctx, &pb.ListScriptVersionsRequest{Name: "invoice-parser"})).GetVersions() {
		statuses = append(statuses, fmt.Sprint(v.GetVersion(), " ", strings.TrimPrefix(v.GetStatus().String(), "VERSION_STATUS_")))
	}
	if want := []string{"3 SUPERSEDED", "2 SUPERSEDED", "1 ACTIVE"}; !slices.Equal(statuses, want) {
		t.Errorf("got %v, want %v", statuses, want)
	}
	if v := asked[*pb.GetScriptVersionResponse](t)(in.GetScriptVersion(ctx, &pb.GetScriptVersionRequest{Name: "invoice-parser"})).GetVersion(); v.GetVersion() != 1 {
		t.Errorf("version 0 is %v", v)
	}
	if c := asked[*pb.GetScriptCodeResponse](t)(in.GetScriptCode(ctx, &pb.GetScriptCodeRequest{Name: "invoice-parser", Version: 3})); c.GetDslContent() != "script \"Invoice\" -- 3\n" {
		t.Errorf("the code is %v", c)
	}
	got := asked[*pb.GetScriptResponse](t)(in.GetScript(ctx, &pb.GetScriptRequest{Name: "invoice-parser"}))
	if got.GetScript().GetStatus() != pb.ScriptStatus_SCRIPT_STATUS_ACTIVE || got.GetActive().GetVersion() != 1 || got.GetDraft().GetPublishedVersion() != 3 {
		t.Errorf("got %v", got)
	}
	_, err = in.DeleteScript(ctx, &pb.DeleteScriptRequest{Name: "invoice-parser"})
	wantCode(t, err, codes.FailedPrecondition, "was deployed to production", "fix: take invoice-parser away from production with POST /v1/environments/production/releases")
}

// TestPublishReadsWhole refuses a draft that cannot run, over gRPC and HTTP alike.
func TestPublishReadsWhole(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	asked[*pb.CreateScriptResponse](t)(in.CreateScript(ctx, &pb.CreateScriptRequest{Name: "a"}))
	for place, draft := range map[string]*pb.SaveScriptDraftRequest{
		"a.scriptum:2:11: the script: unexpected token ;":                  {Name: "a", DslContent: "const a = 1;\nreturn a +;\n"},
		"a.yaml:1:38: the default of \"n\" does not fit it: it is text; a": {Name: "a", YamlContent: "inputs: {n: {type: integer, default: x}}\nblocks: [{id: a, block: echo, vaule: 1}]\n"},
	} {
		asked[*pb.SaveScriptDraftResponse](t)(in.SaveScriptDraft(ctx, draft))
		_, err := in.PublishScriptDraft(ctx, &pb.PublishScriptDraftRequest{Name: "a"})
		wantCode(t, err, codes.InvalidArgument, place, "fix: ")
		if draft.GetYamlContent() != "" {
			wantCode(t, err, codes.InvalidArgument, "\na.yaml:2:31: a block of kind echo has no")
		}
		if status, out := in.call("POST", "/v1/scriptum/scripts/a/draft/publish", ""); status != 400 || !strings.Contains(fmt.Sprint(out), place) {
			t.Errorf("over HTTP: %d %v, want %s", status, out, place)
		}
	}
	asked[*pb.SaveScriptDraftResponse](t)(in.SaveScriptDraft(ctx, &pb.SaveScriptDraftRequest{Name: "a", DslContent: "return (;"}))
	p := asked[*pb.PublishScriptDraftResponse](t)(in.PublishScriptDraft(ctx, &pb.PublishScriptDraftRequest{Name: "a", Unchecked: true}))
	if !strings.HasPrefix(p.GetVersion().GetUnchecked(), "1 mistake: a.scriptum:1:9: ") {
		t.Errorf("unchecked: %v", p)
	}
}

const anyWorkflow = "blocks: [{id: a, block: echo, value: 1}]\n"

// TestPublishDoesNotActivate is the difference that a message tells.
func TestPublishDoesNotActivate(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	asked[*pb.CreateScriptResponse](t)(in.CreateScript(ctx, &pb.CreateScriptRequest{Name: "a"}))
	asked[*pb.SaveScriptDraftResponse](t)(in.SaveScriptDraft(ctx, &pb.SaveScriptDraftRequest{Name: "a", YamlContent: anyWorkflow}))
	p := asked[*pb.PublishScriptDraftResponse](t)(in.PublishScriptDraft(ctx, &pb.PublishScriptDraftRequest{Name: "a"}))
	if p.GetActiveVersion() != 0 || !strings.Contains(p.GetMessage(), "next: deploy version 1 of a to production") || p.GetVersion().GetStatus() != pb.VersionStatus_VERSION_STATUS_COMPILED {
		t.Errorf("published %v", p)
	}
	if c := asked[*pb.GetScriptCodeResponse](t)(in.GetScriptCode(ctx, &pb.GetScriptCodeRequest{Name: "a"})); c.GetYamlContent() != anyWorkflow || c.GetVersion() != 1 {
		t.Errorf("the code is %v", c)
	}
	d := asked[*pb.DeleteScriptResponse](t)
	if s := d(in.DeleteScript(ctx, &pb.DeleteScriptRequest{Name: "a"})).GetScript(); s.GetStatus() != pb.ScriptStatus_SCRIPT_STATUS_ARCHIVED {
		t.Errorf("what development merely tracked: %v", s)
	}
	_, err := in.PublishScriptDraft(ctx, &pb.PublishScriptDraftRequest{Name: "a"})
	wantCode(t, err, codes.FailedPrecondition, "a is archived", "fix: create a again with CreateScript")
	if s := asked[*pb.CreateScriptResponse](t)(in.CreateScript(ctx, &pb.CreateScriptRequest{Name: "a"})).GetScript(); s.GetLatestVersion() != 1 || !s.GetHasDraft() {
		t.Errorf("created again: %v", s)
	}
	asked[*pb.CreateScriptResponse](t)(in.CreateScript(ctx, &pb.CreateScriptRequest{Name: "b", Tags: []string{"x", "y"}}))
	if s := d(in.DeleteScript(ctx, &pb.DeleteScriptRequest{Name: "b"})).GetScript(); s.GetStatus() != pb.ScriptStatus_SCRIPT_STATUS_ARCHIVED {
		t.Errorf("archived: %v", s)
	}
}

func TestListScripts(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	for name, tags := range map[string][]string{"a": {"x"}, "b": {"x", "y"}, "c": {"y"}} {
		asked[*pb.CreateScriptResponse](t)(in.CreateScript(ctx, &pb.CreateScriptRequest{Name: name, Tags: tags, Labels: []*pb.Label{{Key: "team", Values: []string{name}}}}))
	}
	for want, req := range map[string]*pb.ListScriptsRequest{
		"a b c": {}, "b": {Tags: []string{"y", "x"}}, "a c": {Labels: []*pb.Label{{Key: "team", Values: []string{"a", "c"}}}}, "": {Tags: []string{"z"}},
	} {
		var got []string
		for {
			req.PageSize = 1
			page := asked[*pb.ListScriptsResponse](t)(in.ListScripts(ctx, req))
			for _, s := range page.GetScripts() {
				got = append(got, s.GetName())
			}
			if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	yes := true
	if r := asked[*pb.SetEnvVarResponse](t)(in.SetEnvVar(ctx, &pb.SetEnvVarRequest{Key: "LLM_MODEL", Value: "gpt-4o"})); r.GetRelease() != 1 || r.GetEnvVar().GetValue() != "gpt-4o" {
		t.Errorf("set %v", r)
	}
	if r := asked[*pb.SetEnvVarResponse](t)(in.SetEnvVar(ctx, &pb.SetEnvVarRequest{Key: "LLM_MODEL", Value: "gpt-4o"})); r.GetRelease() != 0 {
		t.Errorf("set again %v", r)
	}
	for _, req := range []*pb.SetEnvVarRequest{{Key: "API_KEY", Value: "hush"}, {Key: "WORD", Value: "hush", Secret: &yes}} {
		if r := asked[*pb.SetEnvVarResponse](t)(in.SetEnvVar(ctx, req)).GetEnvVar(); !r.GetSecret() || r.GetValue() != "••••••••" {
			t.Errorf("set %v", r)
		}
	}
	if v := asked[*pb.GetEnvVarResponse](t)(in.GetEnvVar(ctx, &pb.GetEnvVarRequest{Key: "API_KEY"})).GetEnvVar(); v.GetValue() != "••••••••" {
		t.Errorf("got %v", v)
	}
	_, err := in.GetEnvVar(ctx, &pb.GetEnvVarRequest{Key: "LLM_MODLE"})
	wantCode(t, err, codes.NotFound, "did you mean LLM_MODEL?")
	if r := asked[*pb.ImportEnvVarsResponse](t)(in.ImportEnvVars(ctx, &pb.ImportEnvVarsRequest{Content: "# c\nLLM_MODEL=x\nDB_HOST='db'\n"})); r.GetImported() != 2 || r.GetRelease() != 4 {
		t.Errorf("imported %v", r)
	}
	if r := asked[*pb.ImportEnvVarsResponse](t)(in.ImportEnvVars(ctx, &pb.ImportEnvVarsRequest{Vars: map[string]string{"A": "1", "DB_HOST": "db"}})); r.GetImported() != 1 || r.GetRelease() != 5 {
		t.Errorf("imported %v", r)
	}
	_, err = in.ImportEnvVars(ctx, &pb.ImportEnvVarsRequest{Content: "A=2\nhush\n"})
	wantCode(t, err, codes.InvalidArgument, "content:2:1")
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("the error tells: %v", err)
	}
	var list []string
	for _, v := range asked[*pb.ListEnvVarsResponse](t)(in.ListEnvVars(ctx, &pb.ListEnvVarsRequest{})).GetEnvVars() {
		list = append(list, v.GetKey()+"="+v.GetValue())
	}
	if want := "A=1 API_KEY=•••••••• DB_HOST=db LLM_MODEL=x WORD=••••••••"; strings.Join(list, " ") != want {
		t.Errorf("got %v, want %s", list, want)
	}
	for _, release := range []int64{6, 0} { // what is not there is no mistake
		if r := asked[*pb.DeleteEnvVarResponse](t)(in.DeleteEnvVar(ctx, &pb.DeleteEnvVarRequest{Key: "A"})); r.GetRelease() != release {
			t.Errorf("deleted %v, want %d", r, release)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestUnreadableMessages are mistakes of who sends them, over unary calls and streams.
func TestUnreadableMessages(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	for name, c := range map[string]struct {
		bytes []byte
		words string
	}{
		"not UTF-8":  {[]byte{0x0a, 0x02, 0xff, 0xfe}, "not UTF-8"},
		"cut short":  {[]byte{0x0a, 0x7f, 'a'}, "is not one that this call takes"},
		"no message": {[]byte{0xff}, "is not one that this call takes"},
	} {
		raw := grpc.ForceCodecV2(bare{c.bytes})
		_, err := in.GetScript(in.admin(), &pb.GetScriptRequest{}, raw)
		t.Log(name)
		wantCode(t, err, codes.InvalidArgument, c.words, "fix: ")
		watch, err := in.WatchThread(in.admin(), &pb.WatchThreadRequest{}, raw)
		if err == nil {
			_, err = watch.Recv()
		}
		wantCode(t, err, codes.InvalidArgument, c.words, "fix: ")
	}
}

// bare sends bytes in the place of any message.
type bare struct{ bytes []byte }

func (b bare) Name() string                         { return "proto" }
func (b bare) Unmarshal(mem.BufferSlice, any) error { return nil }
func (b bare) Marshal(any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(b.bytes)}, nil
}

func TestOverlays(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	_, err := in.UpdateScriptEnv(ctx, &pb.UpdateScriptEnvRequest{Name: "nobody", Set: map[string]string{"A": "1"}})
	wantCode(t, err, codes.NotFound, "nobody")
	_, err = in.CreateScript(ctx, &pb.CreateScriptRequest{Name: "a", Env: map[string]string{"BAD-KEY": "hush"}})
	wantCode(t, err, codes.InvalidArgument, "a variable key")
	_, err = in.GetScriptEnv(ctx, &pb.GetScriptEnvRequest{Name: "a"})
	wantCode(t, err, codes.NotFound, "a")
	asked[*pb.CreateScriptResponse](t)(in.CreateScript(ctx, &pb.CreateScriptRequest{Name: "a", Env: map[string]string{"LEGACY_MODEL": "old"}}))
	_, err = in.CreateScript(ctx, &pb.CreateScriptRequest{Name: "A"})
	wantCode(t, err, codes.AlreadyExists, "a exists", "fix: see")
	_, err = in.GetEnvVar(ctx, &pb.GetEnvVarRequest{Key: "LEGACY_MODE"}) // of the tenant, which has no such key
	if wantCode(t, err, codes.NotFound, "is not set"); strings.Contains(err.Error(), "LEGACY_MODEL") {
		t.Errorf("advised what it cannot return: %v", err)
	}
	for name, err := range map[string]error{
		"GetEnvVar": second(in.GetEnvVar(ctx, &pb.GetEnvVarRequest{})), "SetEnvVar": second(in.SetEnvVar(ctx, &pb.SetEnvVarRequest{Value: "x"})),
		"DeleteEnvVar": second(in.DeleteEnvVar(ctx, &pb.DeleteEnvVarRequest{})),
	} {
		t.Log(name)
		wantCode(t, err, codes.InvalidArgument, "a variable key is empty")
	}
	for name, err := range map[string]error{
		"ListScripts": second(in.ListScripts(ctx, &pb.ListScriptsRequest{PageToken: "no name"})), "ListEnvVars": second(in.ListEnvVars(ctx, &pb.ListEnvVarsRequest{PageToken: "A"})),
		"ListScriptVersions": second(in.ListScriptVersions(ctx, &pb.ListScriptVersionsRequest{Name: "a", PageToken: "x"})),
		"ListThreads":        second(in.ListThreads(ctx, &pb.ListThreadsRequest{PageToken: "x"})),
	} {
		t.Log(name)
		wantCode(t, err, codes.InvalidArgument, "is not one of this list", "fix: begin without page_token")
	}
	up := asked[*pb.UpdateScriptEnvResponse](t)(in.UpdateScriptEnv(ctx, &pb.UpdateScriptEnvRequest{
		Name: "a", Set: map[string]string{"LLM_MODEL": "gpt-4o", "TEMPERATURE": "0.0", "EMPTY": "", "API_KEY": "hush"}, Delete: []string{"LEGACY_MODEL", "NEVER", "NEVER"},
	}))
	if got := fmt.Sprint(up.GetEnv(), up.GetSecrets(), up.GetRelease()); got != "map[API_KEY:•••••••• EMPTY: LLM_MODEL:gpt-4o TEMPERATURE:0.0] [API_KEY] 2" {
		t.Errorf("got %s", got)
	}
	if got := asked[*pb.GetScriptEnvResponse](t)(in.GetScriptEnv(ctx, &pb.GetScriptEnvRequest{Name: "a"})).GetEnv(); len(got) != 4 {
		t.Errorf("got %v", got)
	}
	for _, req := range []*pb.UpdateScriptEnvRequest{{Name: "a"}, {Set: map[string]string{"A": "1"}}, {Name: "a", Delete: []string{"B-C"}}, {Name: "a", Set: map[string]string{"A": "1"}, Delete: []string{"A"}}} {
		_, err := in.UpdateScriptEnv(ctx, req)
		wantCode(t, err, codes.InvalidArgument)
	}
	// The same request once more, with a key, is the same release.
	req := &pb.UpdateScriptEnvRequest{Name: "a", Set: map[string]string{"LLM_MODEL": "new"}}
	once := asked[*pb.UpdateScriptEnvResponse](t)(in.UpdateScriptEnv(as(t, in.FirstToken(), "idempotency-key", "once"), req))
	again := asked[*pb.UpdateScriptEnvResponse](t)(in.UpdateScriptEnv(as(t, in.FirstToken(), "idempotency-key", "once"), req))
	if once.GetRelease() != 3 || again.GetRelease() != 3 {
		t.Errorf("got releases %d and %d", once.GetRelease(), again.GetRelease())
	}
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	_, err := in.ListEnvVars(t.Context(), &pb.ListEnvVarsRequest{})
	wantCode(t, err, codes.Unauthenticated, "no token was given", "fix: ")
	_, err = in.ListEnvVars(as(t, "sluice_nonsense"), &pb.ListEnvVarsRequest{})
	wantCode(t, err, codes.Unauthenticated)
	_, err = in.ListEnvVars(as(t, in.FirstToken(), "x-organization-id", "another"), &pb.ListEnvVarsRequest{})
	wantCode(t, err, codes.PermissionDenied)
	asked[*pb.ListEnvVarsResponse](t)(in.ListEnvVars(as(t, in.FirstToken(), "x-organization-id", "default"), &pb.ListEnvVarsRequest{}))
	viewer := asked[sluice.Token](t)(in.Services().CreateToken(sluice.WithActor(t.Context(), sluice.Actor{Name: "alice", Roles: []sluice.Role{sluice.RoleAdmin}}),
		sluice.CreateTokenRequest{Name: "viewer", Roles: []sluice.Role{sluice.RoleViewer}}))
	_, err = in.SetEnvVar(as(t, viewer.Secret), &pb.SetEnvVarRequest{Key: "A", Value: "1"})
	wantCode(t, err, codes.PermissionDenied, "viewer may not")
	if h := asked[*pb.HealthCheckResponse](t)(in.HealthCheck(t.Context(), &pb.HealthCheckRequest{})); h.GetStatus() != "ok" {
		t.Errorf("health: %v", h)
	}
	asked[*pb.ListToolsResponse](t)(in.ListTools(in.admin(), &pb.ListToolsRequest{}))
	_, err = in.ListTools(t.Context(), &pb.ListToolsRequest{})
	wantCode(t, err, codes.Unauthenticated)
	asked[*pb.ListTemplatesResponse](t)(in.ListTemplates(t.Context(), &pb.ListTemplatesRequest{}))
	_, err = in.GetTemplate(t.Context(), &pb.GetTemplateRequest{Id: "invoices"})
	wantCode(t, err, codes.NotFound, `there is no template "invoices"`, "fix: ")
	_, err = in.CompileScriptDraft(in.admin(), &pb.CompileScriptDraftRequest{Name: "a"})
	wantCode(t, err, codes.Unimplemented, "does not compile")
	wantCode(t, in.conn.Invoke(in.admin(), "/dodil.scriptum.v1.ScriptumService/RegisterTool", &pb.HealthCheckRequest{}, &pb.HealthCheckResponse{}), codes.Unimplemented)
	_, err = in.SetEnvVar(in.admin(), &pb.SetEnvVarRequest{Key: "A", Value: strings.Repeat("x", 7<<20)})
	wantCode(t, err, codes.ResourceExhausted)
	_, err = in.SetEnvVar(in.admin(), &pb.SetEnvVarRequest{Key: "A", Value: strings.Repeat("x", 65<<10)})
	wantCode(t, err, codes.ResourceExhausted, "the limit is 65536")
}

func TestReflection(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	stream := asked[grpc.BidiStreamingClient[reflection.ServerReflectionRequest, reflection.ServerReflectionResponse]](t)(
		reflection.NewServerReflectionClient(in.conn).ServerReflectionInfo(t.Context()))
	if err := stream.Send(&reflection.ServerReflectionRequest{MessageRequest: &reflection.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	answer := asked[*reflection.ServerReflectionResponse](t)(stream.Recv())
	if text := answer.String(); !strings.Contains(text, "dodil.scriptum.v1.ScriptumService") {
		t.Errorf("got %s", text)
	}
}

// call is one request over HTTP, and its answer.
func (in *installation) call(method, path, body string) (int, map[string]any) {
	in.t.Helper()
	r, err := http.NewRequestWithContext(in.t.Context(), method, in.URL()+path, strings.NewReader(body))
	if err != nil {
		in.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+in.FirstToken())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		in.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		in.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		in.t.Fatalf("%s %s: %s: %v", method, path, b, err)
	}
	return resp.StatusCode, out
}

// TestPaths makes every call over HTTP that the service has there.
func TestPaths(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string // in the answer as it prints
	}{
		{"POST", "scripts", `{"name": "a", "fromTemplate": "", "labels": [{"key": "team", "values": ["x"]}]}`, 200, "SCRIPT_STATUS_CREATED"},
		{"POST", "scripts", `{"name": "b", "from_template": "t"}`, 400, "there are no templates"},
		{"GET", "scripts?pageSize=5&labels=team%3Dx", "", 200, "name:a"},
		{"GET", "scripts?page_size=5&tags=no", "", 200, "map[]"},
		{"GET", "scripts?page_size=many", "", 400, "not a whole number"},
		{"GET", "scripts?colour=red", "", 400, "no parameter"},
		{"GET", "scripts/a", "", 200, "name:a"},
		{"GET", "scripts/nope", "", 404, "does not exist"},
		{"POST", "scripts/a/draft", `{"dslContent": "x"}`, 200, "a.scriptum"},
		{"POST", "scripts/a/draft", `{"dsl_content": "y"}`, 200, "a.scriptum"},
		{"POST", "scripts/a/draft", `{}`, 400, "either DSL or YAML"},
		{"POST", "scripts/nope/draft", `{"dsl_content": "y"}`, 404, "does not exist"},
		{"GET", "scripts/a/draft", "", 200, "dslContent:y"},
		{"POST", "scripts/a/draft/compile", "", 404, "does not compile"},
		{"POST", "scripts/a/draft/publish", "", 200, "version:1"},
		{"GET", "scripts/a/versions", "", 200, "VERSION_STATUS_COMPILED"},
		{"GET", "scripts/a/versions/1", "", 200, "version:1"},
		{"GET", "scripts/a/versions/9", "", 404, "has no version 9"},
		{"GET", "scripts/a/versions/x", "", 400, "not a whole number"},
		{"GET", "scripts/a/code", "", 200, "dslContent:y"},
		{"GET", "scripts/a/code/versions/1", "", 200, "dslContent:y"},
		{"POST", "scripts/a/rollback", `{"version": 1}`, 200, "environment:production"},
		{"POST", "scripts/a/rollback", `{"version": -1}`, 400, "does not exist"},
		{"PUT", "env", `{"key": "K", "value": "v"}`, 200, "value:v"},
		{"PUT", "env", `{"key": "K", "value": 12345}`, 400, "at line 1, column"},
		{"PUT", "env", `{"key": "K", "hush": "v"}`, 400, "has a field that the call does not know"},
		{"PUT", "env", "{\"key\": \"K\", \"value\": \"v\xfc\"}", 400, "the body of the request is not text: line 1, column 25"},
		{"PUT", "env", `{"key": "K", "value": "\ud800"}`, 400, `\ud800 is half of a character`},
		{"GET", "scripts?tags=%ff", "", 400, "query parameter tags is not text"},
		{"PUT", "env", `{"key": hush`, 400, "is not JSON of the form"},
		{"GET", "env/K", "", 200, "value:v"},
		{"POST", "env/import", `{"content": "A=1\nB=2\n"}`, 200, "imported:2"},
		{"GET", "env", "", 200, "key:B"},
		{"DELETE", "env/K", "", 200, "release:"},
		{"PATCH", "scripts/a/env", `{"set": {"X": "1"}, "delete": ["Y"]}`, 200, "X:1"},
		{"GET", "scripts/a/env", "", 200, "X:1"},
		{"GET", "tools", "", 200, "map[]"},
		{"GET", "templates", "", 200, "map[]"},
		{"GET", "health", "", 200, "status:ok"},
		{"GET", "templates/x", "", 404, "there is no template"},
		{"PUT", "env?value=x&secret=perhaps", `{"key": "K"}`, 400, "neither true nor false"},
		{"POST", "scripts?env=x", `{"name": "c"}`, 400, "no parameter"},
		{"GET", "thread", "", 404, "there is no GET at"},
		{"DELETE", "scripts/a", "", 409, "cannot be archived"},
	} {
		status, answer := in.call(c.method, "/v1/scriptum/"+c.path, c.body)
		text := fmt.Sprint(answer)
		if status != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%s %s %s: got %d %s, want %d %s", c.method, c.path, c.body, status, text, c.status, c.want)
		}
		if status >= 400 && (strings.Contains(text, "hush") || strings.Contains(text, "12345") || answer["code"] == nil) {
			t.Errorf("%s %s %s: got %s", c.method, c.path, c.body, text)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", in.URL()+"/v1/scriptum/env", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %s", resp.Status)
	}
}
