package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/sluice-dev/sluice"
)

func (h *handler) watches() {
	raw(h, "watch", spec{
		method: http.MethodGet, path: "/v1/watch", id: "watch", patience: -1, summary: "Follow one environment as server-sent events",
		description: "The stream begins with an event snapshot, the environment's manifest, and goes on with an event release for " +
			"each change and an event heartbeat between them. The id of each event is <ledger id>-<epoch>. To resume without a " +
			"snapshot, ask with the id of the last event seen, in after or in the header Last-Event-ID. A snapshot that is marked " +
			"reset means that the position is not in this ledger's past: whatever was known before is void.",
	}, describeWatch, h.watch)
}

func describeWatch(op *huma.Operation) {
	text := &huma.Schema{Type: huma.TypeString}
	op.Parameters = []*huma.Param{
		{Name: "environment", In: "query", Required: true, Schema: text, Description: "An environment's name or alias."},
		{Name: "after", In: "query", Schema: text, Description: "The id of the last event seen, to resume after it."},
		{Name: "Last-Event-ID", In: "header", Schema: text, Description: "The same as after, as browsers send it."},
	}
	answers("text/event-stream", "A stream that ends when either side closes it.")(op)
}

func (h *handler) watch(w http.ResponseWriter, r *http.Request) error {
	if err := sluice.ActorOf(r.Context()).May(sluice.MayRead, ""); err != nil {
		return err
	}
	if h.Streamer == nil {
		return sluice.Errorf(sluice.Unavailable, "this server has no watch streams")
	}
	q := r.URL.Query()
	req := sluice.WatchRequest{Environment: q.Get("environment"), After: q.Get("after")}
	if req.After == "" {
		req.After = r.Header.Get("Last-Event-ID")
	}
	if req.Environment == "" {
		return sluice.Errorf(sluice.Invalid, "no environment was named").Fix("add ?environment=production")
	}
	return h.Streamer.Stream(w, r, req)
}
