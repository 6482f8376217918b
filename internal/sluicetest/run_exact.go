package sluicetest

import (
	"strings"

	"github.com/sluice-dev/sluice"
)

const exact = "my-values"

// exactText carries values in each way that there is.
const exactText = `blocks:
  - {id: plain, block: echo, value: "{{ inputs.v }}"}
  - {id: text, block: template, template: "{{ plain.output }}, {{ inputs.v.z + 1 }}"}
  - {id: code, block: script, needs: text, input: {v: "{{ inputs.v }}"}, code: "return {keys: Object.keys(v), of: v.a, under: {z: 1, a: 2, 7: 3}}"}
  - {id: lost, block: script, needs: code, input: {v: "{{ inputs.v }}"}, code: "return v.z", on_error: ignore}
  - {id: each, block: foreach, needs: lost, items: "{{ inputs.v.a.list }}", blocks: [{id: one, block: echo, value: {was: "{{ item }}", index: "{{ index }}"}}]}
  - {id: file, block: echo, value: {z: 18446744073709551615, a: 0.10, on: 2026-01-31, "10": 0x1F, "9": 1e2, b: -18446744073709551616}}
  - {id: picked, block: condition, needs: each, condition: "{{ inputs.v.z == 18446744073709551615 and inputs.v.z > 18446744073709551614 }}", block_on_true: file}
output: {plain: "{{ plain.output }}", text: "{{ text.output }}", code: "{{ code.output }}", each: "{{ each.output }}", file: "{{ file.output }}"}
`

// exactValue has keys that a map would sort, and numbers that a float would round.
const exactValue = `{"z":18446744073709551615,"a":{"reasoning":"so","answer":3544790567247868102,"list":[1.0,0.10,{"y":1e2,"b":-0.0}]},"10":null,"9":"<&>"}`

// exactValues: a run answers with what it was given, to the last digit and key.
func exactValues(s *suite) {
	ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{
		Component: exact, Kind: sluice.KindWorkflow, Label: "v1.0.0", Files: []sluice.File{{Path: "a.yaml", Text: exactText}},
	}))
	given := strings.ReplaceAll(exactValue, `"answer":3544790567247868102,`, `"answer":12,`)
	req := sluice.StartRunRequest{Component: exact, Version: "v1.0.0", Environment: "prod", Input: input(`{"v": ` + given + `}`), IdempotencyKey: "exact"}
	done := s.start(req)
	s.equal("input", string(done.Input), `{"v":`+given+`}`)
	s.stands(done, `completed {"plain":`+given+`,"text":"`+strings.ReplaceAll(given, `"`, `\"`)+`, 18446744073709551616",`+
		`"code":{"keys":["9","10","z","a"],"of":{"reasoning":"so","answer":12,"list":[1,0.1,{"y":100,"b":0}]},"under":{"7":3,"z":1,"a":2}},`+
		`"each":[{"was":1.0,"index":0},{"was":0.10,"index":1},{"was":{"y":1e2,"b":-0.0},"index":2}],`+
		`"file":{"z":18446744073709551615,"a":0.10,"on":"2026-01-31","10":31,"9":1e2,"b":-18446744073709551616}}`)
	for step, err := range s.Steps(s.ctx, sluice.StepQuery{Run: done.ID, Detail: true}) {
		if err != nil {
			s.Fatal(err)
		}
		switch step.Block {
		case "plain":
			s.equal("settings of a step", string(step.Settings), `{"value":`+given+`}`)
		case "lost":
			s.equal("what JavaScript cannot hold", step.Error.Message, "the script: line 1, column 10: v.z is 18446744073709551615, which a number of JavaScript cannot hold")
		}
	}
	// The same input in other words is the same request.
	req.Input = input(`{"v": {"9": "<&>", "10": null, "a": {"list": [1, 1e-1, {"b": 0, "y": 100.0}], "answer": 1.2e1, "reasoning": "so"}, "z": 18446744073709551615}}`)
	s.equal("repeated", ok[sluice.Run](s)(s.StartRun(s.ctx, req)).ID, done.ID)
	req.Input = input(`{"v": ` + strings.ReplaceAll(given, "18446744073709551615", "18446744073709551614") + `}`)
	_, err := s.StartRun(s.ctx, req)
	s.refused(err, sluice.Conflict, "exact")

	for _, bad := range [][2]string{
		{`{"n": 1e1001}`, "the exponent of 1e1001 is too large"},
		{`{"n": ` + strings.Repeat("9", 1001) + `}`, "has 1001 digits"},
		{`{"n": 1, "n": 2}`, `the key "n" is there twice`},
	} {
		_, err := s.StartRun(s.ctx, sluice.StartRunRequest{Component: exact, Version: "v1.0.0", Environment: "prod", Input: input(bad[0])})
		s.refused(err, sluice.Invalid, bad[1])
	}
	_, err = s.StartRun(s.ctx, sluice.StartRunRequest{Component: exact, Version: "v1.0.0", Environment: "prod", Input: input(`{"n": "\ud800"}`)})
	s.refusedEarly(err, sluice.Invalid) // over HTTP by its body, which has other places
}
