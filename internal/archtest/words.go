package archtest

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"io/fs"
	"path"
	"regexp"
	"slices"
)

// A mark of unfinished work is put together here, so that this file does not
// find itself.
var (
	marks   = regexp.MustCompile(`\b(` + "TO" + `DO|` + "FIX" + `ME|` + "XX" + `X)\b`)
	excuses = regexp.MustCompile(`(?i)\b(for` + ` now|not` + ` implemented)\b`)
)

// UnfinishedWork finds marks of work left for later in code, and in Go code
// the words that excuse it. What is not done is not in the tree.
func UnfinishedWork(t *Tree) (found []Finding, err error) {
	generated := t.generated()
	for _, name := range t.Code {
		if generated[name] {
			continue
		}
		content, err := fs.ReadFile(t.Root, name)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(bytes.NewReader(content))
		lines.Buffer(nil, len(content)+1)
		for n := 1; lines.Scan(); n++ {
			word := marks.FindString(lines.Text())
			if word == "" && path.Ext(name) == ".go" {
				word = excuses.FindString(lines.Text())
			}
			if word != "" {
				found = append(found, Finding{fmt.Sprintf("%s:%d", name, n), fmt.Sprintf("%q: finish it or leave it out", word)})
			}
		}
	}
	return found, nil
}

// SleepsInTests finds tests that wait by the clock: slow when the guess is too
// long, and failing by chance when it is too short. Inside of synctest.Test
// the clock is not a real one, and sleeping is how a test moves it.
func SleepsInTests(t *Tree) (found []Finding) {
	const advice = "no sleep in tests: inject the time, use testing/synctest or wait for a signal"
	for _, f := range t.Files {
		if !f.Test && !testOnly(f.Dir) {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if calls(n, []string{"synctest"}, "Test") {
				return false
			}
			if calls(n, []string{"time"}, "Sleep") {
				found = append(found, Finding{t.at(n), advice})
			}
			return true
		})
	}
	return found
}

// SkippedTests finds tests that may leave themselves out. A suite that passes
// because it did not run says nothing.
func SkippedTests(t *Tree) (found []Finding) {
	for _, f := range t.Files {
		if !f.Test && !testOnly(f.Dir) {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if calls(n, []string{"t", "tb", "b", "f"}, "Skip", "Skipf", "SkipNow") {
				found = append(found, Finding{t.at(n), "no skipped tests: let the set-up provide what the test needs, or fail"})
			}
			return true
		})
	}
	return found
}

// calls reports whether a node is a call of one of the functions or methods on
// one of the packages or variables.
func calls(n ast.Node, owners []string, names ...string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains(names, selector.Sel.Name) {
		return false
	}
	owner, ok := selector.X.(*ast.Ident)
	return ok && slices.Contains(owners, owner.Name)
}
