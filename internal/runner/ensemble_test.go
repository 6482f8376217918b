package runner_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// ensembles are files as their authors write them, with what a run of each gives.
var ensembles = []struct{ name, text, input, want string }{
	{"answers under the field that the schema names, filled in from what the step gives", `
trigger: [{type: http, path: "/hello/:name"}]
agents:
  - name: write-greeting
    operation: think
    config: {provider: workers-ai, model: "@cf/small", maxTokens: 100}
    schema: {input: {name: string}, output: {greeting: string}}
flow:
  - agent: write-greeting
    input: {prompt: "Greet {{name}}, who is {{age}} and says {{words}}.", name: "${params.name}", age: 3, words: "${params.words}"}
output:
  greeting: ${write-greeting.output.greeting}
  model: ${write-greeting.output._meta.model}
`, `{"name": "Bob", "words": "{{name}} ${env}"}`, `completed {"greeting":"@cf/small heard: Greet Bob, who is 3 and says {{name}} ${env}.","model":"@cf/small"}`},
	{"asks for what a schema says", `
input: {text: {type: string, required: true}, note: "string?"}
flow: [{agent: judge}]
agents:
  - name: judge
    operation: think
    config:
      model: structured
      prompt: 'Judge "${input.text}"'
      schema: {type: object, properties: {heard: {type: string}, score: {type: number}}, required: [heard]}
output: {score: "${judge.output.score}", all: "${judge.output}", none: "${judge.output.more.and[0].more}"}
`, `{"text": "fine"}`, `completed {"score":0.5,"all":{"heard":"structured heard: Judge \"fine\"","score":0.5},"none":null}`},
	{"runs the flow in its order, also past what is skipped", `
agents:
  - {name: first, operation: code, config: {code: "return {n: n + 1}"}, input: {n: "${input.n}"}}
  - {name: never, operation: code, config: {code: "return 1"}, condition: "${first.output.n > 100}"}
  - {name: last, operation: transform, config: {template: "from {{from}}"}}
flow:
  - first
  - agent: never
  - {agent: first, id: again, input: {n: 10}}
  - {agent: last, input: {from: "${never.skipped && again.output.n}"}}
output: {first: "${first.output.n}", never: "${never.output.n ?? 'skipped'}", last: "${last.output}"}
`, `{"n": 4}`, `completed {"first":5,"never":"skipped","last":"from 11"}`},
	{"answers with the first mapping whose condition holds", choosing, `{"found": ["x"]}`, `completed {"status":200,"body":{"answer":"x"}}`},
	{"takes values for conditions as JavaScript does", choosing, `{"found": []}`, `completed {"status":404,"body":{"error":"nothing about x"}}`},
	{"answers with the mapping that has no condition", choosing, `{}`, `completed {"status":500}`},
	{"runs steps side by side, and waits for all of them", `
agents:
  - {name: a, operation: code, config: {code: "return 1"}}
  - {name: b, operation: code, config: {code: "return 2"}}
  - {name: sum, operation: code, config: {code: "return a + b"}, input: {a: "${a.output}", b: "${b.output}"}}
flow: [{type: parallel, steps: [{agent: a}, {agent: b}]}, {agent: sum}]
output: {sum: "${agents.sum.output}"}
`, ``, `completed {"sum":3}`},
	{"runs agents that are components here", `
flow:
  - {agent: hello, input: {name: "${input.name}", style: "${input.style || 'friendly'}"}}
  - {agent: shout, input: {text: "${hello.output.message}"}}
output: {greeting: "${hello.output.message}", loud: "${shout.output.text}", at: "${now.slice(0, 10)}"}
`, `{"name": "Bob"}`, `completed {"greeting":"Hello Bob, friendly.","loud":"HELLO BOB, FRIENDLY.","at":"2024-11-12"}`},
	{"runs what one agent does by itself", `
operation: transform
schema: {input: {name: string}}
config: {template: {greeting: "Hello {{name}}"}}
`, `{"name": "Bob"}`, `completed {"greeting":"Hello Bob"}`},
}

const choosing = `
flow: [{agent: find, operation: code, config: {code: "return {results: found, error: null}"}, input: {found: "${input.found}"}}]
output:
  - when: ${find.output.results && find.output.results.length}
    status: 200
    body: {answer: "${find.output.results[0]}"}
  - when: ${find.output.results?.length === 0}
    status: 404
    body: {error: nothing about x}
  - {status: 500}
`

// TestEnsembles runs each of them.
func TestEnsembles(t *testing.T) {
	t.Parallel()
	h, o := open(t), newOutside(t)
	h.publish("hello", sluice.KindPrompt, "Hello {{ name }}, {{ style }}.")
	h.publish("shout", sluice.KindAgent, "name: shout\noperation: code\nconfig: {code: 'return {text: text.toUpperCase()}'}\ninput: {text: \"${input.text}\"}\n")
	h.deploy("production", setVersion("hello", "latest"), setVersion("shout", "latest"), setVariable("OPENAI_BASE_URL", o.URL+"/v1", false), setVariable("OPENAI_API_KEY", "key", true))
	for _, test := range ensembles {
		t.Run(test.name, func(t *testing.T) {
			h := &house{T: t, Control: h.Control, clock: h.clock, ctx: h.ctx}
			h.publish("main", sluice.KindEnsemble, "name: main\n"+strings.TrimPrefix(test.text, "\n"))
			run := h.rest(h.start(sluice.StartRunRequest{Component: "main", Version: "latest", Configured: true, Input: json.RawMessage(test.input)}))
			if got := told(run); got != test.want {
				t.Errorf("got\n%s\nwant\n%s\nsteps\n%s", got, test.want, h.steps(run.ID))
			}
		})
	}
}

// kept are ensembles that are published, go live and are rolled back like others, with
// what a publish says of them and a run is refused for.
var kept = []struct {
	name, text, notes, refusal string
	code                       sluice.Code
}{
	{"operations that Sluice does not have", `
trigger: [{type: http, path: /contact, methods: [GET, POST]}]
agents:
  - {name: show-form, operation: form, config: {fields: [{name: email, operation: email}], csrf: {secret: "${CSRF_SECRET}"}}}
  - {name: send, operation: email, config: {to: "${show-form.data.email}"}, input: {at: "${now}"}, condition: "${show-form.valid}"}
output: {sent: "${send.success}", html: "${show-form.html}"}
`, `main.yaml:2:1: trigger is kept and not acted on: nothing starts it but a run that is asked for, whose input is what a request would bring
main.yaml:4:34: it does not run here, since it needs the operation form, of the agent show-form
main.yaml:5:29: it does not run here, since it needs the operation email, of the agent send
`, `the ensemble cannot run here, since it needs what is not there:
main.yaml:4:34: the operation form, of the agent show-form
main.yaml:5:29: the operation email, of the agent send`, sluice.Invalid},
	{"agents of elsewhere, and what else is missing", `
flow:
  - {agent: search, input: {query: "${input.question}"}}
  - {agent: answer, operation: think, input: {prompt: "From ${search.output.context}: ${input.question}"}}
  - {type: while, condition: "${x}", steps: [{agent: more}]}
output: [{when: "${search.output.results.length > 0}", status: 200, body: {answer: "${answer.output.message}", more: "${more.output}"}}]
`, `main.yaml:4:21: it does not run here, since it needs a model for the agent answer, which names none
main.yaml:5:12: it does not run here, since it needs steps of the type while
main.yaml:6:56: status of the output is kept in what the run answers; no response is made of it
`, `the ensemble cannot run here, since it needs what is not there:
main.yaml:3:5: the agent search: component search does not exist
main.yaml:4:21: a model for the agent answer, which names none
main.yaml:5:12: steps of the type while`, sluice.Invalid},
	{"agents of elsewhere alone", `
flow: [{agent: search}, {agent: echo, config: {kv: LINKS}}]
`, `main.yaml:2:39: it does not run here, since it needs config of the agent echo, since echo is a component, which takes input alone
`, `the ensemble cannot run here, since it needs what is not there:
main.yaml:2:8: the agent search: component search does not exist
main.yaml:2:25: the agent echo: component echo does not exist
main.yaml:2:39: config of the agent echo, since echo is a component, which takes input alone`, sluice.Invalid},
	{"a component that is not there", `
flow: [{agent: search}]
`, ``, `the ensemble cannot run here, since it needs what is not there:
main.yaml:2:8: the agent search: component search does not exist`, sluice.NotFound},
	{"the code of one agent, in a file of another language", `
operation: code
handler: ./index.ts
schema: {input: {name: "string?"}, output: {greeting: string}}
config: {schema: {type: object}}
`, `main.yaml:3:1: it does not run here, since it needs the handler "./index.ts", of the agent main
`, `the ensemble cannot run here, since it needs what is not there:
main.yaml:3:1: the handler "./index.ts", of the agent main`, sluice.Invalid},
	{"loops in a text", `
agents: [{name: list, operation: think, config: {model: m, prompt: "{{#each items}}{{name}}{{/each}}"}}]
flow: [{agent: list, input: {items: "${input.items}"}}]
`, `main.yaml:2:68: it does not run here, since it needs "{{#each items}}" in a text of the agent list, where no more than the name of a value is filled in
main.yaml:2:68: it does not run here, since it needs "{{/each}}" in a text of the agent list, where no more than the name of a value is filled in
`, `the ensemble cannot run here, since it needs what is not there:
main.yaml:2:68: "{{#each items}}" in a text of the agent list, where no more than the name of a value is filled in
main.yaml:2:68: "{{/each}}" in a text of the agent list, where no more than the name of a value is filled in`, sluice.Invalid},
}

func TestEnsemblesThatDoNotRunHere(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, test := range kept {
		t.Run(test.name, func(t *testing.T) {
			file := sluice.File{Path: "main.yaml", Text: "name: main\n" + strings.TrimPrefix(test.text, "\n")}
			published, err := h.Publish(h.ctx, sluice.PublishRequest{Component: "main", Kind: sluice.KindEnsemble, Files: []sluice.File{file}})
			if err != nil {
				t.Fatalf("publish: %v", err)
			}
			notes := ""
			for _, n := range published.Notes {
				notes += n.String() + "\n"
			}
			if notes != test.notes || published.Version.Unchecked != nil {
				t.Errorf("published with the mark %v and the notes\n%s\nwant\n%s", published.Version.Unchecked, notes, test.notes)
			}
			if published.Version.ReadAs != sluice.ReadAsOther && test.code == sluice.Invalid {
				t.Errorf("read as %s, want other", published.Version.ReadAs)
			}
			for _, req := range []sluice.StartRunRequest{
				{Component: "main", Version: "latest"},
				{Content: &sluice.RunContent{Kind: "Ensemble", Files: []sluice.File{file}}},
			} {
				_, err := h.StartRun(h.ctx, req)
				e := sluice.AsError(err)
				if e == nil || e.Code != test.code || e.Message != test.refusal {
					t.Errorf("a run of it: got %v, want %s\n%s", err, test.code, test.refusal)
				} else if len(e.Mistakes) != strings.Count(test.refusal, "\n") {
					t.Errorf("a run of it: got %d places, want one for each line", len(e.Mistakes))
				}
			}
		})
	}
	h.deploy("production", setVersion("main", "1"))
	h.deploy("production", setVersion("main", "2"))
	back, err := h.Rollback(h.ctx, sluice.RollbackRequest{Environment: "production", Components: []string{"main"}})
	if err != nil {
		t.Fatalf("roll back: %v %+v", err, back)
	}
	h.publish("outer", sluice.KindWorkflow, "blocks: [{id: inner, block: workflow, component: main}]")
	_, err = h.StartRun(h.ctx, sluice.StartRunRequest{Component: "outer", Version: "latest"})
	refused(t, "a workflow that runs it", err, sluice.Invalid, "block inner: ", "the operation email, of the agent send")
}
