package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// world is a team of which the only server is a Git host: a repository with the
// examples in it, and around it what is not ours: the store of a runtime, and a
// monitoring that says how many requests fail.
type world struct {
	*runner        // bob's clone
	origin  string // the host's repository
	store   string // a file for each key that the runtime reads, and log with what prod was at each write
	rate    string // the file with the error rate
	tools   string
}

// programs play what pipelines call and what is not on this machine.
var programs = map[string]string{
	"npx": `[ "$*" = "--yes wrangler@4 kv bulk put kv.json --namespace-id=space --remote" ] || { echo "npx: what is $*?"; exit 2; }
		[ "$CLOUDFLARE_API_TOKEN $CLOUDFLARE_ACCOUNT_ID" = "secret account" ]; store kv.json`,
	"curl": `case "$*" in
		*https://metrics.example.com/error-rate)
			if [ -e "$ORIGIN.leaves" ]; then rm "$ORIGIN.leaves"; mv "$ORIGIN" "$ORIGIN.away"; fi
			[ ! -e "$ORIGIN.meanwhile" ] || (cd "${ORIGIN%/*}/bob" && SLUICE_ACTOR=bob bash "$ORIGIN.meanwhile") > /dev/null 2>&1
			cat "$RATE" ;;
		*" --request PUT "*"Authorization: Bearer secret"*" --data-binary @kv.json "*"/accounts/account/storage/kv/namespaces/space/bulk") store kv.json ;;
		*) echo "curl: what is $*?" >&2; exit 2 ;;
		esac`,
	"store": `jq -r '.[].key' "$1" | while read -r key; do jq -j --arg key "$key" '.[] | select(.key == $key).value' "$1" > "$STORE/$key"; done
		jq -r '.greeting.prod' "$STORE/component-versions" >> "$STORE/log"`,
	"sleep": `[ ! -e "$ORIGIN.away" ] || mv "$ORIGIN.away" "$ORIGIN"`, // while it waits, the host comes back
	"go":    `[ "$1" = install ] || echo /nowhere`,                    // sluice is there already
}

func newWorld(t *testing.T) world {
	t.Helper()
	dir := t.TempDir()
	w := world{newRunner(t, filepath.Join(dir, "bob")), filepath.Join(dir, "origin.git"), filepath.Join(dir, "store"), filepath.Join(dir, "rate"), filepath.Join(dir, "tools")}
	for name, text := range programs {
		write(t, filepath.Join(w.tools, name), "#!/bin/bash\nset -euo pipefail\n"+text+"\n")
		if err := os.Chmod(filepath.Join(w.tools, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{w.Dir, w.store} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	maps.Copy(w.Env, map[string]string{
		"PATH": w.tools + string(os.PathListSeparator) + w.Env["PATH"], "STORE": w.store, "RATE": w.rate, "ORIGIN": w.origin, "EXAMPLES": filepath.Join(projectRoot(t), "examples/ci"),
		"ROLLBACK": filepath.Join(projectRoot(t), "scripts/ci/deploy-with-rollback.sh"),
	})
	w.must(`git config --global init.defaultBranch main && git config --global user.name bob && git config --global user.email bob@example.com
		git init -q --bare "$ORIGIN" && git clone -q "$ORIGIN" . 2> /dev/null
		mkdir -p components/prompts .github/workflows && cp "$EXAMPLES"/github/*.yml .github/workflows && cp -r "$EXAMPLES"/gitlab/. . && cp "$ROLLBACK" ci
		echo one > components/prompts/greeting.md && sluice init -y && git add . && git commit -qm one && git push -q origin main
		sluice tag create greeting v1.0.0 && sluice deploy set greeting v1.0.0 --to prod
		echo two > components/prompts/greeting.md && git commit -qam two && git push -q origin main && sluice tag create greeting v1.1.0`)
	return w
}

// job is a machine that a pipeline runs on, with a fresh clone.
func (w world) job(name string) *runner {
	w.t.Helper()
	r := newRunner(w.t, filepath.Join(filepath.Dir(w.origin), name))
	maps.Copy(r.Env, map[string]string{"PATH": w.Env["PATH"], "STORE": w.store, "RATE": w.rate, "ORIGIN": w.origin, "DEPLOY_RETRY_PAUSE": "1"})
	if err := os.Mkdir(r.Dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// github runs a workflow as GitHub does for inputs that somebody typed.
func (w world) github(t *testing.T, name, file string, inputs map[string]string) (status int, said string) {
	t.Helper()
	flow, r := readWorkflow(t, file), w.job(name)
	maps.Copy(r.Context, map[string]string{
		"secrets.CLOUDFLARE_API_TOKEN": "secret", "secrets.CLOUDFLARE_ACCOUNT_ID": "account", "vars.KV_NAMESPACE_ID": "space",
		"github.event.repository.default_branch": "main",
	})
	for input, declared := range flow.On.Dispatch.Inputs {
		r.Context["inputs."+input] = declared.Default
	}
	for input, value := range inputs {
		r.Context["inputs."+input] = value
	}
	for key, value := range flow.Env {
		r.Env[key] = r.expand(value)
	}
	for _, job := range flow.Jobs {
		for _, step := range job.Steps {
			switch {
			case strings.HasPrefix(step.Uses, "actions/checkout@"):
				r.must(`git clone -q "$ORIGIN" . && git checkout -q main`)
			case strings.HasPrefix(step.Uses, "sluice-dev/sluice@"):
				with := map[string]string{}
				for key, value := range step.With {
					with[key] = r.expand(value)
				}
				status, _ = r.action(with)
			default:
				status = r.step(step)
			}
			if status != 0 {
				return status, r.Output.String()
			}
		}
	}
	return 0, r.Output.String()
}

// gitlab runs one job of the GitLab example.
func (w world) gitlab(t *testing.T, name, job string, variables map[string]string) (status int, said string) {
	t.Helper()
	type section struct {
		Variables map[string]string
		Before    []string `yaml:"before_script"`
		Script    []string
	}
	var file struct {
		Variables map[string]string
		Base      section            `yaml:".sluice"`
		Jobs      map[string]section `yaml:",inline"`
	}
	text := contents(t, filepath.Join(projectRoot(t), "examples/ci/gitlab/.gitlab-ci.yml"))
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	r := w.job(name)
	delete(r.Env, "GITHUB_ACTIONS")
	for _, more := range []map[string]string{
		file.Variables, file.Base.Variables, file.Jobs[job].Variables, variables,
		{"CI_DEFAULT_BRANCH": "main", "GITLAB_USER_LOGIN": "alice", "CLOUDFLARE_API_TOKEN": "secret", "CLOUDFLARE_ACCOUNT_ID": "account", "KV_NAMESPACE_ID": "space"},
	} {
		maps.Copy(r.Env, more)
	}
	r.must(`git clone -q "$ORIGIN" . && git checkout -q --detach origin/sluice/live`)
	lines := slices.Concat([]string{"set -eo pipefail"}, file.Base.Before, file.Jobs[job].Script)
	status = r.step(actionStep{Shell: "bash", Run: strings.Join(lines, "\n")})
	return status, r.Output.String()
}

var pipelineRuns = []struct {
	name, rate string
	breaks     string // done before, in bob's clone
	status     int
	live, told string // in prod afterwards, and what the runtime was told, one after the other
	by         string // who made the last release
}{
	{"few errors", "0.001", "", 0, "v1.1.0", "v1.1.0", "alice"},
	{"too many errors", "0.02", "", 1, "v1.0.0", "v1.1.0 v1.0.0", "alice"},
	{"the host is away for a moment at the rollback", "0.02", `touch "$ORIGIN.leaves"`, 1, "v1.0.0", "v1.1.0 v1.0.0", "alice"},
	{"bob was quicker", "0.02", `echo sluice deploy unset greeting --from prod > "$ORIGIN.meanwhile"`, 1, "", "v1.1.0 null", "bob"},
}

// TestErrorRateChecks asks the checks of both examples about the same answers.
func TestErrorRateChecks(t *testing.T) {
	t.Parallel()
	var checks []string
	pairsOf(pipelines(t)["examples/ci/github/auto-rollback.yml"], func(key string, value *yaml.Node) {
		if key == "check" {
			checks = append(checks, value.Value)
		}
	})
	checks = append(checks, contents(t, filepath.Join(projectRoot(t), "examples/ci/gitlab/ci/check-error-rate.sh")))
	if len(checks) != 2 {
		t.Fatalf("found %d checks, want 2", len(checks))
	}
	tools := t.TempDir()
	write(t, filepath.Join(tools, "curl"), "#!/bin/sh\n[ \"$RATE\" != gone ] || exit 22\nprintf '%s' \"$RATE\"\n")
	if err := os.Chmod(filepath.Join(tools, "curl"), 0o755); err != nil {
		t.Fatal(err)
	}
	for rate, good := range map[string]bool{
		"0": true, "0.001": true, "1e-05": true, "0.01": true, "0.010": true,
		"0.0101": false, "1": false, "100": false, "1e3": false, "-1": false, "NaN": false, "inf": false, "<html>": false, "0.001 0.5": false, "": false, "gone": false,
	} {
		for i, check := range checks {
			cmd := exec.Command("bash", "-euo", "pipefail", "-c", check)
			cmd.Env = append(os.Environ(), "RATE="+rate, "PATH="+tools+string(os.PathListSeparator)+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); (err == nil) != good {
				t.Errorf("check %d of an error rate %q: got %v, want good %t\n%s", i+1, rate, err, good, out)
			}
		}
	}
}

// TestPipelinesDeploy runs the pipelines that deploy and check, on both hosts.
func TestPipelinesDeploy(t *testing.T) {
	t.Parallel()
	for _, test := range pipelineRuns {
		for host, run := range map[string]func(world, *testing.T) (int, string){
			"GitHub": func(w world, t *testing.T) (int, string) {
				return w.github(t, "job", "auto-rollback.yml", map[string]string{"components": "greeting@v1.1.0"})
			},
			"GitLab": func(w world, t *testing.T) (int, string) {
				return w.gitlab(t, "job", "deploy-with-auto-rollback", map[string]string{"DEPLOY_COMPONENTS": "greeting@v1.1.0"})
			},
		} {
			t.Run(test.name+" on "+host, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				write(t, w.rate, test.rate+"\n")
				if test.breaks != "" {
					w.must(test.breaks)
				}
				status, said := run(w, t)
				got := strings.TrimSpace(w.must("sluice git sync > /dev/null 2>&1; sluice deploy get greeting --from prod"))
				told := strings.Join(strings.Fields(contents(t, filepath.Join(w.store, "log"))), " ")
				if status != test.status || got != test.live || told != test.told {
					t.Errorf("exit status %d, live %s, told %q; want %d, %s, %q:\n%s", status, got, told, test.status, test.live, test.told, said)
				}
				if by := w.must("sluice history greeting --from prod | head -1"); !strings.Contains(by, test.by) {
					t.Errorf("the last release was not made by %s: %s", test.by, by)
				}
			})
		}
	}
}

// TestPushedReleasesReachTheRuntime runs the pipelines that listen to the branch, after
// bob deployed and rolled back.
func TestPushedReleasesReachTheRuntime(t *testing.T) {
	t.Parallel()
	for host, run := range map[string]func(world, *testing.T, string) (int, string){
		"GitHub": func(w world, t *testing.T, job string) (int, string) { return w.github(t, job, "deploy.yml", nil) },
		"GitLab": func(w world, t *testing.T, job string) (int, string) { return w.gitlab(t, job, "cloudflare-kv", nil) },
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			branch := w.must(`git -C "$ORIGIN" rev-parse sluice/live`)
			for step, told := range []struct{ command, want string }{
				{"true", "v1.0.0"},
				{"sluice deploy set greeting v1.1.0 --to prod", "v1.0.0 v1.1.0"},
				{"sluice rollback greeting", "v1.0.0 v1.1.0 v1.0.0"},
			} {
				w.must(told.command)
				// Hosts read the pipeline from the commit that was pushed.
				w.must(`git -C "$ORIGIN" cat-file -e sluice/live:.github/workflows/deploy.yml; git -C "$ORIGIN" cat-file -e sluice/live:.gitlab-ci.yml`)
				if now := w.must(`git -C "$ORIGIN" rev-parse sluice/live`); (now != branch) != (step > 0) {
					t.Errorf("%s: sluice/live is at %s, and was at %s", told.command, now, branch)
				} else {
					branch = now
				}
				status, said := run(w, t, "job"+strings.Repeat("-again", step))
				if got := strings.Join(strings.Fields(contents(t, filepath.Join(w.store, "log"))), " "); status != 0 || got != told.want {
					t.Errorf("%s: exit status %d, the runtime was told %q, want %q:\n%s", told.command, status, got, told.want, said)
				}
			}
			if got := w.must(`jq -r '.["greeting"].prod' "$STORE/component-versions"`); got != "v1.0.0\n" {
				t.Errorf("the runtime reads %q, want v1.0.0", got)
			}
		})
	}
}
