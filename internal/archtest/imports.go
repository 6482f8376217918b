package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// layer says what one package may import of this module. A package not listed
// is a finding: adding one is a decision, and this table is where it is made.
type layer struct {
	dir string
	may []string // directories; a trailing /... means the directory and all below it
}

// layers is the import table. Imports point inwards: everything may know the
// nouns of the root, and the root knows nobody.
var layers = []layer{
	{".", nil},
	{"client", []string{"."}},
	{"client/live", []string{".", "client"}},
	{"internal/store/...", []string{".", "internal/store/...", "internal/system"}},
	{"internal/budget", []string{"."}},
	// Locks and processes, which each system has in its own way.
	{"internal/system", nil},
	{"internal/live", []string{"."}},
	{"internal/seal", []string{".", "internal/system"}},
	{"internal/declare", []string{"."}},
	// The JSON values of runs, which know of nothing else.
	{"internal/value", nil},
	{"internal/expr", []string{".", "internal/value"}},
	{"internal/sandbox", []string{".", "internal/expr", "internal/value"}},
	{"internal/workflow", []string{".", "internal/expr", "internal/declare", "internal/value"}},
	{"internal/gitrepo", []string{".", "internal/system"}},
	{"internal/gitsync", []string{".", "internal/gitrepo", "internal/system"}},
	{"internal/rollout", []string{"."}},
	{"internal/config", []string{"."}},
	{"internal/web", nil},
	{"internal/runner/...", []string{".", "internal/value", "internal/expr", "internal/workflow", "internal/runner/..."}},
	{"internal/control", []string{".", "internal/store", "internal/seal", "internal/declare", "internal/live", "internal/value", "internal/expr", "internal/workflow", "internal/budget"}},
	{"internal/api/...", []string{".", "internal/api/...", "internal/budget"}},
	// The one place that builds everything and hands each part its partners.
	{"internal/server", []string{
		".", "internal/budget", "internal/store/...", "internal/live", "internal/seal", "internal/expr", "internal/sandbox", "internal/workflow", "internal/gitrepo", "internal/gitsync",
		"internal/rollout", "internal/config", "internal/web", "internal/runner/...", "internal/control", "internal/api/...",
	}},
	// The command line speaks through the client, also to the server that it
	// opens itself when no other is named.
	{"internal/cli", []string{".", "client/...", "internal/server", "internal/config", "internal/gitrepo", "internal/gitsync", "internal/value", "examples"}},
	{"cmd/...", []string{".", "internal/cli", "internal/sandbox"}},
	// Examples may use only what a user of the module can.
	{"examples/...", []string{".", "client/..."}},
	{"docs/...", []string{".", "client/..."}},
	{"bench/...", []string{".", "client/...", "internal/...", "bench/..."}},
}

// technologies says which packages a library is for, so that each technology
// has one home and can be replaced there.
var technologies = []struct {
	library string // import path, or the start of one
	homes   []string
}{
	{"database/sql", []string{"internal/store/..."}},
	{"github.com/jackc/pgx/v5", []string{"internal/store/..."}},
	{"github.com/pressly/goose/v3", []string{"internal/store/..."}},
	{"modernc.org/sqlite", []string{"internal/store/..."}},
	{"github.com/danielgtaylor/huma/v2", []string{"internal/api/..."}},
	{"github.com/spf13/cobra", []string{"internal/cli/...", "cmd/..."}},
	{"filippo.io/age", []string{"internal/seal"}},
	{"github.com/dop251/goja", []string{"internal/expr"}},
	{"github.com/nikolalohinski/gonja/v2", []string{"internal/expr"}},
	{"github.com/santhosh-tekuri/jsonschema/v6", []string{"internal/workflow"}},
	{"google.golang.org/grpc", []string{"internal/api/scriptum/..."}},
	{"google.golang.org/protobuf", []string{"internal/api/scriptum/..."}},
	{"charm.land", []string{"internal/cli/...", "cmd/..."}},
	{"github.com/sashabaranov/go-openai", []string{"internal/runner/block"}},
}

// testOnlyDirs exist for tests: they may import what they like, and nothing
// that users run may import them.
var testOnlyDirs = []string{"internal/sluicetest", "internal/pgtest", "internal/crashtest", "internal/archtest"}

func testOnly(dir string) bool {
	return slices.ContainsFunc(testOnlyDirs, func(t string) bool { return covers(t+"/...", dir) })
}

// ImportTable finds imports within the module that the table does not allow,
// and packages that it does not list.
func ImportTable(t *Tree) (found []Finding) {
	for _, f := range t.Production() {
		may, listed := allowed(f.Dir)
		if !listed {
			found = append(found, Finding{f.Path, fmt.Sprintf("package %s is not in the import table: add it to layers in internal/archtest/imports.go", f.Dir)})
			continue
		}
		for imported, where := range t.Imports(f) {
			dir, own := within(imported)
			if own && !slices.ContainsFunc(may, func(pattern string) bool { return covers(pattern, dir) }) {
				found = append(found, Finding{where, fmt.Sprintf("%s must not import %s: it may import %s", f.Dir, dir, list(may))})
			}
		}
	}
	return found
}

// RootStandardOnly finds what the root package imports from outside of the
// standard library.
func RootStandardOnly(t *Tree) (found []Finding) {
	for _, f := range t.Production() {
		for imported, where := range t.Imports(f) {
			if f.Dir == "." && strings.Contains(firstElement(imported), ".") {
				found = append(found, Finding{where, "the root package imports the standard library only, not " + imported})
			}
		}
	}
	return found
}

// TechnologyHomes finds libraries used outside of the package they are for.
func TechnologyHomes(t *Tree) (found []Finding) {
	for _, f := range t.Production() {
		for imported, where := range t.Imports(f) {
			for _, tech := range technologies {
				if !covers(tech.library+"/...", imported) || covers("bench/...", f.Dir) {
					continue
				}
				if !slices.ContainsFunc(tech.homes, func(home string) bool { return covers(home, f.Dir) }) {
					found = append(found, Finding{where, fmt.Sprintf("%s belongs in %s, not in %s", tech.library, list(tech.homes), f.Dir)})
				}
			}
		}
	}
	return found
}

// TestOnlyImports finds test code in what users run. The benchmark program
// measures with the testing package, and is not part of what users run.
func TestOnlyImports(t *Tree) (found []Finding) {
	for _, f := range t.Production() {
		for imported, where := range t.Imports(f) {
			dir, own := within(imported)
			framework := firstElement(imported) == "testing" && !covers("bench/...", f.Dir)
			if framework || (own && testOnly(dir)) {
				found = append(found, Finding{where, "production code must not import " + imported})
			}
		}
	}
	return found
}

// allowed returns what a package may import.
func allowed(dir string) (may []string, listed bool) {
	for _, l := range layers {
		if covers(l.dir, dir) {
			return l.may, true
		}
	}
	return nil, false
}

// within returns the directory of an import path of this module.
func within(imported string) (dir string, own bool) {
	if imported == Module {
		return ".", true
	}
	return strings.CutPrefix(imported, Module+"/")
}

// covers reports whether a directory or import path matches a pattern.
func covers(pattern, dir string) bool {
	if base, deep := strings.CutSuffix(pattern, "/..."); deep {
		return dir == base || strings.HasPrefix(dir, base+"/")
	}
	return path.Clean(pattern) == dir
}

func firstElement(imported string) string {
	first, _, _ := strings.Cut(imported, "/")
	return first
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing of this module"
	}
	return strings.Join(names, ", ")
}
