package config

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sluice-dev/sluice"
)

func TestScanTakesTheRegistryOfEdgitFirst(t *testing.T) {
	t.Parallel()
	files := project("components/prompts/analysis.md", "components/prompts/extraction.md", "odd/place.txt", "components/configs/analysis-prompt.json",
		"lib/flow.yaml", "lib/agent.yaml", "lib/q.sql", "secret/ignored.md")
	files[registryFile] = &fstest.MapFile{Data: []byte(`{"version":"3.0.0","components":{
		"analysis-prompt":{"path":"components/prompts/analysis.md","type":"prompt"},
		"placed":{"path":"./odd/place.txt","type":"prompt"},
		"flow":{"path":"lib/flow.yaml","type":"ensemble"},
		"helper":{"path":"lib/agent.yaml","type":"agent-definition"},
		"find":{"path":"lib/q.sql","type":"sql"},
		"gone":{"path":"components/prompts/gone.md","type":"prompt"},
		"Placed":{"path":"odd/place.txt","type":"prompt"},
		"two words":{"path":"lib/q.sql","type":"query"},
		"escape":{"path":"../../etc/passwd","type":"config"},
		"slip":{"path":"lib/flow.yaml","type":"promt"},
		"ignored":{"path":"secret/ignored.md","type":"prompt"}
	},"updated":"2024-11-12T15:00:00.000Z"}`)}
	got := scanned(t, files, func(p string) bool { return p != "secret/ignored.md" })
	want := []string{
		"analysis-prompt prompt components/prompts/analysis.md",
		"extraction prompt components/prompts/extraction.md",
		"Placed prompt odd/place.txt",
		"flow ensemble lib/flow.yaml",
		"helper agent lib/agent.yaml",
		"analysis-prompt-config config components/configs/analysis-prompt.json",
		"find query lib/q.sql",
		"- ../../etc/passwd: .edgit/components.json names a path that is not inside the project",
		"- components/prompts/gone.md: .edgit/components.json names it, and there is no such file",
		"- lib/flow.yaml: its type in .edgit/components.json cannot be a kind",
		"- lib/q.sql: its name in .edgit/components.json cannot be a component's",
		"- odd/place.txt: .edgit/components.json has its name twice, ignoring case",
		"- secret/ignored.md: .edgit/components.json names it, and Git ignores it",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestARegistryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ content, want string }{
		{"", ".edgit/components.json is not a registry of Edgit"},
		{"{", ".edgit/components.json is not a registry of Edgit"},
		{`{"components":[]}`, ".edgit/components.json is not a registry of Edgit"},
		{`{"components":{"a":"b"}}`, ".edgit/components.json is not a registry of Edgit"},
		{strings.Repeat(" ", maxRegistry+1), ".edgit/components.json is larger than any that Edgit writes"},
		{`{"components":{` + strings.Repeat(" ", maxRegistry), ".edgit/components.json is larger than any that Edgit writes"},
	} {
		_, err := Scan(fstest.MapFS{registryFile: {Data: []byte(tt.content)}, "prompts/a.md": {}}, nil)
		if sluice.CodeOf(err) != sluice.Invalid || err.Error() != tt.want || len(sluice.AsError(err).Fixes) != 1 {
			t.Errorf("%.40q: got %v, want %s with a fix", tt.content, err, tt.want)
		}
	}
	for _, content := range []string{"{}", `{"components":null}`, `{"components":{}}`} {
		if got := scanned(t, fstest.MapFS{registryFile: {Data: []byte(content)}}, nil); got != nil {
			t.Errorf("%s: got %q, want nothing", content, got)
		}
	}
}
