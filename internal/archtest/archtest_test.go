package archtest

import (
	"os"
	"slices"
	"testing"
)

// root is the project's root, seen from this package.
const root = "../.."

// rules are the architecture: no rule may have a finding.
var rules = []struct {
	name string
	find func(*Tree) ([]Finding, error)
}{
	{"imports follow the table", sure(ImportTable)},
	{"the root package needs the standard library only", sure(RootStandardOnly)},
	{"each technology stays in its package", sure(TechnologyHomes)},
	{"production code imports no test code", sure(TestOnlyImports)},
	{"values of runs keep their order", sure(OrderedValues)},
	{"each package says what it is for", sure(PackageComments)},
	{"package names say what they hold", sure(PackageNames)},
	{"nothing runs by being imported", sure(NoInit)},
	{"files are short enough", func(t *Tree) ([]Finding, error) { return LongFiles(t, fileTooLong), nil }},
	{"functions are short enough", func(t *Tree) ([]Finding, error) { return LongFunctions(t, funcTooLong), nil }},
	{"nothing is unfinished", UnfinishedWork},
	{"no surface speaks for the others", sure(CommandLineWords)},
	{"tests do not sleep", sure(SleepsInTests)},
	{"tests do not skip", sure(SkippedTests)},
	{"each dependency has a reason", DependencyReasons},
}

func TestArchitecture(t *testing.T) {
	tree, err := Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			found, err := rule.find(tree)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range sorted(found) {
				t.Error(line)
			}
		})
	}
}

// TestAdvice lists what is long but allowed, for a reader of `go test -v`.
func TestAdvice(t *testing.T) {
	tree, err := Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range sorted(append(LongFiles(tree, fileLong), LongFunctions(tree, funcLong)...)) {
		t.Log(line)
	}
}

// sure adapts a rule that cannot fail for another reason than a finding.
func sure(find func(*Tree) []Finding) func(*Tree) ([]Finding, error) {
	return func(t *Tree) ([]Finding, error) { return find(t), nil }
}

func sorted(found []Finding) []string {
	lines := make([]string, 0, len(found))
	for _, f := range found {
		lines = append(lines, f.String())
	}
	slices.Sort(lines)
	return lines
}
