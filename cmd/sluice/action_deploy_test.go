package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// deskOf is a project with two components, each live in production at v1.0.0.
func deskOf(t *testing.T) *runner {
	t.Helper()
	r := newRunner(t, t.TempDir())
	r.must(`sluice init -y
		for c in greeting triage; do
			for v in v1.0.0 v1.1.0; do echo "$c $v" | sluice tag create $c $v --file - --kind prompt; done
		done
		sluice deploy set greeting@v1.0.0 triage@v1.0.0 --to production`)
	return r
}

// live is what production holds: two versions.
func live(r *runner) string {
	r.t.Helper()
	return strings.Join(strings.Fields(r.must("sluice deploy get greeting --from production; sluice deploy get triage --from production")), " ")
}

var deployments = []struct {
	name    string
	with    map[string]string
	status  int
	live    string
	outputs map[string]string
	says    string
}{
	{
		"a good check keeps the release",
		map[string]string{"components": "greeting@v1.1.0", "check": `[ "$(sluice deploy get greeting --from prod)" = v1.1.0 ] && [ "$RELEASE" = production#2 ]`},
		0, "v1.1.0 v1.0.0",
		map[string]string{"release": "production#2", "undo": "sluice rollback --release production#2", "result": "deployed"},
		"(deploy by alice)",
	},
	{
		"a bad check takes back all that went live",
		map[string]string{"components": "greeting@v1.1.0\n  triage v1.1.0\r\n", "check": "false", "ticket": "INC-7"},
		1, "v1.0.0 v1.0.0",
		map[string]string{"release": "production#2", "undo": "sluice rollback --release production#2", "result": "rolled-back"},
		"::error title=Sluice::the check failed (exit 1). Rolling back: sluice rollback --release production#2",
	},
	{
		"a check whose first command fails has failed",
		map[string]string{"components": "greeting@v1.1.0", "check": "rate=$(exit 22)\ntrue"},
		1, "v1.0.0 v1.0.0",
		map[string]string{"result": "rolled-back"},
		"the check failed (exit 22)",
	},
	{
		"a check that hangs has failed",
		map[string]string{"components": "greeting@v1.1.0", "check": "sleep 600", "check-timeout": "1"},
		1, "v1.0.0 v1.0.0",
		map[string]string{"result": "rolled-back"},
		"the check failed (exit 124)",
	},
	{
		"without a check it deploys",
		map[string]string{"components": "greeting@v1.1.0", "watch": "600"},
		0, "v1.1.0 v1.0.0",
		map[string]string{"result": "deployed"},
		"undo: ",
	},
	{
		"the runtime is told of both releases",
		map[string]string{"components": "greeting@v1.1.0", "check": "false", "after-release": "echo told: $(sluice deploy get greeting --from prod)"},
		1, "v1.0.0 v1.0.0", nil, "told: v1.1.0",
	},
	{
		"a runtime that could not be told is told of the rollback",
		map[string]string{"components": "greeting@v1.1.0", "after-release": "[ -e once ] || { touch once; exit 9; }"},
		1, "v1.0.0 v1.0.0",
		map[string]string{"result": "rolled-back"},
		"the command after the release failed",
	},
	{
		"a runtime that cannot be told is an alarm",
		map[string]string{"components": "greeting@v1.1.0", "after-release": "exit 9"},
		20, "v1.0.0 v1.0.0",
		map[string]string{"result": "still-live"},
		"so the runtime may still have production#2",
	},
	{
		"a rollback that fails is an alarm",
		map[string]string{"components": "greeting@v1.1.0", "check": "sluice version quarantine greeting@v1.0.0 --reason leaks; exit 1"},
		20, "v1.1.0 v1.0.0",
		map[string]string{"result": "still-live"},
		"THE ROLLBACK FAILED (exit 11), and production#2 is still live",
	},
	{
		"what somebody changed meanwhile stays",
		map[string]string{"components": "greeting@v1.1.0", "check": "sluice deploy unset greeting --from prod; exit 1"},
		1, "v1.0.0",
		map[string]string{"result": "superseded"},
		"somebody changed it meanwhile",
	},
	{
		"a run that changed nothing takes nothing back",
		map[string]string{"components": "greeting@v1.0.0", "check": "exit 3"},
		1, "v1.0.0 v1.0.0",
		map[string]string{"release": "", "undo": "", "result": "failed"},
		"this run changed nothing",
	},
	{
		"a version that does not exist",
		map[string]string{"components": "greeting@v9.9.9", "check": "true"},
		5, "v1.0.0 v1.0.0",
		map[string]string{"result": ""},
		"greeting has no version v9.9.9",
	},
	{
		"a watch that is no number",
		map[string]string{"components": "greeting@v1.1.0", "check": "true", "watch": "1m"},
		2, "v1.0.0 v1.0.0", nil, `the watch is "1m"`,
	},
	{
		"no environment",
		map[string]string{"components": "greeting@v1.1.0", "environment": ""},
		2, "v1.0.0 v1.0.0", nil, "no environment was named",
	},
	{
		"only blanks for components",
		map[string]string{"components": " \n "},
		2, "v1.0.0 v1.0.0", nil, "no components were named",
	},
	{
		"a program in the components is a name that does not exist",
		map[string]string{"components": "greeting@v1.1.0; touch pwned $(touch pwned)"},
		2, "v1.0.0 v1.0.0", nil, `version "v1.1.0;" is not a valid name`,
	},
	{
		"a flag in the components is a name that does not exist",
		map[string]string{"components": "--create greeting@v1.1.0"},
		2, "v1.0.0 v1.0.0", nil, `"--create" is not a valid name`,
	},
	{
		"a program in the environment is a name that does not exist",
		map[string]string{"components": "greeting@v1.1.0", "environment": "$(touch pwned)"},
		2, "v1.0.0 v1.0.0", nil, "environment",
	},
	{
		"a program in the reason is a text",
		map[string]string{"components": "greeting@v1.1.0", "reason": "'; touch pwned; echo '`touch pwned`${{ github.actor }}"},
		0, "v1.1.0 v1.0.0",
		map[string]string{"result": "deployed"},
		"undo",
	},
	{
		"commands alone",
		map[string]string{"run": "sluice components list | wc -l\nexit 7"},
		7, "v1.0.0 v1.0.0",
		map[string]string{"result": ""},
		"3",
	},
}

func TestActionDeploys(t *testing.T) {
	t.Parallel()
	for _, test := range deployments {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := deskOf(t)
			if _, set := test.with["watch"]; !set {
				test.with["watch"] = "0"
			}
			status, outputs := r.action(test.with)
			said := r.Output.String()
			if status != test.status {
				t.Errorf("exit status: got %d, want %d", status, test.status)
			}
			if got := live(r); got != test.live {
				t.Errorf("live: got %s, want %s", got, test.live)
			}
			for name, want := range test.outputs {
				if got := outputs[name]; got != want {
					t.Errorf("output %s: got %q, want %q", name, got, want)
				}
			}
			if !strings.Contains(said, test.says) {
				t.Errorf("it does not say %q", test.says)
			}
			if _, err := os.Stat(filepath.Join(r.Dir, "pwned")); err == nil {
				t.Error("a text from an input was run")
			}
			if t.Failed() {
				t.Logf("%q printed:\n%s", test.with, said)
			}
		})
	}
}

// TestActionWorksWhereItIsTold runs it for a project that is not at the top of the
// repository.
func TestActionWorksWhereItIsTold(t *testing.T) {
	t.Parallel()
	r := deskOf(t)
	below := newRunner(t, filepath.Dir(r.Dir))
	status, outputs := below.action(map[string]string{
		"working-directory": filepath.Base(r.Dir), "components": "triage@v1.1.0", "reason": "asks for the order number",
	})
	if status != 0 || live(r) != "v1.0.0 v1.1.0" {
		t.Errorf("exit status %d, %v, live %s:\n%s", status, outputs, live(r), below.Output.String())
	}
	if said := r.must("sluice history triage -o json"); !strings.Contains(said, `"reason": "asks for the order number"`) {
		t.Errorf("the reason is not in the history:\n%s", said)
	}
}

// TestInterruptedWatch cancels a job while it waits: what is live stays, and the way
// back is printed.
func TestInterruptedWatch(t *testing.T) {
	t.Parallel()
	for signal, want := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			r := deskOf(t)
			cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(projectRoot(t), "scripts/ci/deploy-with-rollback.sh"))
			cmd.Dir = r.Dir
			cmd.Env = append(os.Environ(), "DEPLOY_COMPONENTS=greeting@v1.1.0", "DEPLOY_ENVIRONMENT=production", "DEPLOY_WATCH=20", "DEPLOY_CHECK=true", "GITHUB_ACTIONS=true")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			lines := bufio.NewScanner(stdout)
			for !strings.Contains(said.String(), "interrupted") && lines.Scan() {
				said.WriteString(lines.Text() + "\n")
				if strings.Contains(lines.Text(), "watching for 20 seconds") {
					if err := cmd.Process.Signal(signal); err != nil {
						t.Fatal(err)
					}
				}
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != want {
				t.Errorf("it ended with %v, want exit status %d", err, want)
			}
			if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("it left processes behind (%v)", err)
			}
			if text := "production#2 is live and unchecked. To go back: sluice rollback --release production#2"; !strings.Contains(said.String(), text) {
				t.Errorf("it does not say %q:\n%s", text, said.String())
			}
			if got := live(r); got != "v1.1.0 v1.0.0" {
				t.Errorf("live: got %s, want v1.1.0 v1.0.0", got)
			}
		})
	}
}
