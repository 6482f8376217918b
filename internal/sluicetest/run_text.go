package sluicetest

import (
	"fmt"

	"github.com/sluice-dev/sluice"
)

const textOfRunsText = `inputs: {word: string}
blocks:
  - {id: said, block: echo, value: "{{ inputs.word }}"}
  - {id: thrown, block: script, needs: said, code: "console.log(inputs.word); throw new Error(inputs.word)", on_error: ignore}
  - {id: asked, block: ask, needs: thrown, prompt: "{{ inputs.word }}?", options: ["{{ inputs.word }}", no]}
  - {id: bad, block: fail, needs: asked, message: "cannot take {{ asked.value }}"}
`

// textOfRuns: what a run says is recorded on every engine alike. Data stays exact,
// messages become what a record can hold, and what would be altered is refused.
func textOfRuns(s *suite) {
	req := sluice.StartRunRequest{Input: input(`{"word": "a\u0000b"}`), Content: &sluice.RunContent{
		Kind: sluice.KindWorkflow, Files: []sluice.File{{Path: "a.yaml", Text: textOfRunsText}},
	}}
	run := s.start(req)
	s.equal("asks", fmt.Sprintf("%s %q %q", run.Status, run.Waiting.Prompt, run.Waiting.Options), `paused "a\x00b?" ["a\x00b" "no"]`)
	for _, bad := range []string{`"\ud800"`, "\"\xff\""} {
		_, err := s.ResumeRun(s.ctx, sluice.ResumeRunRequest{Run: run.ID, Answer: input(bad)})
		s.refusedEarly(err, sluice.Invalid)
		other := req
		other.Input = input(`{"word": ` + bad + `}`)
		_, err = s.StartRun(s.ctx, other)
		s.refusedEarly(err, sluice.Invalid)
	}
	run = s.rest(ok[sluice.Run](s)(s.ResumeRun(s.ctx, sluice.ResumeRunRequest{Run: run.ID, Answer: input(`"a\u0000b"`)})))
	s.equal("ended", fmt.Sprintf("%s: %s", run.Status, run.Error.Message), "failed: cannot take a\u2400b (\u2400 and \uFFFD stand for what is not text)")
	s.equal("input", string(run.Input), `{"word":"a\u0000b"}`)
	steps := ok[[]sluice.RunStep](s)(sluice.Collect(s.Steps(s.ctx, sluice.StepQuery{Run: run.ID, Detail: true})))
	s.equal("output", string(steps[0].Output), `"a\u0000b"`)
	s.equal("thrown", fmt.Sprintf("%s %q", steps[1].Status, steps[1].Error.Message), `ignored "the script: line 1, column 33: a b"`)
}
