package sandbox_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/sandbox"
)

// hostile are inputs that hold, fill or end a process that takes them, with the
// kinds of problem that they may end as.
var hostile = []struct {
	name    string
	dialect expr.Dialect
	text    string
	kinds   []expr.Kind
}{
	{"endless loop", expr.ScriptBody, `for(;;){}`, []expr.Kind{expr.Time}},
	{"endless loop that catches", expr.ScriptBody, `for(;;){try{for(;;){}}catch(e){}}`, []expr.Kind{expr.Time}},
	{"endless promises", expr.ScriptBody, `const f = () => Promise.resolve().then(f); f()`, []expr.Kind{expr.Memory}},
	{"endless getter in the result", expr.ScriptBody, `return {get a() { for(;;){} }}`, []expr.Kind{expr.Time}},
	{"endless toJSON", expr.ScriptBody, `return {toJSON() { for(;;){} }}`, []expr.Kind{expr.Time}},
	{"endless generator", expr.ScriptBody, `return [...(function*() { for(;;) yield 1 })()]`, []expr.Kind{expr.Memory}},
	{"endless condition", expr.JavaScript, `${(() => { for(;;){} })()}`, []expr.Kind{expr.Time}},
	{"recursion", expr.ScriptBody, `function f() { return f() + 1 }; return f()`, []expr.Kind{expr.Memory}},
	{"recursion through a native function", expr.ScriptBody, `function f() { return [1].map(f) }; return f()`, []expr.Kind{expr.Memory}},
	{"recursion through JSON", expr.ScriptBody, `const o = {toJSON() { return JSON.stringify(o) }}; return o`, []expr.Kind{expr.Memory, expr.Thrown}},
	{"recursion through a proxy", expr.ScriptBody, `let p = {}; for (let i = 0; i < 1e6; i++) p = new Proxy(p, {}); return p.x`, []expr.Kind{expr.Memory}},
	{"deep result", expr.ScriptBody, `let a = []; for (let i = 0; i < 1e6; i++) a = [a]; return a`, []expr.Kind{expr.Memory, expr.Type, expr.Internal, expr.Thrown}},
	{"list that grows", expr.ScriptBody, `let a=[];for(;;)a.push('x'.repeat(1000))`, []expr.Kind{expr.Memory}},
	{"text that doubles", expr.ScriptBody, `let s='x';for(;;)s+=s`, []expr.Kind{expr.Memory, expr.Thrown}},
	{"long text", expr.ScriptBody, `return 'x'.repeat(1<<28)`, []expr.Kind{expr.Memory, expr.Output}},
	{"long join", expr.ScriptBody, `return new Array(3e8).join('x')`, []expr.Kind{expr.Memory, expr.Output}},
	{"wide concat", expr.ScriptBody, `return [].concat(...Array(100000).fill([1,2,3])).length > 0 && [].concat(...Array(3000000).fill([1,2,3]))`, []expr.Kind{expr.Memory, expr.Output}},
	{"typed array", expr.ScriptBody, `return new Uint8Array(1<<30).length`, []expr.Kind{expr.Memory, expr.Thrown}},
	{"many typed arrays", expr.ScriptBody, `let a=[];for(;;)a.push(new Uint8Array(1<<24).fill(1))`, []expr.Kind{expr.Memory}},
	{"padding", expr.ScriptBody, `return 'x'.padEnd(1<<30)`, []expr.Kind{expr.Memory, expr.Output, expr.Thrown}},
	{"large power", expr.ScriptBody, `return String((10n**10n)**10000000n).length`, []expr.Kind{expr.Memory, expr.Thrown}},
	{"slow regular expression", expr.ScriptBody, `return /^(?=a)(a+)+\1$/.test('a'.repeat(60)+'b')`, []expr.Kind{expr.Time}},
	{"open brackets in a script", expr.ScriptBody, strings.Repeat("(", 1e6), []expr.Kind{expr.Syntax, expr.Memory}},
	{"open lists in a script", expr.ScriptBody, strings.Repeat("[", 1e6), []expr.Kind{expr.Syntax, expr.Memory}},
	{"nots in a script", expr.ScriptBody, "return " + strings.Repeat("!", 1e6) + "1", []expr.Kind{expr.Syntax, expr.Memory}},
	{"open brackets in a condition", expr.JavaScript, "${" + strings.Repeat("(", 1e6), []expr.Kind{expr.Syntax, expr.Memory}},
	{"nested brackets in a condition", expr.JavaScript, "${" + strings.Repeat("(", 5e5) + "1" + strings.Repeat(")", 5e5) + "}", []expr.Kind{expr.Syntax, expr.Memory}},
	{"open brackets in a template", expr.Jinja, "{{ " + strings.Repeat("(", 1e6), []expr.Kind{expr.Syntax, expr.Memory}},
	{"nots in a template", expr.Jinja, "{{ " + strings.Repeat("not ", 1e6) + "1 }}", []expr.Kind{expr.Syntax, expr.Memory}},
	{"powers in a template", expr.Jinja, "{{ 2" + strings.Repeat("**2", 3e5) + " }}", []expr.Kind{expr.Type, expr.Syntax, expr.Memory}},
	{"sums in a template", expr.Jinja, "{{ 1" + strings.Repeat("+1", 1e6) + " }}", []expr.Kind{expr.Syntax, expr.Memory}},
	{"choices in a template", expr.Jinja, "{{ " + strings.Repeat("1 if 0 else ", 1e5) + "1 }}", []expr.Kind{expr.Syntax, expr.Memory}},
	{"open ifs", expr.Jinja, strings.Repeat("{% if 1 %}", 1e6), []expr.Kind{expr.Syntax, expr.Memory}},
	{"nested loops", expr.Jinja, "{% for i in range(10000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}", []expr.Kind{expr.Time}},
	{"nested loops that print", expr.Jinja, "{% for i in range(10000) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}", []expr.Kind{expr.Output}},
	{"text that doubles in a template", expr.Jinja, "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}", []expr.Kind{expr.Output}},
	{"list that doubles in a template", expr.Jinja, "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", []expr.Kind{expr.Output}},
	{"list that nests in a template", expr.Jinja, "{% set ns = namespace(s=[1]) %}{% for i in range(10000) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}", []expr.Kind{expr.Output, expr.Type}},
	{"list in itself", expr.Jinja, "{% set ns = namespace(s=1) %}{% set ns.s = [ns] %}{{ ns.s }}", []expr.Kind{expr.Type}},
	{"repeated text", expr.Jinja, `{{ "x" * 100000000 }}`, []expr.Kind{expr.Output}},
	{"repeated text, larger than numbers are", expr.Jinja, `{{ "xxxx" * 9223372036854775807 }}`, []expr.Kind{expr.Output}},
	{"wide centre", expr.Jinja, `{{ "x"|center(999999999) }}`, []expr.Kind{expr.Output}},
	{"wide ljust", expr.Jinja, `{{ "x".ljust(999999999) }}`, []expr.Kind{expr.Output}},
	{"wide indent", expr.Jinja, `{{ "x\nx"|indent(999999999) }}`, []expr.Kind{expr.Output}},
	{"wide format", expr.Jinja, `{{ "%999999999d"|format(1) }}`, []expr.Kind{expr.Type}},
	{"wide str.format", expr.Jinja, `{{ "{:>999999999}".format(1) }}`, []expr.Kind{expr.Type, expr.Output, expr.Memory}},
	{"replacement that grows", expr.Jinja, `{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s|replace('x','xxxxxxxxxx') %}{% endfor %}{{ ns.s }}`, []expr.Kind{expr.Output, expr.Memory}},
	{"macro that calls itself", expr.Jinja, "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", []expr.Kind{expr.Memory}},
	{"macros that double", expr.Jinja, "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(100) }}", []expr.Kind{expr.Time}},
	{"large range", expr.Jinja, "{{ range(0, 9223372036854775807) }}", []expr.Kind{expr.Type}},
	{"large power in a template", expr.Jinja, "{{ 9 ** 9 ** 9 ** 9 ** 9 }}", []expr.Kind{expr.Type}},
	{"JSON that nests", expr.Jinja, "{{ ('[' * 1000000)|fromjson }}", []expr.Kind{expr.Type}},
}

// short is how long a hostile text may take.
var short = expr.Limits{Time: 400 * time.Millisecond}

// evaluate gives a text to a pool in the way of its dialect.
func evaluate(t *testing.T, p *sandbox.Pool, dialect expr.Dialect, text string) error {
	t.Helper()
	var err error
	if dialect == expr.ScriptBody {
		_, err = p.Run(t.Context(), expr.Script{Code: text, Limits: short})
	} else {
		_, err = p.Render(t.Context(), expr.Render{Tree: text, Dialect: dialect, Limits: short})
	}
	return err
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	p := pool(t, 1)
	for _, test := range hostile {
		t.Run(test.name, func(t *testing.T) {
			err := evaluate(t, p, test.dialect, test.text)
			// On a busy machine, any of them may be too late.
			if kind := kindOf(err); kind != expr.Time && !slices.Contains(test.kinds, kind) {
				t.Errorf("got %q (%v), want one of %q", kind, err, test.kinds)
			}
			works(t, p)
		})
	}
}

// TestHostileTextsAreChecked reads the same texts without evaluating them. Each is
// read, or is a problem of its own; the others' answers are not touched.
func TestHostileTextsAreChecked(t *testing.T) {
	t.Parallel()
	p := sandbox.New(sandbox.Config{Size: 1, Limits: expr.Limits{Time: time.Second}})
	t.Cleanup(func() { _ = p.Close() })
	for _, test := range hostile {
		checked, err := p.Check(t.Context(), []expr.Text{{Text: "${a}", Dialect: expr.JavaScript}, {Text: test.text, Dialect: test.dialect}})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if r := checked[0].References; len(r) != 1 || r[0].Root != "a" {
			t.Errorf("%s: the text before it gave %+v, want a", test.name, checked[0])
		}
	}
	works(t, p)
}

// works shows that the next job is done as if nothing had been.
func works(t *testing.T, p *sandbox.Pool) {
	t.Helper()
	got, err := p.Render(t.Context(), expr.Render{Tree: "${1 + 1}", Dialect: expr.JavaScript})
	if err != nil || got.Tree != int64(2) {
		t.Fatalf("the next job gave %v, %v, want 2", got.Tree, err)
	}
}

func kindOf(err error) expr.Kind {
	var p *expr.Problem
	if errors.As(err, &p) {
		return p.Kind
	}
	return ""
}
