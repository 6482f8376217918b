package expr

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
)

func TestTmp2(t *testing.T) {
	scope := map[string]any{"classify": map[string]any{"output": map[string]any{"tier": "gold", "score": 0.5}}, "inputs": map[string]any{"n": 3, "xs": []any{1, 2, 3}, "m": map[string]any{"b": 1, "a": []any{true, nil}}, "big": int64(9007199254740993), "name": "Alice", "items": []any{map[string]any{"p": 2, "q": "z"}, map[string]any{"p": 1, "q": "y"}}}}
	for _, s := range []string{
		"{{ classify.output.tier }}", " {{ classify.output.tiers }}", "{{ clasify.x }}", "x {{ inputs.m }} {{ inputs.m.a }} {{ none }}|{{ true }} {{ 4/2 }} {{ 1.5 }}",
		"{{ inputs.big }}", "{{ inputs.big + 1 }}", "{{ inputs.xs[5] }}", "{{ inputs.xs[-1] }}", "{{ inputs.missing|default('d') }}", "{{ inputs.a.b.c is defined }}",
		"{{ ('a' if inputs.n > 2 else 'b') ~ 'c' }}", "{{ 'x' if inputs.n == 3 }}", "{% for i in inputs.items|sort(attribute='p') if i.p > 0 %}{{ loop.index }}:{{ i.q }}{% if not loop.last %}, {% endif %}{% else %}none{% endfor %}",
		"{% for k, v in inputs.m.items() %}{{ k }}={{ v }};{% endfor %}", "{% set ns = namespace(t=0) %}{% for x in inputs.xs %}{% set ns.t = ns.t + x %}{% endfor %}{{ ns.t }}",
		"{% macro hi(n, g='hello') %}{{ g }} {{ n }}{% endmacro %}{{ hi('bob') }} {{ hi(n='a', g='b') }}", "{% macro b() %}<{{ caller(1) }}>{% endmacro %}{% call(x) b() %}q{{x}}{% endcall %}",
		"{{ inputs.xs|map('string')|join(', ') }}", "{{ inputs.items|map(attribute='q')|list }}", "{{ inputs.items|selectattr('p','gt',1)|list }}", "{{ inputs.m|tojson }}", "{{ '<a>\\'\\n'|tojson }}",
		"{{ inputs.xs|sum }}", "{{ 7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 2**-1 }} {{ 7 % 0 }}", "{{ now() }} {{ __exp_global.current_datetime_pacific }} {{ __exp_global.current_date }}", "{{ random() }} {{ random() }}",
		"{{ 'abc'.upper() }} {{ 'a,b'.split(',') }} {{ inputs.name.startswith('A') }} {{ 'x'.foo() }}", "{% include 'x' %}", "{{ a\n  or b }}", "{{ a @ b }}", "{% if x %}", "{{ x", "{% endif %}", "{{ }}", "{{ 'a' in inputs.name|lower }}", "{{ 1 not in inputs.xs }}", "{% raw %}{{ x }}{% endraw %}", "{# c #}a {{- 1 -}} b", "a {%- if true %} b {%- endif -%} c\n", "{{ 'x' * 100000000 }}", "{{ 'x'|center(100000000) }}", "{{ range(20000) }}", "{{ range(3) }}", "{{ inputs.xs|fooo }}", "{{ 1 + 'a' }}", "{{ 'a' ~ 1 }}", "{{ [1,[2]] }} {{ {'a':1} }}", "{{ '%s-%05.2f-%d'|format('a', 1.5, 3) }}", "{{ inputs.name|replace('A','B')|truncate(3, true, '') }}", "{{ loop.index }}", "{{ inputs.xs[1:] }} {{ 'hello'[::-1] }} {{ inputs.xs[:-1] }}", "{{ inputs.items|groupby('p') }}", "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{% filter upper %}abc{% endfilter %}{% do 1 %}", "{{ \"it's\" }} {{ 'a\\\\d' }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{{ 'a' if x is defined else 'b' }}", "{{ inputs.n is divisibleby 3 }} {{ inputs.n is odd and true }} {{ inputs.n in [1,2] or inputs.n == 3 }}", "{% for x in [1,2] %}{% break %}{% endfor %}{% break %}", "{{ fn(1) }}", "{{ inputs.name() }}", "{{ inputs['name'] }} {{ inputs[x] }}", "{{ lipsum() }}", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{{ {} }}", "{{ (1,2) }}", "{{ inputs.xs|first }} {{ []|first|default('e') }}", "{{ inputs.name|int(5) }} {{ '42'|int }} {{ '3.7'|float }} {{ 3.14159|round(2) }}", "{{ '{\"a\":[1,2.5]}'|fromjson }}", "{{ a.b }}{{ a.c[0].d }}{{ f.g(h) }}{% for x in y.z %}{{ x.q }}{% endfor %}{{ x }}{% set s = t %}{{ s }}{{ u[v.w].x }}", "{% for n in inputs.xs recursive %}{{ n }}{% endfor %}", "{{ not inputs.n }}", "{{ inputs.xs|length }} {{ inputs.name|title }}", "{{ inputs.xs | select('odd') | list }}", "{{ 1 if true }}", "{{ a.b.c|default('x', true) }}", "{{ 1 2 }}", "{{ f(a b) }}",
	} {
		r, err := Direct{}.Render(context.Background(), Render{Tree: s, Dialect: Jinja, Now: 1795248000000000, Scope: scope})
		b, _ := json.Marshal(r)
		e, _ := json.Marshal(err)
		c, _ := json.Marshal(checkJinja(s))
		fmt.Printf("%q\n   %s\n   %v %s\n   %s\n", s, b, err, e, c)
	}
}
