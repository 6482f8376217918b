package archtest

import (
	"strings"
	"testing"
	"testing/fstest"
)

// breaches shows for each rule what it finds and what it lets pass. Words that
// a rule looks for are put together, so that this file does not break it.
var breaches = []struct {
	rule  string
	name  string
	files map[string]string
	want  string // the only finding; empty when there must be none
}{
	{
		"imports follow the table", "the store imports the control",
		map[string]string{"internal/store/store.go": "package store\n\nimport _ \"" + Module + "/internal/control\"\n"},
		"internal/store/store.go:3: internal/store must not import internal/control: it may import ., internal/store/...",
	},
	{
		"imports follow the table", "a transport imports the store",
		map[string]string{"internal/api/scout/scout.go": "package scout\n\nimport _ \"" + Module + "/internal/store\"\n"},
		"internal/api/scout/scout.go:3: internal/api/scout must not import internal/store: it may import ., internal/api/...",
	},
	{
		"imports follow the table", "the server imports the command line",
		map[string]string{"internal/server/server.go": "package server\n\nimport _ \"" + Module + "/internal/cli\"\n"},
		"internal/server/server.go:3: internal/server must not import internal/cli: it may import",
	},
	{
		"imports follow the table", "a package that the table does not know",
		map[string]string{"internal/mystery/mystery.go": "package mystery\n"},
		"internal/mystery/mystery.go: package internal/mystery is not in the import table",
	},
	{
		"imports follow the table", "what the table allows, and tests",
		map[string]string{
			"internal/control/control.go":      "package control\n\nimport (\n_ \"" + Module + "\"\n_ \"" + Module + "/internal/store\"\n)\n",
			"internal/control/control_test.go": "package control\n\nimport _ \"" + Module + "/internal/server\"\n",
			"internal/sluicetest/suite.go":     "package sluicetest\n\nimport _ \"" + Module + "/internal/control\"\n",
		},
		"",
	},
	{
		"no surface speaks for the others", "a command in an error of the control",
		map[string]string{"internal/control/find.go": "package control\n\nconst fix = \"see `slu" + "ice history`\"\n"},
		"internal/control/find.go:3: \"`slu" + "ice \" is for the command line alone",
	},
	{
		"no surface speaks for the others", "a flag in an error of the root",
		map[string]string{"access.go": "package sluice\n\nconst fix = \"or pass -" + "-token\"\n"},
		"access.go:3: \" -" + "-t\" is for the command line alone",
	},
	{
		"no surface speaks for the others", "the command line itself",
		map[string]string{"internal/cli/exit.go": "package cli\n\nconst fix = \"or pass -" + "-token\"\n"},
		"",
	},
	{
		"the root package needs the standard library only", "a library",
		map[string]string{"ref.go": "package sluice\n\nimport (\n\"time\"\n\"golang.org/x/mod/semver\"\n)\n"},
		"ref.go:5: the root package imports the standard library only, not golang.org/x/mod/semver",
	},
	{
		"each technology stays in its package", "SQL in the control",
		map[string]string{"internal/control/release.go": "package control\n\nimport _ \"database/sql/driver\"\n"},
		"internal/control/release.go:3: database/sql belongs in internal/store/..., not in internal/control",
	},
	{
		"each technology stays in its package", "SQL in the store, and a name that only starts alike",
		map[string]string{
			"internal/store/store.go":     "package store\n\nimport _ \"database/sql\"\n",
			"internal/control/release.go": "package control\n\nimport _ \"database/sqlite\"\n",
		},
		"",
	},
	{
		"production code imports no test code", "testing",
		map[string]string{"internal/live/hub.go": "package live\n\nimport _ \"testing/fstest\"\n"},
		"internal/live/hub.go:3: production code must not import testing/fstest",
	},
	{
		"production code imports no test code", "a package made for tests",
		map[string]string{"client/client.go": "package client\n\nimport _ \"" + Module + "/internal/pgtest\"\n"},
		"client/client.go:3: production code must not import " + Module + "/internal/pgtest",
	},
	{
		"values of runs keep their order", "an object as a map",
		map[string]string{"internal/runner/block/http.go": "package block\n\nfunc f(v any) { _, _ = v.(map[string]any) }\n"},
		"internal/runner/block/http.go:3: an object is a *value.Object",
	},
	{
		"values of runs keep their order", "a case for maps",
		map[string]string{"internal/expr/value.go": "package expr\n\nfunc f(v any) {\n\tswitch v.(type) {\n\tcase string, map[string]any:\n\t}\n}\n"},
		"internal/expr/value.go:5: an object is a *value.Object",
	},
	{
		"values of runs keep their order", "another reader of JSON",
		map[string]string{"internal/control/run.go": "package control\n\nfunc f(d interface{ UseNumber() }) { d.UseNumber() }\n"},
		"internal/control/run.go:3: read values with value.Decode",
	},
	{
		"values of runs keep their order", "maps of names, and maps elsewhere",
		map[string]string{
			"internal/expr/jinja.go":  "package expr\n\nvar frames []map[string]any\n",
			"internal/api/scout/x.go": "package scout\n\nfunc f(v any) { _, _ = v.(map[string]any) }\n",
		},
		"",
	},
	{
		"each package says what it is for", "no comment",
		map[string]string{"internal/live/hub.go": "package live\n"},
		"internal/live/hub.go: the package has no comment",
	},
	{
		"each package says what it is for", "a comment without sentences",
		map[string]string{"internal/live/hub.go": "// Package live state and watch hub\npackage live\n"},
		"internal/live/hub.go:2: the first paragraph of the package comment must be full sentences",
	},
	{
		"each package says what it is for", "a comment that starts otherwise",
		map[string]string{"internal/live/hub.go": "// The live state.\npackage live\n"},
		`internal/live/hub.go:2: the package comment must start with "Package live "`,
	},
	{
		"each package says what it is for", "a comment that says little",
		map[string]string{"cmd/sluice/main.go": "// Command sluice runs.\npackage main\n"},
		"cmd/sluice/main.go:2: the package comment has 20 bytes",
	},
	{
		"package names say what they hold", "a name for anything",
		map[string]string{"internal/" + "utils/strings.go": "package " + "utils\n"},
		"internal/utils/strings.go: package utils: name a package for what it holds",
	},
	{
		"nothing runs by being imported", "an init function, but not a method of that name",
		map[string]string{"ref.go": "package sluice\n\ntype R int\n\nfunc (R) init() {}\n\nfunc init() {}\n"},
		"ref.go:7: no init functions",
	},
	{
		"files are short enough", "one line too many",
		map[string]string{"ref.go": "package sluice\n" + strings.Repeat("\n", fileTooLong)},
		"ref.go: 801 lines are over 800",
	},
	{
		"files are short enough", "a long test and a long generated file",
		map[string]string{
			"ref_test.go": "package sluice\n" + strings.Repeat("\n", fileTooLong),
			"wire.pb.go":  "// Code generated by a program. DO NOT EDIT.\n\npackage sluice\n" + strings.Repeat("\n", fileTooLong),
		},
		"",
	},
	{
		"functions are short enough", "one line too many",
		map[string]string{"ref.go": "package sluice\n\nfunc long() {" + strings.Repeat("\n", funcTooLong) + "}\n"},
		"ref.go:3: long has 101 lines, over 100",
	},
	{
		"nothing is unfinished", "a mark in a script",
		map[string]string{"scripts/run.sh": "true # " + "TO" + "DO: more\n"},
		`scripts/run.sh:1: "` + "TO" + `DO": finish it or leave it out`,
	},
	{
		"nothing is unfinished", "an excuse in Go",
		map[string]string{"ref.go": "package sluice\n\n// Good enough for" + " now.\n"},
		`ref.go:3: "for` + ` now": finish it or leave it out`,
	},
	{
		"nothing is unfinished", "words that only contain one",
		map[string]string{"ref.go": "package sluice\n\n// mktemp -t sluice-" + "XXXX" + "XX asks for nowhere.\n"},
		"",
	},
	{
		"tests do not sleep", "a sleep",
		map[string]string{"ref_test.go": "package sluice\n\nfunc f() { time.Sleep(1) }\n"},
		"ref_test.go:3: no sleep in tests",
	},
	{
		"tests do not sleep", "a sleep by a clock of the test's own",
		map[string]string{"ref_test.go": "package sluice\n\nfunc f() { synctest.Test(t, func(t *testing.T) { time.Sleep(1) }) }\n"},
		"",
	},
	{
		"tests do not skip", "a skip",
		map[string]string{"ref_test.go": "package sluice\n\nfunc f() { t.Skipf(\"later\") }\n"},
		"ref_test.go:3: no skipped tests",
	},
	{
		"each dependency has a reason", "none",
		map[string]string{
			"go.mod":       "module m\n\nrequire (\n\texample.com/a v1.0.0\n\texample.com/b v1.0.0 // indirect\n)\n",
			dependencyList: "| `example.com/a` | |\n",
		},
		"docs/dependencies.md: no line with a reason for `example.com/a`",
	},
	{
		"each dependency has a reason", "a line left over",
		map[string]string{"go.mod": "module m\n", dependencyList: "| `example.com/a` | It was useful. |\n"},
		"docs/dependencies.md: `example.com/a` is not a direct dependency",
	},
}

func TestRules(t *testing.T) {
	t.Parallel()
	for _, test := range breaches {
		t.Run(test.rule+"/"+test.name, func(t *testing.T) {
			t.Parallel()
			tree, err := Load(made(test.files))
			if err != nil {
				t.Fatal(err)
			}
			found, err := ruleNamed(t, test.rule)(tree)
			if err != nil {
				t.Fatal(err)
			}
			got := sorted(found)
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("got %q, want no finding", got)
			case test.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.want)):
				t.Errorf("got %q, want one that starts with %q", got, test.want)
			}
		})
	}
}

// TestEachRuleIsSeenToFail keeps the list above complete.
func TestEachRuleIsSeenToFail(t *testing.T) {
	t.Parallel()
	for _, rule := range rules {
		seen := false
		for _, test := range breaches {
			seen = seen || test.rule == rule.name && test.want != ""
		}
		if !seen {
			t.Errorf("no example shows that %q can fail", rule.name)
		}
	}
}

func TestLoadLeavesOut(t *testing.T) {
	t.Parallel()
	tree, err := Load(made(map[string]string{
		"ref.go": "package sluice\n", "testdata/broken.go": "broken", "ui/node_modules/flat/flat.go": "package flat\n",
		"tools/go.mod": "module tools\n", "tools/tools.go": "package tools\n", ".cache/x.go": "package x\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Files) != 1 || tree.Files[0].Path != "ref.go" || len(tree.Code) != 1 {
		t.Errorf("files: got %v and %q, want ref.go alone", tree.Files, tree.Code)
	}
}

func ruleNamed(t *testing.T, name string) func(*Tree) ([]Finding, error) {
	t.Helper()
	for _, rule := range rules {
		if rule.name == name {
			return rule.find
		}
	}
	t.Fatalf("no rule is called %q", name)
	return nil
}

func made(files map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for name, content := range files {
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return tree
}
