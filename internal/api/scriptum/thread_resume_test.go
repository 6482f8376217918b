package scriptum

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestResumption reads each form of override for each reason to wait.
func TestResumption(t *testing.T) {
	t.Parallel()
	question := func(kind string) sluice.Waiting {
		return sluice.Waiting{Reason: sluice.WaitAnswer, Block: "approve", Type: kind}
	}
	failed := sluice.Waiting{Reason: sluice.WaitError, Block: "call"}
	lost := sluice.Waiting{Reason: sluice.WaitUnknown, Block: "pay"}
	for _, c := range []struct {
		waiting  sluice.Waiting
		override string
		want     string // the request, or what its refusal says
	}{
		{question("boolean"), `{"value": true}`, `answer {"value": true}`},
		{question("boolean"), `{"approved":true}`, `answer {"approved":true}`},
		{question("choice"), `"approve"`, `answer "approve"`},
		{question("text"), `{"retry":true}`, `answer {"retry":true}`},
		{question("json"), `[{"value":1}]`, `answer [{"value":1}]`},
		{question("json"), `null`, "answer null"},
		{question("text"), ``, "approve waits for an answer, and none was given"},
		{failed, ``, "retry"},
		{failed, `{"retry":true}`, "retry"},
		{failed, ` {"retry" : true } `, "retry"},
		{failed, `{"skip":true}`, "skip"},
		{failed, `{"result":{"id":7}}`, `result {"id":7}`},
		{failed, `{"result":null}`, "result null"},
		{failed, `{"retry":false}`, "call failed: say what is to become of it"},
		{failed, `{"retry":true,"skip":true}`, "call failed: say what is to become of it"},
		{failed, `{"value":1}`, "call failed: say what is to become of it"},
		{failed, `true`, "call failed: say what is to become of it"},
		{failed, `[]`, "call failed: say what is to become of it"},
		{lost, ``, "pay did not come to its end, and may have had its effect: say"},
		{lost, `{"retry":true}`, "retry"},
		{lost, `{"skip":true}`, "skip"},
		{lost, `{"result":"paid"}`, `result "paid"`},
		{sluice.Waiting{}, ``, ""},
		{sluice.Waiting{}, `{"retry":true}`, `answer {"retry":true}`},
	} {
		raw, err := readJSON("step_input_override_json", c.override)
		if err != nil {
			t.Fatal(err)
		}
		got, err := resumption(c.waiting, raw)
		if err != nil {
			if sluice.CodeOf(err) != sluice.Invalid || !strings.HasPrefix(err.Error(), c.want) || len(sluice.AsError(err).Fixes) == 0 {
				t.Errorf("%s %s %s: got %v, want %s", c.waiting.Reason, c.waiting.Type, c.override, err, c.want)
			}
			continue
		}
		if asked := request(got); asked != c.want {
			t.Errorf("%s %s %s: got %s, want %s", c.waiting.Reason, c.waiting.Type, c.override, asked, c.want)
		}
	}
}

// request is what a request asks for, as a person would say it.
func request(r sluice.ResumeRunRequest) string {
	var said []string
	for word, raw := range map[string]json.RawMessage{"answer": r.Answer, "result": r.Result} {
		if raw != nil {
			said = append(said, word+" "+string(raw))
		}
	}
	for word, set := range map[string]bool{"retry": r.Retry, "skip": r.Skip} {
		if set {
			said = append(said, word)
		}
	}
	return strings.Join(said, " and ")
}

func TestReadJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                       "<nil>",
		" \n":                    "<nil>",
		`{"a": 1}`:               "<nil>",
		`{"a": hush}`:            "input_json is not JSON: see byte 7 of 11",
		`{"a": "hush`:            "input_json is not JSON: see byte 11 of 11",
		`{} {}`:                  "input_json is not JSON: see byte 4 of 5",
		strings.Repeat("[", 1e5): "input_json is not JSON: see byte 10001 of 100000",
		strings.Repeat(" ", sluice.MaxInputBytes) + "1": "input_json is 4194305 bytes; the limit is 4194304",
	} {
		_, err := readJSON("input_json", in)
		if got := fmt.Sprint(err); got != want {
			t.Errorf("%.40q: got %s, want %s", in, got, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{
		"": 0, "5m": 300, "1h": 3600, "90s": 90, "1h30m": 5400, "1ms": 1, "1500ms": 2, "300": 300, "2562047h": 9223369200,
		"0": -1, "0s": -1, "-5m": -1, "5": 5, "soon": -1, "5 m": -1, "99999999999h": -1, "99999999999": -1, "1e3": -1,
	} {
		got, err := seconds(in)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: got %d, want %d (%v)", in, got, want, err)
		}
	}
}

func TestReadStatus(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "[]", "unspecified": "[]", "failed": "[failed]", "FAILED": "[failed]", "THREAD_STATUS_FAILED": "[failed]", "thread_status_paused": "[paused]",
		"running": "[running interrupted]", "cancelled": "[cancelled]", "pending": "[pending]", "Completed": "[completed]",
		"interrupted": `"interrupted" is not the status of a thread`, "done": `"done" is not the status of a thread`,
	} {
		list, err := readStatus(in)
		got := fmt.Sprint(list)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
