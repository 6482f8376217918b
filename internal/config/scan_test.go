package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sluice-dev/sluice"
)

// scanned is what Scan found, a line for each: name kind path, or a dash and path.
func scanned(t *testing.T, project fs.FS, keep func(string) bool) []string {
	t.Helper()
	found, err := Scan(project, keep)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range found.Components {
		lines = append(lines, c.Name+" "+c.Kind+" "+c.Path)
		if err := sluice.CheckKind(c.Kind); err != nil {
			t.Error(err)
		}
	}
	for _, l := range found.LeftOut {
		lines = append(lines, "- "+l.Path+": "+l.Why)
	}
	return lines
}

func project(paths ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, p := range paths {
		files[p] = &fstest.MapFile{}
	}
	return files
}

func TestScan(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		files []string
		want  []string
	}{
		{"nothing", nil, nil},
		{"below components", []string{
			"components/prompts/my-prompt.md", "components/prompts/.hidden.md", "components/prompts/has space.md", "components/prompts/yes.md",
			"components/workflows/invoice.yaml", "components/workflows/notes.md", "components/scripts/2024.py", "components/agents/helper/system.md",
			"components/configs/limits.json", "components/elsewhere/not-looked-at.txt", "components/notes.md", "components/Button.tsx", "components/prompts/Box.tsx",
		}, []string{
			"my-prompt prompt components/prompts/my-prompt.md", "yes prompt components/prompts/yes.md", "invoice workflow components/workflows/invoice.yaml",
			"2024 script components/scripts/2024.py", "helper agent components/agents/helper", "limits config components/configs/limits.json",
			"- components/prompts/has space.md: its name cannot be a component's",
		}},
		{"the projects of the playbook", []string{
			"components/prompts/extraction.md", "components/prompts/analysis.md", "components/configs/validation.json", "components/scripts/transform.js",
		}, []string{
			"analysis prompt components/prompts/analysis.md", "extraction prompt components/prompts/extraction.md",
			"transform script components/scripts/transform.js", "validation config components/configs/validation.json",
		}},
		{"at the root and below logic", []string{
			"prompts/a.md", "instructions/b.txt", "ensembles/c.yaml", "ensembles/c2.ts", "workflows/d.yml", "logic/scripts/e.ts", "scripts/f.sh", "agents/g.yaml",
			"configs/h.toml", "config/i.ini", "settings/j.json", "queries/k.sql", "sql/l.sql", "database/m.sql", "schemas/n.json", "types/o.json", "validation/p.yaml",
			"templates/q.hbs", "tools/r.json", "src/prompts/s.md", "lib/logic/prompts/t.md", "logic/README.md",
		}, []string{
			"b prompt instructions/b.txt", "a prompt prompts/a.md", "d workflow workflows/d.yml", "c ensemble ensembles/c.yaml", "e script logic/scripts/e.ts",
			"f script scripts/f.sh", "g agent agents/g.yaml", "i config config/i.ini", "h config configs/h.toml", "j config settings/j.json", "m query database/m.sql",
			"k query queries/k.sql", "l query sql/l.sql", "n schema schemas/n.json", "o schema types/o.json", "p schema validation/p.yaml",
			"q template templates/q.hbs", "r tool tools/r.json",
		}},
		{"common directories alone show nothing", []string{"scripts/build.sh", "config/database.yml", "tools/lint.js", "types/a.json", "scripts/deploy.script.sh"}, nil},
		{"below components and logic they do", []string{"components/scripts/a.js", "logic/configs/b.yaml", "components/scripts/c.yaml"}, []string{
			"a script components/scripts/a.js", "c script components/scripts/c.yaml", "b config logic/configs/b.yaml",
		}},
		{"double extensions", []string{
			"src/refund.prompt.md", "billing.workflow.yaml", "a/b/c/onboarding.ensemble.yml", "ops/triage.agent.yaml", "ops/triage.agent.go",
			"api/user.schema.json", "components/user.schema.json", "logic/deep/er/find.query.sql", "prompts/mail.template.md", "prompts/out.schema.json",
			"x.prompt.exe", "prompt.md", ".prompt.md", "vite.config.ts", "components/vite.config.ts",
		}, []string{
			"refund prompt src/refund.prompt.md", "billing workflow billing.workflow.yaml",
			"onboarding ensemble a/b/c/onboarding.ensemble.yml", "triage agent ops/triage.agent.yaml", "find query logic/deep/er/find.query.sql",
			"user schema components/user.schema.json", "out schema prompts/out.schema.json",
			"mail template prompts/mail.template.md",
		}},
		{"nested directories", []string{"prompts/billing/refund.md", "prompts/billing/eu/vat.md", "components/workflows/sales/quote.yaml", "prompts/charge/prompt.md"}, []string{
			"vat prompt prompts/billing/eu/vat.md", "refund prompt prompts/billing/refund.md", "prompt prompt prompts/charge/prompt.md",
			"quote workflow components/workflows/sales/quote.yaml",
		}},
		{"never", []string{
			"prompts/README.md", "prompts/README-de.md", "prompts/readme.txt", "prompts/LICENSE.md", "prompts/License.txt", "prompts/CHANGELOG.md", "scripts/package.json",
			"configs/package.json", "configs/package-lock.json", "configs/tsconfig.json", "configs/tsconfig.build.json", "configs/pnpm-lock.yaml", "configs/yarn.lock",
			"configs/docker-compose.yml", "configs/azure-pipelines.yml", "prompts/.env.txt", ".github/prompts/a.prompt.md", ".git/prompts/a.prompt.md",
			"node_modules/x/a.prompt.md", "prompts/node_modules/a.md", "vendor/a.prompt.md", "prompts/dist/a.md", "scripts/a.test.ts", "scripts/test_a.py",
			"scripts/types.d.ts", "scripts/index.ts", "prompts/sluice.yaml", "internal/testdata/a.prompt.md",
		}, nil},
		{"only what looks alike is left out", []string{"prompts/readme-writer.md", "prompts/package.md", "prompts/dead-lock.md", "prompts/ab_test.md", "prompts/security.md"}, []string{
			"ab_test prompt prompts/ab_test.md", "dead-lock prompt prompts/dead-lock.md", "package prompt prompts/package.md",
			"readme-writer prompt prompts/readme-writer.md", "security prompt prompts/security.md",
		}},
		{"projects inside are their own", []string{"prompts/a.md", "examples/shop/sluice.yaml", "examples/shop/b.prompt.md", "examples/other/c.prompt.md"}, []string{
			"c prompt examples/other/c.prompt.md", "a prompt prompts/a.md",
		}},
		{"agents", []string{
			"agents/helper/system.md", "agents/helper/tools/search.json", "agents/helper/x.prompt.md", "agents/alone.yaml",
			"agents/billing/refund.agent.yaml", "agents/billing/charge.agent.yaml", "agents/billing/notes.md", "agents/code/run.py",
			"components/agents/team/triage/agent.yaml", "components/agents/team/triage/agent.py",
		}, []string{
			"alone agent agents/alone.yaml", "charge agent agents/billing/charge.agent.yaml", "refund agent agents/billing/refund.agent.yaml",
			"helper agent agents/helper", "triage agent components/agents/team/triage",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := scanned(t, project(tt.files...), nil); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(tt.want, "\n  "))
			}
		})
	}
}

func TestScanNamesWhatHasOneName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ files, want []string }{
		{ // by kind, whichever is seen first
			[]string{"components/prompts/analysis.md", "components/configs/Analysis.json"},
			[]string{"analysis-prompt prompt components/prompts/analysis.md", "Analysis-config config components/configs/Analysis.json"},
		},
		{ // what ends in its kind has its name already
			[]string{"prompts/my-prompt.md", "configs/my-prompt.json", "prompts/config.md", "configs/config.json"},
			[]string{"config-prompt prompt prompts/config.md", "my-prompt prompt prompts/my-prompt.md", "config config configs/config.json", "my-prompt-config config configs/my-prompt.json"},
		},
		{ // by directory, where the kind does not help
			[]string{"prompts/billing/refund.md", "prompts/sales/refund.md", "prompts/refund.md", "scripts/refund.js"},
			[]string{"billing-refund prompt prompts/billing/refund.md", "refund-prompt prompt prompts/refund.md", "sales-refund prompt prompts/sales/refund.md", "refund-script script scripts/refund.js"},
		},
		{ // by the whole path at last
			[]string{"prompts/refund.md", "prompts/refund.txt", "components/prompts/refund.md"},
			[]string{
				"components-prompts-refund-md prompt components/prompts/refund.md", "prompts-refund-md prompt prompts/refund.md", "prompts-refund-txt prompt prompts/refund.txt",
			},
		},
		{ // a name that another file has by itself is not taken from it
			[]string{"prompts/a.md", "configs/a.json", "prompts/a-config.md"},
			[]string{"a-config prompt prompts/a-config.md", "a-prompt prompt prompts/a.md", "configs-a-json config configs/a.json"},
		},
		{ // and when nothing helps, it is told
			[]string{"prompts/a/b.md", "prompts/A/b.md"},
			[]string{"- prompts/A/b.md: other files have all names that it could have", "- prompts/a/b.md: other files have all names that it could have"},
		},
	} {
		if got := scanned(t, project(tt.files...), nil); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("of %q\ngot\n  %s\nwant\n  %s", tt.files, strings.Join(got, "\n  "), strings.Join(tt.want, "\n  "))
		}
	}
}

func TestScanKeepsToTheList(t *testing.T) {
	t.Parallel()
	files := project("prompts/a.md", "prompts/ignored.md", "secret/b.prompt.md", "deep/er/c.prompt.md")
	asked := map[string]bool{}
	among := Among([]string{"prompts/a.md", "deep/er/c.prompt.md", "deep/deleted.prompt.md"})
	got := scanned(t, files, func(p string) bool { asked[p] = true; return among(p) })
	want := []string{"c prompt deep/er/c.prompt.md", "a prompt prompts/a.md"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if asked["secret/b.prompt.md"] {
		t.Error("looked into a directory that was not on the list")
	}
}

func TestScanFollowsNoLinks(t *testing.T) {
	t.Parallel()
	outside, dir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret.md"), "secret")
	write(t, filepath.Join(dir, "prompts", "a.md"), "a")
	write(t, filepath.Join(outside, "components.json"), `{"components":{"x":{"path":"prompts/a.md","type":"prompt"}}}`)
	for link, target := range map[string]string{
		"prompts/link.md": filepath.Join(outside, "secret.md"), "prompts/dir": outside, "agents": outside, "prompts/loop": ".",
	} {
		if err := os.Symlink(target, filepath.Join(dir, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := scanned(t, os.DirFS(dir), nil), []string{"a prompt prompts/a.md"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := os.Symlink(outside, filepath.Join(dir, ".edgit")); err != nil {
		t.Fatal(err)
	}
	if _, err := Scan(os.DirFS(dir), nil); sluice.CodeOf(err) != sluice.Invalid {
		t.Errorf("a registry behind a link: got %v, want it to be invalid", err)
	}
}

func TestScanIsBounded(t *testing.T) {
	t.Parallel()
	files := project("prompts/a.md") // two paths
	for i := range MaxScanned - 3 {
		files[fmt.Sprintf("data/%d.csv", i)] = &fstest.MapFile{}
	}
	if got, want := scanned(t, files, nil), []string{"a prompt prompts/a.md"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%d paths: got %q, want %q", MaxScanned, got, want)
	}
	files["data/one-more.csv"] = &fstest.MapFile{}
	_, err := Scan(files, nil)
	if sluice.CodeOf(err) != sluice.LimitExceeded || !strings.Contains(err.Error(), "more than 50000 files") {
		t.Errorf("%d paths: got %v, want the limit", MaxScanned+1, err)
	}
	if got := scanned(t, files, func(p string) bool { return p != "data" }); len(got) != 1 {
		t.Errorf("without the large directory: got %q", got)
	}
}

func FuzzScan(f *testing.F) {
	f.Add("prompts/a.md\ncomponents/prompts/a.md\nagents/a/b.md\nagents/a/c.agent.yaml", `{"components":{"a":{"path":"prompts/a.md","type":"prompt"}}}`)
	f.Add("logic//x\n../prompts/a.md\nprompts/\x00.md\nprompts/a\\b.md", `{"components":{"..":{"path":"/","type":""}}}`)
	f.Fuzz(func(t *testing.T, paths, registry string) {
		files := fstest.MapFS{}
		for _, p := range strings.Split(paths, "\n") {
			files[p] = &fstest.MapFile{}
		}
		files[registryFile] = &fstest.MapFile{Data: []byte(registry)}
		found, err := Scan(files, nil)
		if err != nil {
			if sluice.CodeOf(err) != sluice.Invalid {
				t.Errorf("got %v for the registry %q", err, registry)
			}
			return
		}
		p := &Project{DefaultEnvironment: "production", Components: found.Components}
		back, err := ParseProject(ProjectFile, p.Format())
		if err != nil || len(found.Components) > 0 && !reflect.DeepEqual(back.Components, found.Components) {
			t.Errorf("%q with %q:\n%s\nis read back as %+v, %v", paths, registry, p.Format(), back, err)
		}
	})
}
