package crashtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/runner"
	"github.com/sluice-dev/sluice/internal/runner/outbound"
	"github.com/sluice-dev/sluice/internal/store"
)

// leaky puts secrets wherever a workflow can put anything. The mirror answers with
// what it got, in every spelling.
const leaky = `
name: leaky
inputs: {site: string, fate: string, note: string}
blocks:
  - id: post
    block: http
    method: POST
    url: "{{ inputs.site }}/a/{{ env.ODD_KEY | urlencode }}?pin={{ env.PIN_KEY }}"
    query: {long: "{{ env.LONG_TOKEN }}", odd: "{{ env.ODD_KEY }}"}
    headers: {Authorization: "Bearer {{ env.LONG_TOKEN }}", X-Tiny: "{{ env.TINY_KEY }}", X-Pin: "{{ env.PIN_KEY }}"}
    body: {odd: "{{ env.ODD_KEY }}", pin: "{{ env.PIN_KEY }}", number: "{{ env.PIN_KEY | int }}", tiny: "{{ env.TINY_KEY }}", "key {{ inputs.note }}": "x"}
  - {id: text, block: template, template: "{{ env.ODD_KEY }} {{ env.ODD_KEY | tojson }} {{ env.LONG_TOKEN | urlencode }} {{ env.TINY_KEY }} {{ post.output.body }}"}
  - id: script
    block: script
    code: |
      console.log(env.ODD_KEY); console.log(JSON.stringify(env.ODD_KEY), encodeURIComponent(env.ODD_KEY), encodeURI(env.ODD_KEY));
      return {all: Object.values(env), text: JSON.stringify(env), number: Number(env.PIN_KEY), [env.TINY_KEY]: env.LONG_TOKEN};
  - {id: model, block: llm, needs: [inner, each], model: parrot, base_url: "{{ inputs.site }}/v1", api_key: "{{ env.MODEL_KEY }}", prompt: "{{ env.ODD_KEY }} and {{ env.LONG_TOKEN }}, {{ env.TINY_KEY }}"}
  - id: each
    block: foreach
    items: ["{{ env.ODD_KEY }}", "{{ env.PIN_KEY | int }}", {token: "{{ env.LONG_TOKEN }}"}]
    blocks: [{id: one, block: echo, value: ["{{ item }}", "{{ env.TINY_KEY }}"]}]
  - {id: inner, block: workflow, component: leaky-inner, input: {token: "{{ env.ODD_KEY }}", pin: "{{ env.PIN_KEY }}"}}
  - {id: thrown, block: script, code: "throw new Error(env.ODD_KEY + env.LONG_TOKEN)", on_error: ignore}
  - {id: refused, block: http, url: "{{ inputs.site }}/fail/{{ env.LONG_TOKEN }}", body: "{{ env.ODD_KEY }}", method: PUT, retry: {attempts: 2, backoff: 10ms}, on_error: ignore}
  - {id: nowhere, block: http, url: "{{ env.ODD_KEY }}", on_error: ignore}
  - {id: header, block: http, url: "{{ inputs.site }}/a", headers: {X-Odd: "{{ env.ODD_KEY }}"}, on_error: ignore}
  - {id: branch, block: condition, condition: "{{ env.PIN_KEY == inputs.note }}", on_error: ignore}
  - {id: failed, block: fail, message: "{{ env.ODD_KEY }} {{ refused.error }}", on_error: {fallback: ["{{ env.LONG_TOKEN }}", "{{ thrown.error }}"]}}
  - {id: summed, block: reduce, items: "{{ each.output }}", initial: "{{ env.TINY_KEY }}", value: "{{ accumulator }} {{ item | tojson }} {{ env.ODD_KEY }}"}
  - {id: sure, block: ask, prompt: "Is {{ env.TINY_KEY }} right, or {{ env.ODD_KEY }}?", when: "{{ inputs.fate == 'pause' }}", needs: [post, text, script, model, each, inner, refused, nowhere, header, branch, failed, summed]}
  - {id: held, block: http, url: "{{ inputs.site }}/held", method: PUT, body: "{{ env.LONG_TOKEN }} {{ env.ROTATED_KEY }}", when: "{{ inputs.fate != 'fail' }}", needs: [sure, summed, failed]}
  - {id: last, block: fail, message: "at last {{ env.ODD_KEY }} and {{ env.PIN_KEY }}", when: "{{ inputs.fate == 'fail' }}", needs: [sure, summed, failed]}
output: {post: "{{ post.output }}", text: "{{ text.output }}", script: "{{ script.output }}", held: "{{ held.output }}", env: ["{{ env.ODD_KEY }}", "{{ env.PIN_KEY | int }}"]}
`

const leakyInner = `
name: leaky-inner
inputs: {token: string, pin: string}
blocks:
  - {id: own, block: echo, value: ["{{ inputs.token }}", "{{ env.OVERLAY_KEY }}", "{{ env.ODD_KEY }}", "{{ env.LONG_TOKEN }}"]}
`

// mirror answers with all that it is asked, in every spelling, and speaks as a
// model does.
type mirror struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string   // of requests to /held
	held   chan *hold // for each request to /held, what holds it
}

func newMirror(t *testing.T) *mirror {
	m := &mirror{held: make(chan *hold, 1)}
	m.Server = httptest.NewServer(m)
	t.Cleanup(func() {
		m.CloseClientConnections()
		m.Close()
	})
	return m
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	text := string(body)
	if r.URL.Path == "/v1/chat/completions" {
		speak(w, body)
		return
	}
	if r.URL.Path == "/held" {
		m.mu.Lock()
		m.bodies = append(m.bodies, text)
		m.mu.Unlock()
		select {
		case h := <-m.held:
			close(h.arrived)
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		default:
		}
	}
	// The other side may still know what a secret was before it was rotated.
	m.mu.Lock()
	w.Header().Set("X-Known", url.QueryEscape(strings.Join(m.bodies, " ")))
	m.mu.Unlock()
	w.Header().Set("X-Echo", url.QueryEscape(r.Header.Get("Authorization")))
	w.Header().Set("Content-Type", "application/json")
	if strings.HasPrefix(r.URL.Path, "/fail") {
		w.WriteHeader(http.StatusInternalServerError)
	}
	values := map[string]any{"text": text}
	if json.Unmarshal(body, &values) == nil {
		delete(values, "text")
	}
	var spelled []any
	for _, v := range values {
		s := fmt.Sprint(v)
		spelled = append(spelled, v, url.QueryEscape(s), url.PathEscape(s), "alice:"+s+"@", base64.StdEncoding.EncodeToString([]byte(s)), base64.URLEncoding.EncodeToString([]byte("alice:"+s)))
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"body": text, "spelled": spelled, "headers": r.Header, "uri": r.RequestURI, "path": r.URL.Path, "query": r.URL.Query(),
	})
}

// speak says what it was told, a few letters at a time, so that secrets stand
// across pieces.
func speak(w http.ResponseWriter, body []byte) {
	var asked struct {
		Messages []struct{ Content string }
	}
	_ = json.Unmarshal(body, &asked)
	w.Header().Set("Content-Type", "text/event-stream")
	said := []rune(fmt.Sprint(asked.Messages))
	for len(said) > 0 {
		n := min(3, len(said))
		piece, _ := json.Marshal(map[string]any{"model": "parrot", "choices": []any{map[string]any{"index": 0, "delta": map[string]any{"content": string(said[:n])}}}})
		fmt.Fprintf(w, "data: %s\n\n", piece)
		said = said[n:]
	}
	fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
}

// leaks is one search for secrets that runs may have left somewhere.
type leaks struct {
	*testing.T
	cfg     store.Config
	n       *node
	m       *mirror
	secrets hoard
	values  map[string]string
	said    bytes.Buffer // all that the services answered
	pieces  bytes.Buffer // what came in pieces, put together
	log     bytes.Buffer
}

// TestRunSecrets has runs put secrets wherever they can, lets them complete, fail,
// pause and crash, and looks for the secrets everywhere.
func TestRunSecrets(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		x := &leaks{T: t, cfg: cfg, n: openWorking(t, cfg), m: newMirror(t), values: map[string]string{}}
		x.prepare()
		crashed := x.begins("crash")
		held := &hold{arrived: make(chan struct{})}
		x.m.held <- held
		w := sends(t, cfg, workOrder{Run: crashed, Lease: 1000})
		held.arrives(t)
		w.end()
		x.said.WriteString(w.errs.String())
		x.search("after the crash")
		stop := x.works()
		x.follows(crashed, sluice.RunCompleted)
		stop()
		x.streams(x.begins("complete"))
		stop = x.works()
		x.follows(x.begins("fail"), sluice.RunFailed)
		paused := x.begins("pause")
		x.follows(paused, sluice.RunPaused)
		stop()
		x.search("while a run waits")
		x.rotates(paused)
		stop = x.works()
		x.follows(paused, sluice.RunCompleted)
		stop()
		x.looks()
		x.search("in the end")
	})
}

// prepare sets secrets of every kind.
func (x *leaks) prepare() {
	odd := x.secrets.secret("odd") + "\n'" + "$ {x}" + x.secrets.secret("odd, more")
	long := ""
	for i := range 20 {
		long += strings.ReplaceAll(x.secrets.secret(fmt.Sprintf("long %d", i)), "\t", "")[:20] + "-+/."
	}
	const tiny = "Zq~7"
	x.secrets.names = append(x.secrets.names, "tiny")
	x.secrets.needles["tiny"] = []string{tiny, base64.RawStdEncoding.EncodeToString([]byte(tiny))}
	x.values = map[string]string{
		"ODD_KEY": odd, "LONG_TOKEN": long, "TINY_KEY": tiny, "PIN_KEY": x.secrets.digits("PIN", 15),
		"MODEL_KEY": strings.ReplaceAll(x.secrets.secret("model"), "\t", "")[:20], "ROTATED_KEY": x.secrets.secret("before the rotation"),
	}
	var changes []sluice.ChangeRequest
	for key, value := range x.values {
		changes = append(changes, putting(key, "", value))
	}
	changes = append(changes, putting("OVERLAY_KEY", "", x.secrets.secret("under the overlay")), putting("OVERLAY_KEY", "leaky-inner", x.secrets.secret("overlay")))
	publishFlows(x.T, x.n, map[string]string{"leaky-inner": leakyInner, "leaky": leaky})
	must[sluice.Outcome](x.T)(x.n.Deploy(as("alice"), sluice.DeployRequest{Environment: "production", Changes: changes}))
}

// begins starts a run whose caller gives secrets away too.
func (x *leaks) begins(fate string) string {
	input := must[[]byte](x.T)(json.Marshal(map[string]any{"site": x.m.URL, "fate": fate, "note": x.values["ODD_KEY"]}))
	req := sluice.StartRunRequest{
		Component: "leaky", Environment: "production", Configured: true, Input: input, IdempotencyKey: fate,
		Metadata: map[string]string{"token": x.values["MODEL_KEY"]},
	}
	run := must[sluice.Run](x.T)(x.n.StartRun(as("alice"), req))
	again := must[sluice.Run](x.T)(x.n.StartRun(as("alice"), req))
	x.says(run, again)
	return run.ID
}

// works has a worker carry out runs, and keeps its log at every level.
func (x *leaks) works() (stop func()) {
	client := must[*http.Client](x.T)(outbound.New(outbound.Config{Version: "test"}))
	r := runner.New(runner.Config{Journal: x.n.Control, Eval: expr.Direct{}, Client: client, Log: slog.New(slog.NewTextHandler(&x.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	x.n.OnRun(r.Wake, r.Stop)
	r.Start()
	x.Cleanup(r.Close)
	return r.Close
}

// follows keeps all that a watch of a run says until it stands so.
func (x *leaks) follows(id string, want sluice.RunStatus) {
	x.Helper()
	for e, err := range x.n.WatchRun(as("bob"), sluice.WatchRunRequest{Run: id}) {
		if err != nil {
			x.Fatal(err)
		}
		x.says(e.Run, e.Step, e.Partial)
		if e.Partial != nil {
			x.pieces.WriteString(e.Partial.Text) // beside the one before, where a secret would be whole again
		}
		if e.Run != nil && (e.Run.Status.Ended() || e.Run.Status == sluice.RunPaused) {
			if e.Run.Status != want {
				steps := must[[]sluice.RunStep](x.T)(sluice.Collect(x.n.Steps(as("bob"), sluice.StepQuery{Run: id})))
				x.Errorf("the run is %s, want %s: %+v, %+v", e.Run.Status, want, e.Run.Error, steps)
			}
			break
		}
	}
}

// streams follows a run from before its first step, and sees what a model says as
// it says it.
func (x *leaks) streams(id string) {
	begun := x.pieces.Len()
	var stop func()
	for e, err := range x.n.WatchRun(as("bob"), sluice.WatchRunRequest{Run: id}) {
		if err != nil {
			x.Fatal(err)
		}
		if stop == nil {
			stop = x.works()
		}
		if e.Partial != nil {
			x.says(e.Partial)
			x.pieces.WriteString(e.Partial.Text)
		}
	}
	stop()
	x.follows(id, sluice.RunCompleted)
	if got := x.pieces.String()[begun:]; !strings.Contains(got, "«ODD_KEY» and «LONG_TOKEN», «TINY_KEY»") {
		x.Errorf("in pieces the model said %q", got)
	}
}

// rotates changes a secret and answers a run that waits, which uses the new value
// from then on and says so.
func (x *leaks) rotates(id string) {
	after := x.secrets.secret("after the rotation")
	must[sluice.Outcome](x.T)(x.n.Deploy(as("alice"), sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{putting("ROTATED_KEY", "", after)}}))
	before := len(x.m.bodies)
	answer := must[[]byte](x.T)(json.Marshal("take " + x.values["ODD_KEY"] + after + ", not " + x.values["ROTATED_KEY"]))
	_, err := x.n.ResumeRun(as("bob"), sluice.ResumeRunRequest{Run: id, Retry: true})
	x.says(fmt.Sprint(err))
	x.says(must[sluice.Run](x.T)(x.n.ResumeRun(as("bob"), sluice.ResumeRunRequest{Run: id, Answer: answer})))
	stop := x.works()
	x.follows(id, sluice.RunCompleted)
	stop()
	run := must[sluice.Run](x.T)(x.n.Run(as("bob"), id))
	if len(run.Resumed) != 1 || !slices.Equal(run.Resumed[0].Secrets, []string{"ROTATED_KEY"}) {
		x.Errorf("the record says of the rotation: %+v", run.Resumed)
	}
	if len(x.m.bodies) != before+1 || !strings.HasSuffix(x.m.bodies[before], after) {
		x.Errorf("after the rotation it sent %q, want it to end in %q", x.m.bodies[before:], after)
	}
}

// looks asks all that the services say of runs.
func (x *leaks) looks() {
	page := must[sluice.Page[sluice.Run]](x.T)(x.n.Runs(as("bob"), sluice.RunQuery{Environment: "production"}))
	x.says(page, must[sluice.RunStats](x.T)(x.n.RunStats(as("bob"), sluice.RunQuery{Environment: "production"})))
	for _, run := range page.Items {
		x.says(must[sluice.Run](x.T)(x.n.Run(as("bob"), run.ID)), must[[]sluice.RunStep](x.T)(sluice.Collect(x.n.Steps(as("bob"), sluice.StepQuery{Run: run.ID, Detail: true}))))
	}
	gone := x.begins("cancel")
	x.says(must[sluice.Run](x.T)(x.n.CancelRun(as("bob"), sluice.CancelRunRequest{Run: gone, Reason: "it had " + x.values["ODD_KEY"]})))
	if !strings.Contains(x.said.String(), "«ODD_KEY»") || !strings.Contains(x.said.String(), "«TINY_KEY»") {
		x.Error("no secret was masked: the test looks at the wrong thing")
	}
}

func (x *leaks) says(answers ...any) {
	x.Helper()
	for _, a := range answers {
		x.said.Write(must[[]byte](x.T)(json.Marshal(a)))
		x.said.WriteByte('\n')
	}
}

// search looks for the secrets in all tables, in the files, in what was said and
// in the log.
func (x *leaks) search(when string) {
	x.Helper()
	x.secrets.searchRows(x.T, x.cfg)
	if x.cfg.Postgres == "" {
		x.secrets.searchFiles(x.T, x.cfg.Dir)
	}
	x.secrets.search(x.T, "what was said "+when, x.said.Bytes())
	x.secrets.search(x.T, "the pieces "+when, x.pieces.Bytes())
	x.secrets.search(x.T, "the log "+when, x.log.Bytes())
}
