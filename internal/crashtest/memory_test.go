package crashtest

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
)

// zeros is a body of many bytes that takes few to send.
func zeros(w http.ResponseWriter, kind, unit string, n int) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	_, _ = io.WriteString(z, "[")
	block := strings.Repeat(unit, 1<<16)
	for range n / len(block) {
		if _, err := io.WriteString(z, block); err != nil {
			return // the server has read enough
		}
	}
	_, _ = io.WriteString(z, "0]")
	_ = z.Close()
}

// greedySite answers with more than anybody should take.
func greedySite(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 4<<20-1)) })
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, _ *http.Request) { zeros(w, "text/plain", "0", 64<<20) })
	mux.HandleFunc("/lists", func(w http.ResponseWriter, _ *http.Request) { zeros(w, "application/json", "[],", 15<<20) })
	mux.HandleFunc("/model/chat/completions", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		piece := fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", strings.Repeat("x", 60_000))
		for range 200 {
			if _, err := io.WriteString(w, piece); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n")
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site.URL
}

// greedy are runs that would each take all the memory there is, in groups that run at
// once.
func greedy(site string) map[string][]string {
	each := func(body string) string {
		return "blocks:\n  - {id: each, block: foreach, items: '{{ range(2000) | list }}', concurrency: 64, on_error: ignore, blocks: [" + body + "]}\n"
	}
	return map[string][]string{
		"values": {
			each(`{id: a, block: template, template: "{{ inputs.text }}", on_error: ignore}`),
			each(`{id: a, block: http, url: ` + site + `/text, on_error: ignore}`),
			each(`{id: a, block: http, url: ` + site + `/bomb, max_bytes: 16777216, on_error: ignore}`),
			each(`{id: a, block: http, url: ` + site + `/lists, max_bytes: 16777216, on_error: ignore}`),
			each(`{id: a, block: llm, model: m, base_url: ` + site + `/model, api_key: k, prompt: p, on_error: ignore}`),
		},
		"scripts": {
			each(`{id: a, block: script, code: "const a = []; for (;;) a.push('x'.repeat(100000) + a.length)", on_error: ignore}`),
			each(`{id: a, block: script, code: "for (;;) {}", on_error: ignore, timeout: 1s}`),
		},
	}
}

// TestGreedyRuns runs several at once that would each take all the memory.
// The server, with all its children, stays within its own, and answers others.
func TestGreedyRuns(t *testing.T) {
	t.Parallel()
	site := greedySite(t)
	p := startShipped(t, t.TempDir())
	mine, other := p.as(p.admin), p.as(p.token("bob", sluice.RoleViewer, sluice.RolePublisher))
	others := func(ctx context.Context) error {
		if _, err := other.Info(ctx); err != nil {
			return err
		}
		_, err := other.Publish(ctx, sluice.PublishRequest{Component: "calm", Kind: sluice.KindWorkflow, Files: []sluice.File{
			{Path: "calm.yaml", Text: "blocks: [{id: a, block: template, template: \"{{ inputs.name | title }}\"}]\n"},
		}})
		return err
	}
	input := []byte(`{"text": "` + strings.Repeat("x", 1<<19) + `"}`)
	for name, flows := range greedy(site) {
		t.Run(name, func(t *testing.T) {
			p.within(t).endures(func(ctx context.Context) { runGreedy(ctx, t, mine, flows, input) }, others)
		})
	}
}

// runGreedy runs each content twice, and waits until a bound has ended all of them.
func runGreedy(ctx context.Context, t *testing.T, c *client.Client, flows []string, input []byte) {
	var all sync.WaitGroup
	for _, flow := range slices.Concat(flows, flows) {
		all.Go(func() {
			if _, err := c.StartRun(ctx, sluice.StartRunRequest{
				Content: &sluice.RunContent{Kind: sluice.KindWorkflow, Files: []sluice.File{{Path: "greedy.yaml", Text: flow}}}, Input: input, Timeout: 4,
			}); err != nil {
				t.Errorf("a run does not start: %v", err)
			}
		})
	}
	all.Wait()
	for going := true; going; { // what they collect is not followed, which would take long
		page, err := c.Runs(ctx, sluice.RunQuery{})
		if err != nil {
			t.Errorf("the runs cannot be listed: %v", err)
			return
		}
		going = false
		for _, run := range page.Items {
			switch e := run.Error; {
			case !run.Status.Ended():
				going = true
			case run.Status != sluice.RunFailed || e.Code != sluice.LimitExceeded && e.Code != sluice.TimedOut:
				t.Errorf("a run is %s (%+v), want that a bound ended it", run.Status, e)
				return
			}
		}
	}
}
