package scriptum_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
	"github.com/sluice-dev/sluice/internal/server"
)

// alice is the context in which an administrator asks the services themselves.
func alice(t *testing.T) context.Context {
	return sluice.WithActor(t.Context(), sluice.Actor{Name: "alice", Org: "default", Roles: []sluice.Role{sluice.RoleAdmin}})
}

// workflow publishes a workflow, and returns its version.
func (in *installation) workflow(name, text string) int32 {
	in.t.Helper()
	p := asked[sluice.Published](in.t)(in.Services().Publish(alice(in.t), sluice.PublishRequest{
		Component: name, Kind: sluice.KindWorkflow, Files: []sluice.File{{Path: name + ".yaml", Text: text}},
	}))
	return int32(p.Version.Number)
}

// deploy makes a version active.
func (in *installation) deploy(name string, version int32) {
	in.t.Helper()
	asked[sluice.Outcome](in.t)(in.Services().Deploy(alice(in.t), sluice.DeployRequest{
		Environment: "production", Changes: []sluice.ChangeRequest{{Component: name, Version: fmt.Sprint(version)}},
	}))
}

// received are all messages of a stream, and how it ended.
func received[T any](stream grpc.ServerStreamingClient[T], err error) ([]*T, error) {
	if err != nil {
		return nil, err
	}
	var all []*T
	for {
		one, err := stream.Recv()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, one)
	}
}

// until follows a thread until it is as asked.
func (in *installation) until(id string, is func(*pb.Thread) bool) *pb.Thread {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(in.admin(), time.Minute)
	defer cancel()
	stream := asked[grpc.ServerStreamingClient[pb.ThreadEvent]](in.t)(in.WatchThread(ctx, &pb.WatchThreadRequest{ThreadId: id}))
	for {
		e, err := stream.Recv()
		if err != nil {
			in.t.Fatalf("thread %s: %v", id, err)
		}
		if th := e.GetThread(); th != nil && is(th) {
			return th
		}
	}
}

// ended follows a thread to its end.
func (in *installation) ended(id string) *pb.Thread {
	in.t.Helper()
	return in.until(id, func(th *pb.Thread) bool { return th.GetFinishedAtMs() > 0 })
}

// paused follows a thread until it waits for a person.
func (in *installation) paused(id string) *pb.Thread {
	in.t.Helper()
	return in.until(id, func(th *pb.Thread) bool { return th.GetStatus() == pb.ThreadStatus_THREAD_STATUS_PAUSED })
}

func (in *installation) result(id string) *pb.GetThreadResultResponse {
	in.t.Helper()
	return asked[*pb.GetThreadResultResponse](in.t)(in.GetThreadResult(in.admin(), &pb.GetThreadResultRequest{ThreadId: id}))
}

// wantThread compares a thread's status and what its error says.
func wantThread(t *testing.T, got *pb.Thread, status string, words ...string) {
	t.Helper()
	if s := strings.TrimPrefix(got.GetStatus().String(), "THREAD_STATUS_"); s != status {
		t.Errorf("got %s, want %s: %v", s, status, got)
	}
	for _, w := range words {
		if !strings.Contains(got.GetError(), w) {
			t.Errorf("the error %q lacks %q", got.GetError(), w)
		}
	}
}

// invoices is a workflow whose output says which version ran, and with what.
func invoices(version int) string {
	return fmt.Sprintf(`name: invoice-parser
inputs: {invoice: string}
blocks:
  - id: parse
    block: echo
    value: {invoice: "{{ inputs.invoice }}", model: "{{ env.LLM_MODEL | default('none') }}", by: %d}
output: "{{ parse.output }}"
`, version)
}

// TestPinnedRun is a smoke test of one version with the configuration that
// production has, while another version is active.
func TestPinnedRun(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	made := asked[*pb.CreateScriptResponse](t)(in.CreateScript(ctx, &pb.CreateScriptRequest{Name: "invoice-parser", Kind: "workflow"}))
	if made.GetScript().GetKind() != "workflow" {
		t.Errorf("made %v", made)
	}
	for v := 1; v <= 4; v++ {
		asked[*pb.SaveScriptDraftResponse](t)(in.SaveScriptDraft(ctx, &pb.SaveScriptDraftRequest{Name: "invoice-parser", YamlContent: invoices(v)}))
		asked[*pb.PublishScriptDraftResponse](t)(in.PublishScriptDraft(ctx, &pb.PublishScriptDraftRequest{Name: "invoice-parser"}))
	}
	in.deploy("invoice-parser", 3)
	asked[*pb.SetEnvVarResponse](t)(in.SetEnvVar(ctx, &pb.SetEnvVarRequest{Key: "LLM_MODEL", Value: "gpt-4"}))
	asked[*pb.UpdateScriptEnvResponse](t)(in.UpdateScriptEnv(ctx, &pb.UpdateScriptEnvRequest{Name: "invoice-parser", Set: map[string]string{"LLM_MODEL": "gpt-4o"}}))
	for _, c := range []struct {
		version int32
		loadEnv bool
		ran     int32
		output  string
		notes   int
	}{
		{4, true, 4, `{"invoice":"INV-7","model":"gpt-4o","by":4}`, 0},
		{0, true, 3, `{"invoice":"INV-7","model":"gpt-4o","by":3}`, 0},
		{1, false, 1, `{"invoice":"INV-7","model":"none","by":1}`, 1},
	} {
		made := asked[*pb.Thread](t)(in.CreateThread(ctx, &pb.CreateThreadRequest{
			ScriptName: "invoice-parser", Version: c.version, InputJson: `{"invoice":"INV-7"}`, LoadEnv: c.loadEnv,
			Timeout: "5m", Metadata: map[string]string{"ticket": "CHG-1"},
		}))
		if made.GetThreadId() == "" || made.GetVersion() != c.ran || made.GetScriptName() != "invoice-parser" || made.GetEnvironment() != "production" ||
			made.GetRelease() != 3 || made.GetDigest() == "" || made.GetLoadEnv() != c.loadEnv || made.GetCreatedAtMs() == 0 || made.GetMetadata()["ticket"] != "CHG-1" {
			t.Errorf("version %d: made %v", c.version, made)
		}
		done := in.ended(made.GetThreadId())
		wantThread(t, done, "COMPLETED")
		if done.GetTotalSteps() != 1 || done.GetStartedAtMs() < done.GetCreatedAtMs() || done.GetFinishedAtMs() < done.GetStartedAtMs() || len(done.GetNotes()) != c.notes {
			t.Errorf("version %d: ended %v", c.version, done)
		}
		got := in.result(made.GetThreadId())
		if string(got.GetOutputData()) != c.output || got.GetOutputTotalBytes() != int64(len(c.output)) || got.GetOutputTruncated() {
			t.Errorf("version %d: got %s, want %s", c.version, got.GetOutputData(), c.output)
		}
		if steps := got.GetSteps(); len(steps) != 1 || steps[0].GetStepPath() != "0" || steps[0].GetStepName() != "parse" || steps[0].GetPrimitive() != "echo" ||
			steps[0].GetStatus() != pb.StepStatus_STEP_STATUS_COMPLETED || steps[0].GetAttempts() != 1 {
			t.Errorf("version %d: the steps are %v", c.version, steps)
		}
	}
}

// TestThreadRefusals asks for threads that there cannot be.
func TestThreadRefusals(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	in.workflow("a", invoices(1))
	for _, c := range []struct {
		req  *pb.CreateThreadRequest
		code codes.Code
		want string
	}{
		{&pb.CreateThreadRequest{}, codes.InvalidArgument, "no script is named"},
		{&pb.CreateThreadRequest{ScriptName: "b"}, codes.NotFound, "b"},
		{&pb.CreateThreadRequest{ScriptName: "a", InputJson: `{"invoice":"x"}`}, codes.NotFound, "a is not live in production"},
		{&pb.CreateThreadRequest{ScriptName: "a", Version: 9}, codes.NotFound, "9"},
		{&pb.CreateThreadRequest{ScriptName: "a", Version: -1}, codes.InvalidArgument, "version -1 does not exist"},
		{&pb.CreateThreadRequest{ScriptName: "a", Version: 1, InputJson: `{hush`}, codes.InvalidArgument, "input_json is not JSON: see byte 2 of 5"},
		{&pb.CreateThreadRequest{ScriptName: "a", Version: 1, InputJson: `[]`}, codes.InvalidArgument, "fix: "},
		{&pb.CreateThreadRequest{ScriptName: "a", Version: 1, InputJson: `{}`}, codes.InvalidArgument, "invoice"},
		{&pb.CreateThreadRequest{ScriptName: "a", Version: 1, Timeout: "soon"}, codes.InvalidArgument, `timeout "soon" is not a duration`},
		{&pb.CreateThreadRequest{ScriptName: "a", Version: 1, Timeout: "99999h"}, codes.InvalidArgument, "365 days"},
		{&pb.CreateThreadRequest{ScriptName: "a", Version: 1, CallbackUrl: "ftp://x"}, codes.InvalidArgument, "callback"},
	} {
		_, err := in.CreateThread(in.admin(), c.req)
		wantCode(t, err, c.code, c.want)
		if strings.Contains(fmt.Sprint(err), "hush") {
			t.Errorf("the error tells: %v", err)
		}
	}
	_, err := in.TestScriptDraft(in.admin(), &pb.TestScriptDraftRequest{Name: "a"})
	wantCode(t, err, codes.NotFound, "draft")
	viewer := asked[sluice.Token](t)(in.Services().CreateToken(alice(t), sluice.CreateTokenRequest{Name: "bob", Roles: []sluice.Role{sluice.RoleViewer, sluice.RolePublisher}}))
	_, err = in.CreateThread(as(t, viewer.Secret), &pb.CreateThreadRequest{ScriptName: "a", Version: 1, InputJson: `{"invoice":"x"}`})
	wantCode(t, err, codes.PermissionDenied, "bob may not run anything in any environment", "fix: ")
	for what, ask := range map[string]func() error{
		"get": func() error { _, err := in.GetThread(in.admin(), &pb.GetThreadRequest{ThreadId: "none"}); return err },
		"cancel": func() error {
			_, err := in.CancelThread(in.admin(), &pb.CancelThreadRequest{ThreadId: "none"})
			return err
		},
		"resume": func() error {
			_, err := in.ResumeThread(in.admin(), &pb.ResumeThreadRequest{ThreadId: "none"})
			return err
		},
		"result": func() error {
			_, err := in.GetThreadResult(in.admin(), &pb.GetThreadResultRequest{ThreadId: "none"})
			return err
		},
		"files": func() error {
			_, err := in.ListArtifacts(in.admin(), &pb.ListArtifactsRequest{ThreadId: "none"})
			return err
		},
		"watch": func() error {
			_, err := received(in.WatchThread(in.admin(), &pb.WatchThreadRequest{ThreadId: "none"}))
			return err
		},
		"step": func() error {
			_, err := received(in.WatchStep(in.admin(), &pb.WatchStepRequest{ThreadId: "none", StepPath: "0"}))
			return err
		},
		"chunks": func() error {
			_, err := received(in.StreamThreadResult(in.admin(), &pb.StreamThreadResultRequest{ThreadId: "none"}))
			return err
		},
		"steps": func() error {
			_, err := received(in.StreamStepResult(in.admin(), &pb.StreamStepResultRequest{ThreadId: "none"}))
			return err
		},
	} {
		t.Log(what)
		wantCode(t, ask(), codes.NotFound, "none does not exist", "fix: ")
	}
	_, err = received(in.WatchThread(t.Context(), &pb.WatchThreadRequest{ThreadId: "none"}))
	wantCode(t, err, codes.Unauthenticated, "no token was given")
}

// TestIdempotentThread starts one thread for one key.
func TestIdempotentThread(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	in.workflow("a", invoices(1))
	once := as(t, in.FirstToken(), "idempotency-key", "once")
	req := &pb.CreateThreadRequest{ScriptName: "a", Version: 1, InputJson: `{"invoice":"x"}`}
	first, second := asked[*pb.Thread](t)(in.CreateThread(once, req)), asked[*pb.Thread](t)(in.CreateThread(once, req))
	if first.GetThreadId() != second.GetThreadId() || first.GetReplayed() || !second.GetReplayed() {
		t.Errorf("got %v, then %v", first, second)
	}
	_, err := in.CreateThread(once, &pb.CreateThreadRequest{ScriptName: "a", Version: 1, InputJson: `{"invoice":"y"}`})
	wantCode(t, err, codes.FailedPrecondition)
}

// TestListThreads finds threads by script and status, page by page.
func TestListThreads(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	in.workflow("good", invoices(1))
	in.workflow("bad", "name: bad\nblocks:\n  - {id: stop, block: fail, message: out of paper}\n")
	var ids []string
	for _, name := range []string{"good", "bad", "good", "bad"} {
		made := asked[*pb.Thread](t)(in.CreateThread(ctx, &pb.CreateThreadRequest{ScriptName: name, Version: 1, InputJson: `{"invoice":"x"}`}))
		in.ended(made.GetThreadId())
		ids = append(ids, made.GetThreadId())
	}
	slices.Reverse(ids) // newest first
	for _, c := range []struct {
		req  *pb.ListThreadsRequest
		want []string
	}{
		{&pb.ListThreadsRequest{}, ids},
		{&pb.ListThreadsRequest{StatusFilter: "failed"}, []string{ids[0], ids[2]}},
		{&pb.ListThreadsRequest{StatusFilter: "COMPLETED"}, []string{ids[1], ids[3]}},
		{&pb.ListThreadsRequest{StatusFilter: "paused"}, nil},
		{&pb.ListThreadsRequest{ScriptNameFilter: "bad"}, []string{ids[0], ids[2]}},
		{&pb.ListThreadsRequest{ScriptNameFilter: "bad", StatusFilter: "completed"}, nil},
	} {
		var got []string
		for {
			c.req.PageSize = 1
			page := asked[*pb.ListThreadsResponse](t)(in.ListThreads(ctx, c.req))
			for _, th := range page.GetThreads() {
				got = append(got, th.GetThreadId())
			}
			if c.req.PageToken = page.GetNextPageToken(); c.req.PageToken == "" {
				break
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.req, got, c.want)
		}
	}
	_, err := in.ListThreads(ctx, &pb.ListThreadsRequest{StatusFilter: "done"})
	wantCode(t, err, codes.InvalidArgument, `"done" is not the status of a thread`)
	failed := asked[*pb.Thread](t)(in.GetThread(ctx, &pb.GetThreadRequest{ThreadId: ids[0]}))
	wantThread(t, failed, "FAILED", "out of paper")
	if failed.GetCurrentStepName() != "stop" || failed.GetCurrentStepPath() != "0" {
		t.Errorf("it failed at %q %q, want 0 stop", failed.GetCurrentStepPath(), failed.GetCurrentStepName())
	}
	if files := asked[*pb.ListArtifactsResponse](t)(in.ListArtifacts(ctx, &pb.ListArtifactsRequest{ThreadId: ids[0]})); len(files.GetArtifacts()) != 0 {
		t.Errorf("got %v", files)
	}
}

// TestDraftRun runs a draft, of which no version is made.
func TestDraftRun(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	asked[*pb.CreateScriptResponse](t)(in.CreateScript(ctx, &pb.CreateScriptRequest{Name: "a", Kind: "workflow"}))
	asked[*pb.SaveScriptDraftResponse](t)(in.SaveScriptDraft(ctx, &pb.SaveScriptDraftRequest{Name: "a", YamlContent: invoices(7)}))
	asked[*pb.SetEnvVarResponse](t)(in.SetEnvVar(ctx, &pb.SetEnvVarRequest{Key: "LLM_MODEL", Value: "gpt-4"}))
	made := asked[*pb.Thread](t)(in.TestScriptDraft(ctx, &pb.TestScriptDraftRequest{Name: "a", InputJson: `{"invoice":"x"}`, LoadEnv: true}))
	if made.GetVersion() != 0 || made.GetScriptName() != "" || made.GetDigest() == "" {
		t.Errorf("made %v", made)
	}
	wantThread(t, in.ended(made.GetThreadId()), "COMPLETED")
	if got, want := string(in.result(made.GetThreadId()).GetOutputData()), `{"invoice":"x","model":"gpt-4","by":7}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// A script is JavaScript.
	asked[*pb.CreateScriptResponse](t)(in.CreateScript(ctx, &pb.CreateScriptRequest{Name: "js"}))
	asked[*pb.SaveScriptDraftResponse](t)(in.SaveScriptDraft(ctx, &pb.SaveScriptDraftRequest{Name: "js", DslContent: "return inputs.invoice.length"}))
	script := asked[*pb.Thread](t)(in.TestScriptDraft(ctx, &pb.TestScriptDraftRequest{Name: "js", InputJson: `{"invoice":"INV-7"}`, Timeout: "1m"}))
	wantThread(t, in.ended(script.GetThreadId()), "COMPLETED")
	if got := string(in.result(script.GetThreadId()).GetOutputData()); got != "5" {
		t.Errorf("got %s, want 5", got)
	}
	if list := asked[*pb.ListScriptVersionsResponse](t)(in.ListScriptVersions(ctx, &pb.ListScriptVersionsRequest{Name: "a"})); len(list.GetVersions()) != 0 {
		t.Errorf("there are versions: %v", list)
	}
	runner := asked[sluice.Token](t)(in.Services().CreateToken(alice(t), sluice.CreateTokenRequest{Name: "bob", Roles: []sluice.Role{sluice.RoleRunner}}))
	_, err := in.TestScriptDraft(as(t, runner.Secret), &pb.TestScriptDraftRequest{Name: "a", InputJson: `{"invoice":"x"}`})
	wantCode(t, err, codes.PermissionDenied, "bob may not publish")
}

const asking = `name: approve
blocks:
  - {id: approve, block: ask, prompt: "Deploy?", type: %s%s}
  - {id: after, block: echo, value: "{{ approve.output.value }}"}
output: "{{ after.output }}"
`

// TestAnswers goes on after questions, in each form of answer.
func TestAnswers(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	in.workflow("boolean", fmt.Sprintf(asking, "boolean", ""))
	in.workflow("choice", fmt.Sprintf(asking, "choice", ", options: [approve, reject]"))
	in.workflow("number", fmt.Sprintf(asking, "number", ""))
	in.workflow("json", fmt.Sprintf(asking, "json", ""))
	for _, c := range []struct {
		script, wrong, answer, want string
	}{
		{"boolean", `"maybe"`, `{"approved":true}`, "true"},
		{"boolean", ``, `{"value":false}`, "false"},
		{"choice", `{"value":"perhaps"}`, `{"value":"approve"}`, `"approve"`},
		{"choice", `{"retry":true}`, `"reject"`, `"reject"`},
		{"number", `{"value":"7"}`, `7`, "7"},
		{"json", `{hush`, `{"approved":true}`, `{"approved":true}`},
	} {
		made := asked[*pb.Thread](t)(in.CreateThread(ctx, &pb.CreateThreadRequest{ScriptName: c.script, Version: 1}))
		w := in.paused(made.GetThreadId()).GetWaiting()
		if w.GetReason() != "answer" || w.GetStepPath() != "0" || w.GetStepName() != "approve" || w.GetPrompt() != "Deploy?" || w.GetType() != c.script || w.GetSinceMs() == 0 {
			t.Errorf("%s: it waits for %v", c.script, w)
		}
		if at := asked[*pb.Thread](t)(in.GetThread(ctx, &pb.GetThreadRequest{ThreadId: made.GetThreadId()})); at.GetCurrentStepPath() != "0" || at.GetCurrentStepName() != "approve" {
			t.Errorf("%s: it is at %v", c.script, at)
		}
		_, err := in.ResumeThread(ctx, &pb.ResumeThreadRequest{ThreadId: made.GetThreadId(), StepInputOverrideJson: c.wrong})
		wantCode(t, err, codes.InvalidArgument, "fix: ")
		_, err = in.ResumeThread(ctx, &pb.ResumeThreadRequest{ThreadId: made.GetThreadId(), StepInputOverrideJson: c.answer, StepPath: "1"})
		if err == nil {
			t.Errorf("%s: step 1 was answered", c.script)
		}
		asked[*pb.Thread](t)(in.ResumeThread(ctx, &pb.ResumeThreadRequest{ThreadId: made.GetThreadId(), StepInputOverrideJson: c.answer, StepPath: "0"}))
		wantThread(t, in.ended(made.GetThreadId()), "COMPLETED")
		if got := string(in.result(made.GetThreadId()).GetOutputData()); got != c.want {
			t.Errorf("%s answered with %s: got %s, want %s", c.script, c.answer, got, c.want)
		}
		_, err = in.ResumeThread(ctx, &pb.ResumeThreadRequest{ThreadId: made.GetThreadId(), StepInputOverrideJson: c.answer})
		wantCode(t, err, codes.FailedPrecondition, "has ended")
	}
}

const failing = `name: call
blocks:
  - {id: call, block: fail, message: no route, on_error: pause}
  - {id: after, block: echo, value: {got: "{{ call.output }}"}}
output: "{{ after.output }}"
`

// TestErrors goes on after a step that failed: with its result, without it, and
// by doing it again.
func TestErrors(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	in.workflow("call", failing)
	for override, want := range map[string]string{`{"result":{"id":7}}`: `{"got":{"id":7}}`, `{"skip":true}`: `{"got":null}`} {
		made := asked[*pb.Thread](t)(in.CreateThread(ctx, &pb.CreateThreadRequest{ScriptName: "call", Version: 1}))
		at := in.paused(made.GetThreadId())
		if w := at.GetWaiting(); w.GetReason() != "error" || w.GetStepName() != "call" || at.GetCurrentStepPath() != "0" {
			t.Errorf("it waits for %v", at)
		}
		_, err := in.ResumeThread(ctx, &pb.ResumeThreadRequest{ThreadId: made.GetThreadId(), StepInputOverrideJson: `{"value":1}`})
		wantCode(t, err, codes.InvalidArgument, "call failed: say what is to become of it", `{"skip": true}`)
		for _, again := range []string{"", `{"retry":true}`} {
			before := asked[*pb.Thread](t)(in.ResumeThread(ctx, &pb.ResumeThreadRequest{ThreadId: made.GetThreadId(), StepInputOverrideJson: again}))
			if before.GetStatus() == pb.ThreadStatus_THREAD_STATUS_PAUSED {
				t.Errorf("resumed with %q: %v", again, before)
			}
			in.paused(made.GetThreadId())
		}
		asked[*pb.Thread](t)(in.ResumeThread(ctx, &pb.ResumeThreadRequest{ThreadId: made.GetThreadId(), StepInputOverrideJson: override}))
		wantThread(t, in.ended(made.GetThreadId()), "COMPLETED")
		if got := string(in.result(made.GetThreadId()).GetOutputData()); got != want {
			t.Errorf("resumed with %s: got %s, want %s", override, got, want)
		}
	}
}

// TestCancelThread ends a thread that waits, once.
func TestCancelThread(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	in.workflow("ask", fmt.Sprintf(asking, "text", ""))
	made := asked[*pb.Thread](t)(in.CreateThread(ctx, &pb.CreateThreadRequest{ScriptName: "ask", Version: 1}))
	in.paused(made.GetThreadId())
	got := asked[*pb.Thread](t)(in.CancelThread(ctx, &pb.CancelThreadRequest{ThreadId: made.GetThreadId(), Reason: "not needed"}))
	wantThread(t, got, "CANCELLED", "cancelled by", "not needed")
	if got.GetWaiting() != nil || got.GetFinishedAtMs() == 0 {
		t.Errorf("cancelled: %v", got)
	}
	_, err := in.CancelThread(ctx, &pb.CancelThreadRequest{ThreadId: made.GetThreadId()})
	wantCode(t, err, codes.FailedPrecondition, "has ended")
	if steps := in.result(made.GetThreadId()).GetSteps(); len(steps) != 1 || steps[0].GetStatus() != pb.StepStatus_STEP_STATUS_CANCELLED {
		t.Errorf("the steps are %v", steps)
	}
}

// TestWatch follows a thread and one of its steps over a pause.
func TestWatch(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	in.workflow("ask", fmt.Sprintf(asking, "text", ""))
	made := asked[*pb.Thread](t)(in.CreateThread(ctx, &pb.CreateThreadRequest{ScriptName: "ask", Version: 1}))
	at := in.paused(made.GetThreadId())
	thread := asked[grpc.ServerStreamingClient[pb.ThreadEvent]](t)(in.WatchThread(ctx, &pb.WatchThreadRequest{ThreadId: made.GetThreadId()}))
	step := asked[grpc.ServerStreamingClient[pb.StepEvent]](t)(in.WatchStep(ctx, &pb.WatchStepRequest{ThreadId: made.GetThreadId(), StepPath: "1"}))
	var seen []string
	change := int64(0)
	for e, err := thread.Recv(); err != io.EOF; e, err = thread.Recv() {
		if err != nil {
			t.Fatal(err)
		}
		if s := e.GetStep(); s != nil {
			seen = append(seen, s.GetStepPath()+" "+strings.TrimPrefix(s.GetStatus().String(), "STEP_STATUS_"))
		}
		if th := e.GetThread(); th != nil {
			if e.GetChange() <= change {
				t.Errorf("change %d came after %d", e.GetChange(), change)
			}
			change = e.GetChange()
			seen = append(seen, strings.TrimPrefix(th.GetStatus().String(), "THREAD_STATUS_"))
			if th.GetStatus() == at.GetStatus() && len(seen) < 3 {
				asked[*pb.Thread](t)(in.ResumeThread(ctx, &pb.ResumeThreadRequest{ThreadId: made.GetThreadId(), StepInputOverrideJson: `"yes"`}))
			}
		}
	}
	if !slices.Equal(seen[:2], []string{"0 WAITING", "PAUSED"}) || seen[len(seen)-1] != "COMPLETED" || !slices.Contains(seen, "0 COMPLETED") || !slices.Contains(seen, "1 COMPLETED") {
		t.Errorf("saw %v", seen)
	}
	events, err := received(step, nil)
	if err != nil || len(events) == 0 || events[len(events)-1].GetStep().GetStatus() != pb.StepStatus_STEP_STATUS_COMPLETED {
		t.Errorf("of the step: %v, %v", events, err)
	}
	// Whoever comes later sees the end, and after it nothing but where it stands.
	late, err := received(in.WatchThread(ctx, &pb.WatchThreadRequest{ThreadId: made.GetThreadId(), After: change}))
	if err != nil || len(late) != 1 || late[0].GetThread().GetStatus() != pb.ThreadStatus_THREAD_STATUS_COMPLETED {
		t.Errorf("later: %v, %v", late, err)
	}
	_, err = received(in.WatchStep(ctx, &pb.WatchStepRequest{ThreadId: made.GetThreadId(), StepPath: "9"}))
	wantCode(t, err, codes.NotFound, `has no step "9"`)
	_, err = received(in.WatchStep(ctx, &pb.WatchStepRequest{ThreadId: made.GetThreadId()}))
	wantCode(t, err, codes.InvalidArgument, "no step is named")
}

// TestLargeResult cuts an output that no message holds, and gives all of it in
// chunks.
func TestLargeResult(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	in.workflow("large", `name: large
inputs: {text: string}
blocks:
  - id: twice
    block: foreach
    items: [1, 2]
    blocks:
      - {id: copy, block: echo, value: "{{ inputs.text }}"}
`)
	input := strings.Repeat("0123456789", 350_000)
	made := asked[*pb.Thread](t)(in.CreateThread(ctx, &pb.CreateThreadRequest{ScriptName: "large", Version: 1, InputJson: `{"text":"` + input + `"}`}))
	wantThread(t, in.ended(made.GetThreadId()), "COMPLETED")
	want := `["` + input + `","` + input + `"]`
	got := in.result(made.GetThreadId())
	if !got.GetOutputTruncated() || got.GetOutputTotalBytes() != int64(len(want)) || !strings.HasPrefix(want, string(got.GetOutputData())) || len(got.GetOutputData()) < 4_000_000 || len(got.GetSteps()) != 3 {
		t.Errorf("got %d bytes of %d, truncated %v, and %d steps", len(got.GetOutputData()), got.GetOutputTotalBytes(), got.GetOutputTruncated(), len(got.GetSteps()))
	}
	parts, err := received(in.StreamThreadResult(ctx, &pb.StreamThreadResultRequest{ThreadId: made.GetThreadId()}))
	if err != nil || len(parts) != 5 || parts[0].GetMeta().GetOutputTotalBytes() != int64(len(want)) || parts[0].GetMeta().GetThread().GetThreadId() != made.GetThreadId() {
		t.Fatalf("got %d parts, %v", len(parts), err)
	}
	var all []byte
	for i, p := range parts[1:] {
		if p.GetChunk().GetChunkIndex() != int32(i) || p.GetChunk().GetIsFinal() != (i == 3) {
			t.Errorf("chunk %d has the index %d and final %v", i, p.GetChunk().GetChunkIndex(), p.GetChunk().GetIsFinal())
		}
		all = append(all, p.GetChunk().GetData()...)
	}
	if string(all) != want {
		t.Errorf("the chunks are %d bytes, not the %d of the output", len(all), len(want))
	}
	for _, size := range []int32{1, 16 << 20} { // a chunk larger than clients take unless told
		parts, err := received(in.StreamThreadResult(ctx, &pb.StreamThreadResultRequest{ThreadId: made.GetThreadId(), MaxChunkBytes: size}, grpc.MaxCallRecvMsgSize(17<<20)))
		if want := 1 + max(1, len(want)/(64<<10)+1); err != nil || size == 1 && len(parts) != want || size > 1 && len(parts) != 2 {
			t.Errorf("by %d: got %d parts, %v", size, len(parts), err)
		}
	}
}

// TestStepResults shows steps with what they were given and gave.
func TestStepResults(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx := in.admin()
	in.workflow("list", `name: list
inputs: {names: {type: array}}
blocks:
  - id: each
    block: foreach
    items: "{{ inputs.names }}"
    blocks:
      - {id: greet, block: echo, value: "Hello {{ item }}"}
output: "{{ each.output }}"
`)
	made := asked[*pb.Thread](t)(in.CreateThread(ctx, &pb.CreateThreadRequest{ScriptName: "list", Version: 1, InputJson: `{"names":["alice","bob"]}`}))
	wantThread(t, in.ended(made.GetThreadId()), "COMPLETED")
	id := made.GetThreadId()
	for _, c := range []struct {
		req           *pb.GetThreadResultRequest
		output        string
		steps, detail int
	}{
		{&pb.GetThreadResultRequest{}, `["Hello alice","Hello bob"]`, 3, 0},
		{&pb.GetThreadResultRequest{OutputOnly: true}, `["Hello alice","Hello bob"]`, 0, 0},
		{&pb.GetThreadResultRequest{MetadataOnly: true}, ``, 3, 0},
		{&pb.GetThreadResultRequest{StepPath: "0.1.0"}, `["Hello alice","Hello bob"]`, 3, 1},
		{&pb.GetThreadResultRequest{StepPath: "0.1.0", MetadataOnly: true}, ``, 3, 1},
	} {
		c.req.ThreadId = id
		got := asked[*pb.GetThreadResultResponse](t)(in.GetThreadResult(ctx, c.req))
		if string(got.GetOutputData()) != c.output || len(got.GetSteps()) != c.steps || len(got.GetStepDetails()) != c.detail || got.GetOutputTotalBytes() != 27 {
			t.Errorf("%v: got %s, %v, %v", c.req, got.GetOutputData(), got.GetSteps(), got.GetStepDetails())
		}
		for _, d := range got.GetStepDetails() {
			var input map[string]any
			if err := json.Unmarshal([]byte(d.GetInputJson()), &input); err != nil || input["value"] != "Hello bob" {
				t.Errorf("%v: the input is %s, %v", c.req, d.GetInputJson(), err)
			}
			if want := map[bool]string{false: `"Hello bob"`}[c.req.GetMetadataOnly()]; string(d.GetOutputData()) != want || d.GetOutputTotalBytes() != 11 || d.GetStep().GetStepPath() != "0.1.0" {
				t.Errorf("%v: the step is %v", c.req, d)
			}
		}
	}
	_, err := in.GetThreadResult(ctx, &pb.GetThreadResultRequest{ThreadId: id, StepPath: "7"})
	wantCode(t, err, codes.NotFound, "has no step")
	_, err = in.GetThreadResult(ctx, &pb.GetThreadResultRequest{ThreadId: id, OutputOnly: true, MetadataOnly: true})
	wantCode(t, err, codes.InvalidArgument, "output_only and metadata_only")
	for path, want := range map[string]string{
		"":      `0= ["Hello alice","Hello bob"]. 0.0.0= "Hello alice". 0.1.0= "Hello bob".`,
		"0.0.0": `0.0.0= "Hello alice".`,
	} {
		parts, err := received(in.StreamStepResult(ctx, &pb.StreamStepResultRequest{ThreadId: id, StepPath: path}))
		var got []string
		for _, p := range parts {
			if p.GetStep() != nil {
				got = append(got, p.GetStep().GetStep().GetStepPath()+"=")
			} else {
				got = append(got, string(p.GetChunk().GetData())+map[bool]string{true: "."}[p.GetChunk().GetIsFinal()])
			}
		}
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("step %q: got %s, want %s (%v)", path, got, want, err)
		}
	}
}

// TestWatchStep follows a step to its end, while its thread waits at another.
func TestWatchStep(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	ctx, cancel := context.WithTimeout(in.admin(), time.Minute)
	defer cancel()
	in.workflow("twice", `name: twice
blocks:
  - {id: first, block: ask, prompt: "First?"}
  - {id: second, block: ask, prompt: "Second?", needs: first}
`)
	made := asked[*pb.Thread](t)(in.CreateThread(ctx, &pb.CreateThreadRequest{ScriptName: "twice", Version: 1}))
	in.paused(made.GetThreadId())
	stream := asked[grpc.ServerStreamingClient[pb.StepEvent]](t)(in.WatchStep(ctx, &pb.WatchStepRequest{ThreadId: made.GetThreadId(), StepPath: "0"}))
	if e := asked[*pb.StepEvent](t)(stream.Recv()); e.GetStep().GetStatus() != pb.StepStatus_STEP_STATUS_WAITING {
		t.Errorf("got %v", e)
	}
	asked[*pb.Thread](t)(in.ResumeThread(ctx, &pb.ResumeThreadRequest{ThreadId: made.GetThreadId(), StepInputOverrideJson: `"yes"`}))
	rest, err := received(stream, nil)
	if err != nil || len(rest) != 1 || rest[0].GetStep().GetStatus() != pb.StepStatus_STEP_STATUS_COMPLETED {
		t.Errorf("then %v, %v", rest, err)
	}
}

// TestWatchEndsWithServer has the server close while someone watches, who must not
// take that for the end of the thread.
func TestWatchEndsWithServer(t *testing.T) {
	t.Parallel()
	var stream grpc.ServerStreamingClient[pb.ThreadEvent]
	watcher := t // which outlives the server
	t.Run("a server", func(t *testing.T) {
		in := install(t, server.Config{})
		in.workflow("ask", fmt.Sprintf(asking, "text", ""))
		made := asked[*pb.Thread](t)(in.CreateThread(in.admin(), &pb.CreateThreadRequest{ScriptName: "ask", Version: 1}))
		in.paused(made.GetThreadId())
		conn := asked[*grpc.ClientConn](t)(grpc.NewClient(in.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials())))
		watcher.Cleanup(func() { conn.Close() })
		stream = asked[grpc.ServerStreamingClient[pb.ThreadEvent]](t)(pb.NewScriptumServiceClient(conn).WatchThread(
			context.WithoutCancel(in.admin()), &pb.WatchThreadRequest{ThreadId: made.GetThreadId()}))
		asked[*pb.ThreadEvent](t)(stream.Recv())
	})
	_, err := received(stream, nil)
	wantCode(t, err, codes.Unavailable, "the server is closing", "fix: ")
}

// TestWatchEndsWithToken has a token end while it watches.
func TestWatchEndsWithToken(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	in.workflow("ask", fmt.Sprintf(asking, "text", ""))
	made := asked[*pb.Thread](t)(in.CreateThread(in.admin(), &pb.CreateThreadRequest{ScriptName: "ask", Version: 1}))
	in.paused(made.GetThreadId())
	short := asked[sluice.Token](t)(in.Services().CreateToken(alice(t), sluice.CreateTokenRequest{Name: "bob", Roles: []sluice.Role{sluice.RoleViewer}, ExpiresIn: 2}))
	stream, err := in.WatchThread(as(t, short.Secret), &pb.WatchThreadRequest{ThreadId: made.GetThreadId()})
	_, lines := in.lines(short.Secret, "threads/"+made.GetThreadId()+"/watch")
	if last := lines[len(lines)-1]; !strings.Contains(last, "code:unauthenticated") || !strings.Contains(last, "expired") {
		t.Errorf("the last line is %s", last)
	}
	_, err = received(stream, err)
	wantCode(t, err, codes.Unauthenticated, "expired", "fix: ")
}
