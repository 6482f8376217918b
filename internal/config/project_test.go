package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

const example = `default_environment: staging
components:
  my-prompt:      {path: ./components/prompts/my-prompt.md, kind: prompt}
  invoice-parser: {path: components/workflows/invoice-parser/, kind: workflow}
  notes:
environments:
  production: {promotes_from: [staging], alias: ""}
  debug: {parent: production, tracks: latest}
  open: {promotes_from: }
`

func TestParseProject(t *testing.T) {
	p, err := ParseProject(ProjectFile, []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	empty, production, latest := "", "production", "latest"
	staging, none := []string{"staging"}, []string{}
	want := &Project{
		DefaultEnvironment: "staging",
		Components: []Component{
			{Name: "my-prompt", Path: "components/prompts/my-prompt.md", Kind: "prompt"},
			{Name: "invoice-parser", Path: "components/workflows/invoice-parser", Kind: "workflow"},
			{Name: "notes"},
		},
		Environments: []Environment{
			{Name: "production", PromotesFrom: &staging, Alias: &empty},
			{Name: "debug", Parent: &production, Tracks: &latest},
			{Name: "open", PromotesFrom: &none},
		},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
}

func TestParseProjectMistakes(t *testing.T) {
	for _, tt := range []struct{ name, in, message, fix string }{
		{"unknown key", "default_enviroment: x\n", `sluice.yaml:1:1: unknown key "default_enviroment"`, "did you mean default_environment?"},
		{"unknown key inside", "components:\n  a: {paths: x}\n", `sluice.yaml:2:7: unknown key "paths"`, "did you mean path?"},
		{"far from any key", "owner: me\n", `sluice.yaml:1:1: unknown key "owner"`, "known keys here: components, default_environment, environments"},
		{"key twice", "components: {}\ncomponents: {}\n", "sluice.yaml:2:1: components stands here twice; first on line 1", "remove one"},
		{"component twice", "components:\n  a: {}\n  A: {}\n", "sluice.yaml:3:3: component A is named twice, ignoring case", "rename"},
		{"path up", "components:\n  a: {path: ../x}\n", `sluice.yaml:2:13: path "../x" is not inside the project`, "relative path"},
		{"path up later", "components:\n  a: {path: x/../../y}\n", `sluice.yaml:2:13: path "x/../../y" is not inside the project`, "relative path"},
		{"absolute path", "components:\n  a: {path: /etc/passwd}\n", `sluice.yaml:2:13: path "/etc/passwd" is not inside the project`, "relative path"},
		{"the project itself", "components:\n  a: {path: .}\n", `sluice.yaml:2:13: path "." is not inside the project`, "relative path"},
		{"bad name", "components:\n  a b: {}\n", `sluice.yaml:2:3: component "a b" is not a valid name`, "use 1 to 128 letters"},
		{"environment like a version", "default_environment: v1.0.0\n", `sluice.yaml:1:22: environment "v1.0.0" reads as a label`, "choose a word"},
		{"a list for keys", "components: [a]\n", "sluice.yaml:1:13: expected keys with values, not a list", ""},
		{"keys for text", "default_environment: {a: b}\n", "sluice.yaml:1:22: expected one value, not keys with values", ""},
		{"alias", "components:\n  a: &x {kind: prompt}\n  b: *x\n", "sluice.yaml:3:6: an alias (*x) is not read here", "write the value out"},
		{"two documents", "components: {}\n---\ncomponents: {}\n", "sluice.yaml has more than one YAML document", "keep one"},
		{"not YAML", "components: [\n", "sluice.yaml:1: did not find expected node content", "correct the YAML"},
		{"text alone", "hello\n", "sluice.yaml:1:1: expected keys with values, not a single value", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseProject(ProjectFile, []byte(tt.in))
			if sluice.CodeOf(err) != sluice.Invalid {
				t.Fatalf("got %v, want an invalid argument", err)
			}
			if err.Error() != tt.message {
				t.Errorf("message:\n got %s\nwant %s", err, tt.message)
			}
			if fixes := strings.Join(sluice.Texts(sluice.AsError(err).Fixes), "\n"); !strings.Contains(fixes, tt.fix) {
				t.Errorf("fixes %q do not hold %q", fixes, tt.fix)
			}
		})
	}
}

func TestEmptyProjectFile(t *testing.T) {
	for _, in := range []string{"", "# nothing\n", "---\n", "null\n"} {
		p, err := ParseProject(ProjectFile, []byte(in))
		if err != nil || !reflect.DeepEqual(p, &Project{}) {
			t.Errorf("%q: got %+v, %v", in, p, err)
		}
	}
}

func TestFindProjectUpwards(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ProjectFile), "components: {}\n")
	deep := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := FindProject(deep)
	if err != nil || p == nil || p.Dir != dir {
		t.Errorf("from %s: got %+v, %v; want the project in %s", deep, p, err, dir)
	}
	if p, err := FindProject(t.TempDir()); p != nil || err != nil {
		t.Errorf("outside: got %+v, %v", p, err)
	}
}

func TestFormatReadsBack(t *testing.T) {
	t.Parallel()
	for _, p := range []*Project{
		{DefaultEnvironment: "production"},
		{DefaultEnvironment: "yes", Components: []Component{
			{Name: "my-prompt", Path: "components/prompts/my-prompt.md", Kind: "prompt"},
			{Name: "yes", Path: "components/prompts/yes.md", Kind: "prompt"},
			{Name: "2024", Path: "components/scripts/2024 \"café\": {a}, #b\u00a0.py", Kind: "script"},
			{Name: "notes"},
		}},
		{DefaultEnvironment: "production", Git: &Git{Push: PushManual, Remote: "origin", Verify: VerifySigned, Publish: PublishAsIs}},
		{DefaultEnvironment: "production", Git: &Git{Push: PushOnRelease, Remote: "origin", Branch: "sluice/live", Verify: VerifySigned, Publish: PublishAsIs}},
		{DefaultEnvironment: "production", Git: &Git{Push: PushManual, Remote: "up.stream", Branch: "true", Verify: VerifyOff, Publish: PublishAsIs}},
		{DefaultEnvironment: "production", Git: &Git{Push: PushOnRelease, Remote: "no", Branch: "#live,x", Verify: VerifyRequired, Publish: PublishCommitted}},
	} {
		text := p.Format()
		back, err := ParseProject(ProjectFile, text)
		if err != nil || !reflect.DeepEqual(back, p) {
			t.Errorf("got  %+v with %+v, %v\nwant %+v with %+v\nfrom\n%s", back, back.Git, err, p, p.Git, text)
		}
	}
}

func FuzzParseProject(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("components: [\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("git: {push: on-release, remote: origin, branch: sluice/live, verify: off}\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := ParseProject(ProjectFile, in)
		if err != nil {
			if code := sluice.CodeOf(err); code != sluice.Invalid {
				t.Errorf("code %s for %q: %v", code, in, err)
			}
			return
		}
		for _, c := range p.Components {
			if sluice.CheckName("component", c.Name) != nil || c.Path != "" && !filepath.IsLocal(c.Path) {
				t.Errorf("accepted %+v from %q", c, in)
			}
		}
		if p.Git == nil {
			return
		}
		back, err := ParseProject(ProjectFile, (&Project{Git: p.Git}).Format())
		if err != nil || !reflect.DeepEqual(back.Git, p.Git) {
			t.Errorf("from %q: %+v is written and read back as %+v, %v", in, p.Git, back.Git, err)
		}
	})
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
