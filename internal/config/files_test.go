package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestFiles(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret.txt"), "secret")
	p := &Project{Dir: t.TempDir()}
	write(t, filepath.Join(p.Dir, "one.md"), "one")
	write(t, filepath.Join(p.Dir, "agent", "system.md"), "system")
	write(t, filepath.Join(p.Dir, "agent", "tools", "search.json"), "{}")
	write(t, filepath.Join(p.Dir, "agent", ".env"), "KEY=secret")
	write(t, filepath.Join(p.Dir, "agent", ".git", "config"), "x")
	write(t, filepath.Join(p.Dir, "full", strings.Repeat("x", 3)), "x")
	for i := range sluice.MaxFiles {
		write(t, filepath.Join(p.Dir, "full", strings.Repeat("y", i+1)), "y")
	}
	for link, target := range map[string]string{
		"inside.md": "one.md", "escape.md": filepath.Join(outside, "secret.txt"), "escape": outside, "agent2": "agent",
	} {
		if err := os.Symlink(target, filepath.Join(p.Dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(p.Dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.Dir, "large.bin"), "")
	if err := os.Truncate(filepath.Join(p.Dir, "large.bin"), 3*sluice.MaxFileBytes); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Files(Component{Name: "c", Path: "large.bin"}); err == nil || !strings.Contains(err.Error(), strconv.Itoa(3*sluice.MaxFileBytes)+" bytes") {
		t.Errorf("a file that is too large: %v", err)
	}

	for _, tt := range []struct {
		path  string
		files []string
		code  sluice.Code
	}{
		{"one.md", []string{"one.md=one"}, ""},
		{"inside.md", []string{"inside.md=one"}, ""},
		{"agent", []string{"system.md=system", "tools/search.json={}"}, ""},
		{"escape.md", nil, sluice.Invalid},
		{"escape", nil, sluice.Invalid},
		{"escape/secret.txt", nil, sluice.Invalid},
		{"absent.md", nil, sluice.NotFound},
		{"empty", nil, sluice.NotFound},
		{"full", nil, sluice.LimitExceeded},
		{"large.bin", nil, sluice.LimitExceeded},
		{"", nil, sluice.NotFound},
	} {
		t.Run("path "+tt.path, func(t *testing.T) {
			files, err := p.Files(Component{Name: "c", Path: tt.path})
			if sluice.CodeOf(err) != tt.code {
				t.Fatalf("got %v, want code %q", err, tt.code)
			}
			var got []string
			for _, f := range files {
				got = append(got, f.Path+"="+string(f.Bytes()))
			}
			if !reflect.DeepEqual(got, tt.files) {
				t.Errorf("got %q, want %q", got, tt.files)
			}
		})
	}
}
