package expr

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
)

func TestTmp(t *testing.T) {
	for _, s := range []string{"${input.user_id % 2 === 0}", "a ${`x${1+1}}`} ${ {a:1} } ${[1,undefined,NaN]}", "${foo}", "${inpt.x}", "${input.missing}", "${input.missing.x}", "${1+}", "x\n ${ a\n b}", "${", "${ 10n }", "${(()=>{let a={};a.a=a;return a})()}", "${a)(b}", "${ throwit() }", "\\${x} ${1}", "${/}/.test('}')}", "${input?.user_id?.toFixed(2)}", "${hash('alice') % 100}", "${(function f(){f()})()}", "${JSON.stringify(input)}", "${new Date().toISOString()}", "${input.big}", "${Promise.resolve(3)}", "${input.list.length} ${input.list}"} {
		r, err := Direct{}.Render(context.Background(), Render{Tree: map[string]any{"a": []any{s}}, Dialect: JavaScript, Now: 1795248000000000, Scope: map[string]any{"input": map[string]any{"user_id": 4, "big": int64(9007199254740993), "list": []any{1, 2}}}})
		b, _ := json.Marshal(r)
		e, _ := json.Marshal(err)
		c, _ := json.Marshal(checkJavaScript(s))
		fmt.Printf("%q\n   %s\n   %v %s\n   %s\n", s, b, err, e, c)
	}
	for _, s := range []string{"return input.user_id", "let a = 1;\nthrow new Error('x')", "return 10n", "}); (function(){", "const {x, y:[z=q]} = input; console.log('a', {x:1}, [1], new Error('e')); return [x, z, ...rest]", "return await Promise.resolve(1)", "await 1; throw new TypeError('bad')", "return foo", "for(const a of input.list) { console.log(a.b.c()) } \n  return a", "x = 1; return x", "return (", "//# sourceMappingURL=/etc/passwd\nreturn 1", "return eval('1;//# sourceMappingURL=/etc/passwd')", "null.x"} {
		r, err := Direct{}.Run(context.Background(), Script{Code: s, Scope: map[string]any{"input": map[string]any{"user_id": 4, "list": []any{1, 2}}}})
		b, _ := json.Marshal(r)
		e, _ := json.Marshal(err)
		c, _ := json.Marshal(checkScript(s))
		fmt.Printf("%q\n   %s\n   %v %s\n   %s\n", s, b, err, e, c)
	}
}
