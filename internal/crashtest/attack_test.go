package crashtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/sluice-dev/sluice/internal/store"
)

// The run that attackers ask for again and again: each has many connections, and
// reads none of the answers.
const (
	heavySteps = 16
	heavyBytes = 6 << 20 // of each step's output, and of the run's
	attackers  = 12
)

// heavyRun writes a run that has ended, with large outputs, as runs leave them.
func heavyRun(t *testing.T, dir string) string {
	t.Helper()
	key := filepath.Join(dir, "master.key")
	writeKey(t, key, newKey(t))
	n := sealing(t, store.Config{Dir: dir}, seal.Config{File: key})
	must[sluice.Component](t)(n.AddComponent(as("alice"), sluice.AddComponentRequest{Name: "heavy", Kind: sluice.KindWorkflow}))
	id := must[uuid.UUID](t)(uuid.NewV7()).String()
	output := json.RawMessage(`"` + strings.Repeat("x", heavyBytes) + `"`)
	if err := n.db.Update(t.Context(), control.DefaultOrganization, func(tx *store.Tx) error {
		r := sluice.Run{
			ID: id, Component: "heavy", Kind: sluice.KindWorkflow, Environment: "production", Status: sluice.RunCompleted, Actor: "alice",
			CreatedAt: tx.WallClock(), StartedAt: tx.WallClock(), EndedAt: tx.WallClock(), Steps: heavySteps, Change: 1,
		}
		if err := tx.AddRun(r, nil); err != nil {
			return err
		}
		r.Output = output
		return tx.PutRun(store.RunRow{Run: r})
	}); err != nil {
		t.Fatal(err)
	}
	for i := range heavySteps {
		if err := n.db.Update(t.Context(), control.DefaultOrganization, func(tx *store.Tx) error {
			return tx.PutStep(id, sluice.RunStep{Path: fmt.Sprint(i), Block: fmt.Sprintf("b%d", i), Kind: "echo", Status: sluice.StepCompleted, Output: output, Change: 1})
		}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10 { // variables whose every other byte is written as two
		changes := make([]sluice.ChangeRequest, 50)
		for j := range changes {
			changes[j] = putting(fmt.Sprintf("V%d_%d", i, j), "", strings.Repeat(`"x`, 24<<10))
		}
		must[sluice.Outcome](t)(n.Deploy(as("alice"), sluice.DeployRequest{Environment: "production", Changes: changes}))
	}
	if err := n.close(); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestUnreadAnswers has many connections of one viewer ask for what is large and
// never read it.
func TestUnreadAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := heavyRun(t, dir)
	p := startShipped(t, dir)
	viewer, other := p.token("mallory", sluice.RoleViewer), p.as(p.token("bob", sluice.RoleViewer, sluice.RoleDeployer))
	others := func(ctx context.Context) error {
		if _, err := other.Info(ctx); err != nil {
			return err
		}
		for _, err := range other.Steps(ctx, sluice.StepQuery{Run: run}) {
			if err != nil {
				return err
			}
		}
		_, err := other.Runs(ctx, sluice.RunQuery{})
		return err
	}
	for name, path := range map[string]string{
		"variables":     "/v1/environments/production/effective",
		"their diff":    "/v1/diff/variables?from=development&to=production",
		"steps":         "/v1/runs/" + run + "/steps?detail=true",
		"a run":         "/v1/runs/" + run,
		"events":        "/v1/runs/" + run + "/events",
		"Scout's logs":  "/v2/run_logs?workflow_id=heavy",
		"Scout's log":   "/v2/run_logs/details?workflow_id=heavy&workflow_run_id=" + run,
		"step results":  "/v1/scriptum/threads/" + run + "/steps/stream",
		"thread result": "/v1/scriptum/threads/" + run + "/result/stream",
	} {
		t.Run(name, func(t *testing.T) {
			p := p.within(t)
			p.endures(func(ctx context.Context) { p.unread(ctx, viewer, path) }, others)
		})
	}
	t.Run("steps over HTTP/2", func(t *testing.T) {
		p := p.within(t)
		p.endures(func(ctx context.Context) { p.unreadStreams(ctx, viewer, "/v1/runs/"+run+"/steps?detail=true") }, others)
	})
	steps := must[[]sluice.RunStep](t)(sluice.Collect(other.Steps(t.Context(), sluice.StepQuery{Run: run, Detail: true})))
	for i, s := range steps {
		if len(steps) != heavySteps || s.Path != fmt.Sprint(i) || len(s.Output) != heavyBytes+2 {
			t.Errorf("step %d of %d: %s with %d bytes", i, len(steps), s.Path, len(s.Output))
		}
	}
}

// TestPagesOfSteps follows the pages of a run whose steps are each larger than a
// page, and of their summary.
func TestPagesOfSteps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := heavyRun(t, dir)
	s := serve(t, server.Config{Data: dir})
	for query, want := range map[string]string{
		"?detail=true":                 "0, next 0",
		"?detail=true&cursor=9":        "10, next 10",
		"?limit=3&cursor=9":            "10 11 12, next 12",
		"?detail=true&path=11&limit=1": "11",
		"?cursor=12":                   "13 14 15",
		"?cursor=15":                   "",
		"":                             "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
	} {
		status, text := s.ask(s.FirstToken(), "GET", "/v1/runs/"+run+"/steps"+query, "")
		var page sluice.Page[sluice.RunStep]
		if err := json.Unmarshal([]byte(text), &page); err != nil || status != 200 {
			t.Errorf("%s: %d, %v", query, status, err)
			continue
		}
		var paths []string
		for _, step := range page.Items {
			paths = append(paths, step.Path)
		}
		got := strings.Join(paths, " ")
		if page.Next != "" {
			got += ", next " + page.Next
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

// unread asks for a path over many connections at once, and reads no more of each
// answer than its first line.
func (p *program) unread(ctx context.Context, token, path string) {
	var all sync.WaitGroup
	for range attackers {
		all.Go(func() {
			p.raw(ctx, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", path, token), nil)
		})
	}
	all.Wait()
}

// unreadStreams is unread over one connection of HTTP/2.
func (p *program) unreadStreams(ctx context.Context, token, path string) {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	context.AfterFunc(ctx, transport.CloseIdleConnections)
	var all sync.WaitGroup
	for range attackers {
		all.Go(func() {
			req := must[*http.Request](p.T)(http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil))
			req.Header.Set("Authorization", "Bearer "+token)
			if resp, err := transport.RoundTrip(req); err != nil {
				p.Error(err)
			} else {
				context.AfterFunc(ctx, func() { _ = resp.Body.Close() })
			}
		})
	}
	all.Wait()
}

// raw sends a request as it stands, with a body, and returns the first line of what
// is answered. The connection is left open, with nothing more read from it, until
// the context ends.
func (p *program) raw(ctx context.Context, head string, body io.Reader) string {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.Error(err)
		return ""
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10) // what the kernel takes is not the server's
	if _, err := io.WriteString(conn, head); err != nil {
		p.Error(err)
		return ""
	}
	if body != nil {
		go func() { _, _ = io.Copy(conn, body) }() // which the server may cut off
	}
	line, _ := bufio.NewReaderSize(conn, 16).ReadString('\n')
	return line
}

// TestHostileBodies has a viewer send what it may not, a deployer what no request
// needs, and others what they never finish.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	p := startShipped(t, t.TempDir())
	deployer, other := p.token("mallory", sluice.RoleDeployer), p.as(p.token("bob", sluice.RolePublisher))
	viewer := p.token("eve", sluice.RoleViewer)
	n := 0
	others := func(ctx context.Context) error {
		n++
		_, err := other.Publish(ctx, sluice.PublishRequest{Component: "prompt", Kind: sluice.KindPrompt, Files: []sluice.File{sluice.NewFile("p.md", fmt.Append(nil, n))}})
		return err
	}
	const size = 5_900_000
	empty := `{"changes":[` + strings.Repeat("{},", size/3-10) + `{}]}`
	for _, test := range []struct {
		name, token, body, answer string
		length                    int
	}{
		{"a viewer deploys two million empty objects", viewer, empty, "403", len(empty)},
		{"nobody does", "", empty, "401", len(empty)},
		{"a deployer does", deployer, empty, "", len(empty)},
		{"a deployer nests arrays", deployer, strings.Repeat("[", size), "", size},
		{"a deployer never finishes", deployer, `{"changes":[`, "", size},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := p.within(t)
			p.endures(func(ctx context.Context) {
				var all sync.WaitGroup
				for range attackers {
					send := func() {
						head := fmt.Sprintf("POST /v1/environments/production/releases HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", test.token, test.length)
						line := p.raw(ctx, head, strings.NewReader(test.body))
						if !strings.Contains(line, test.answer) && ctx.Err() == nil {
							t.Errorf("answered %q, want %s", line, test.answer)
						}
					}
					if test.length > len(test.body) {
						go send() // to which there is no answer before the body's deadline
						continue
					}
					all.Go(send)
				}
				all.Wait()
			}, others)
		})
	}
}
