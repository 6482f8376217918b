package scriptum_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/server"
)

// lines is the answer to a call that streams: each message as it prints.
func (in *installation) lines(token, path string) (contentType string, lines []string) {
	in.t.Helper()
	r, err := http.NewRequestWithContext(in.t.Context(), "GET", in.URL()+"/v1/scriptum/"+path, nil)
	if err != nil {
		in.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		in.t.Fatal(err)
	}
	defer resp.Body.Close()
	s := bufio.NewScanner(resp.Body)
	s.Buffer(nil, 4<<20)
	for s.Scan() {
		var message map[string]any
		if err := json.Unmarshal(s.Bytes(), &message); err != nil {
			in.t.Fatalf("%s: %s: %v", path, s.Text(), err)
		}
		lines = append(lines, fmt.Sprint(message))
	}
	if s.Err() != nil {
		in.t.Fatal(s.Err())
	}
	return resp.Header.Get("Content-Type"), lines
}

// TestWatchOverHTTP gets each line when it is written, and not at the end.
func TestWatchOverHTTP(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	in.workflow("ask", fmt.Sprintf(asking, "boolean", ""))
	_, made := in.call("POST", "/v1/scriptum/threads", `{"scriptName": "ask", "version": 1}`)
	id := fmt.Sprint(made["threadId"])
	in.paused(id)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", in.URL()+"/v1/scriptum/threads/"+id+"/watch", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+in.FirstToken())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), "THREAD_STATUS_PAUSED") {
		continue
	}
	if status, got := in.call("POST", "/v1/scriptum/threads/"+id+"/resume", `{"stepInputOverrideJson": "true"}`); status != 200 {
		t.Errorf("got %d %v", status, got)
	}
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	if !strings.Contains(last, "THREAD_STATUS_COMPLETED") || lines.Err() != nil {
		t.Errorf("the last line is %s, %v", last, lines.Err())
	}
}

// TestThreadPaths makes every call about threads over HTTP.
func TestThreadPaths(t *testing.T) {
	t.Parallel()
	in := install(t, server.Config{})
	in.workflow("ask", fmt.Sprintf(asking, "boolean", ""))
	in.deploy("ask", in.workflow("ask", fmt.Sprintf(asking, "boolean", "")+"description: with more words\n"))
	status, made := in.call("POST", "/v1/scriptum/threads", `{"scriptName": "ask", "inputJson": "{}", "loadEnv": true, "timeout": "1h", "callback_url": "", "metadata": {"a": "b"}}`)
	id, _ := made["threadId"].(string)
	if _, text := made["createdAtMs"].(string); status != 200 || id == "" || !text || made["version"] != 2.0 || made["loadEnv"] != true {
		t.Fatalf("got %d %v", status, made)
	}
	in.paused(id)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string // in the answer as it prints
	}{
		{"POST", "threads", `{"script_name": "ask", "version": 1, "input_json": "{hush"}`, 400, "input_json is not JSON"},
		{"POST", "threads", `{"script_name": "ask", "version": "x"}`, 400, "is not JSON of the form"},
		{"POST", "threads", `{"script_name": "ask", "executionMode": "hush"}`, 400, "a field that the call does not know"},
		{"POST", "threads", `{"script_name": "nope"}`, 404, "does not exist"},
		{"GET", "threads?pageSize=5&status_filter=paused&scriptNameFilter=ask", "", 200, "threadId:" + id},
		{"GET", "threads?status_filter=done", "", 400, "is not the status of a thread"},
		{"GET", "threads/" + id, "", 200, "status:THREAD_STATUS_PAUSED"},
		{"GET", "threads/none", "", 404, "none does not exist"},
		{"GET", "threads/" + id + "/artifacts", "", 200, "map[]"},
		{"GET", "threads/" + id + "/result?metadataOnly=true", "", 200, "primitive:ask"},
		{"GET", "threads/" + id + "/result?output_only=perhaps", "", 400, "neither true nor false"},
		{"GET", "threads/" + id + "/result/stream?max_chunk_bytes=99999999999", "", 400, "not a whole number"},
		{"GET", "threads/none/watch", "", 404, "none does not exist"},
		{"GET", "threads/" + id + "/watch?after=x", "", 400, "not a whole number"},
		{"POST", "threads/" + id + "/resume", `{"step_input_override_json": "\"hush\""}`, 400, "neither true nor false"},
		{"POST", "threads/" + id + "/resume", `{"step_input_override_json": "{\"approved\":true}"}`, 200, "threadId:" + id},
	} {
		status, answer := in.call(c.method, "/v1/scriptum/"+c.path, c.body)
		text := fmt.Sprint(answer)
		if status != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%s %s %s: got %d %s, want %d %s", c.method, c.path, c.body, status, text, c.status, c.want)
		}
		if status >= 400 && (strings.Contains(text, "hush") || answer["code"] == nil) {
			t.Errorf("%s %s %s: got %s", c.method, c.path, c.body, text)
		}
	}
	wantThread(t, in.ended(id), "COMPLETED")
	if _, got := in.call("GET", "/v1/scriptum/threads/"+id+"/result", ""); got["outputData"] != base64.StdEncoding.EncodeToString([]byte("true")) || got["outputTotalBytes"] != "4" {
		t.Errorf("got %v", got)
	}
	if status, got := in.call("POST", "/v1/scriptum/threads/"+id+"/cancel", `{"reason": "late"}`); status != 409 {
		t.Errorf("got %d %v", status, got)
	}
	for path, want := range map[string][]string{
		"watch":                          {"stepPath:0", "stepPath:1", "THREAD_STATUS_COMPLETED"},
		"steps/1/watch":                  {"stepPath:1"},
		"steps/7/watch":                  {"has no step"},
		"result/stream":                  {"outputTotalBytes:4", "data:dHJ1ZQ== isFinal:true"},
		"steps/stream?maxChunkBytes=1":   {"stepName:approve", "isFinal:true", "stepName:after", "data:dHJ1ZQ== isFinal:true"},
		"steps/stream?step_path=1":       {"stepName:after", "data:dHJ1ZQ== isFinal:true"},
		"steps/stream?step_path=0.0.0.0": {"has no step"},
	} {
		kind, got := in.lines(in.FirstToken(), "threads/"+id+"/"+path)
		if len(got) != len(want) || strings.HasPrefix(kind, "application/x-ndjson") == strings.Contains(want[0], "has no") {
			t.Fatalf("%s: got %s %q, want %q", path, kind, got, want)
		}
		for i, line := range got {
			if !strings.Contains(line, want[i]) {
				t.Errorf("%s: line %d is %s, want %s", path, i, line, want[i])
			}
		}
	}
}
