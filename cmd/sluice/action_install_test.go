package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// TestActionInstalls installs from a module proxy, and uses what it installed. The
// proxy is a directory; what it offers has the paths of Sluice and prints its version.
func TestActionInstalls(t *testing.T) {
	t.Parallel()
	proxy := moduleProxy(t, "v1.2.3", "v1.3.0")
	for _, test := range []struct{ name, version, ref, want string }{
		{"the version that was asked for", "v1.2.3", "v1.3.0", "sluice v1.2.3\n"},
		{"else that of the action", "", "v1.2.3", "sluice v1.2.3\n"},
		{"else the latest", "", "", "sluice v1.3.0\n"},
		{"the latest in a series", "", "v1", "sluice v1.3.0\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := withoutSluice(t)
			r.Env["GOPROXY"] = proxy
			r.Context["github.action_ref"] = test.ref
			status, _ := r.action(map[string]string{"version": test.version, "run": "sluice --version"})
			if said := r.Output.String(); status != 0 || !strings.HasSuffix(said, test.want+test.want) {
				t.Errorf("exit status %d, printed:\n%s\nwant twice at its end: %s", status, said, test.want)
			}
			if want := "actions/setup-go@v6"; !slices.Equal(r.Used, []string{want}) {
				t.Errorf("it uses %q, want %s alone", r.Used, want)
			}
			if after := r.must("sluice --version"); after != test.want {
				t.Errorf("the steps after it have %q, want %q", after, test.want)
			}
		})
	}
}

func TestActionDoesNotInstallAVersionThatDoesNotExist(t *testing.T) {
	t.Parallel()
	r := withoutSluice(t)
	r.Env["GOPROXY"] = moduleProxy(t, "v1.2.3")
	for _, version := range []string{"v9.9.9", "; touch pwned", "$(touch pwned)", "-x", "latest -x"} {
		status, _ := r.action(map[string]string{"version": version, "run": "touch ran"})
		left, err := os.ReadDir(r.Dir)
		if status == 0 || len(left) > 0 || err != nil {
			t.Errorf("version %q: exit status %d, left behind: %v %v\n%s", version, status, left, err, r.Output.String())
		}
	}
}

func TestActionUsesWhatIsThere(t *testing.T) {
	t.Parallel()
	r := newRunner(t, t.TempDir())
	status, _ := r.action(map[string]string{"run": "sluice --version"})
	if status != 0 || len(r.Used) > 0 || !strings.Contains(r.Output.String(), "using ") {
		t.Errorf("exit status %d, uses %q, printed:\n%s", status, r.Used, r.Output.String())
	}
}

// withoutSluice is a machine with Go and the tools of the system, where sluice must
// be installed.
func withoutSluice(t *testing.T) *runner {
	t.Helper()
	r := newRunner(t, t.TempDir())
	tools := t.TempDir()
	for _, name := range []string{"go", "bash", "git", "touch"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(tools, name)); err != nil {
			t.Fatal(err)
		}
	}
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	r.Env["PATH"], r.Env["GOCACHE"], r.Env["GOMODCACHE"] = tools, strings.TrimSpace(string(cache)), t.TempDir()
	r.Env["GOFLAGS"], r.Env["GOSUMDB"], r.Env["GOTOOLCHAIN"] = "-modcacherw", "off", "local"
	return r
}

// moduleProxy is a directory that serves versions of a small program as a proxy does.
func moduleProxy(t *testing.T, versions ...string) string {
	t.Helper()
	const path = "github.com/sluice-dev/sluice"
	dir := t.TempDir()
	for _, version := range versions {
		source := t.TempDir()
		mod := "module " + path + "\n\ngo 1.26\n"
		write(t, filepath.Join(source, "go.mod"), mod)
		write(t, filepath.Join(source, "cmd/sluice/main.go"), fmt.Sprintf("package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(%q) }\n", "sluice "+version))
		var archive bytes.Buffer
		if err := zip.CreateFromDir(&archive, module.Version{Path: path, Version: version}, source); err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(dir, path, "@v", version)
		write(t, at+".mod", mod)
		write(t, at+".zip", archive.String())
		write(t, at+".info", fmt.Sprintf(`{"Version": %q, "Time": "2026-11-01T00:00:00Z"}`, version))
	}
	write(t, filepath.Join(dir, path, "@v", "list"), strings.Join(versions, "\n")+"\n")
	return "file://" + dir
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
