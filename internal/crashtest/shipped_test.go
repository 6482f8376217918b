package crashtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
)

// mostMemory is the anonymous memory that a server and its children may have,
// whatever anybody asks of them.
const mostMemory = 512 << 20

// shipped builds the program as users run it, without the race detector, and
// returns where it is.
var shipped = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sluice-shipped-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "sluice")
	out, err := exec.Command("go", "build", "-o", program, "../../cmd/sluice").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("the program cannot be built: %w\n%s", err, out)
	}
	return program, err
})

// removeShipped removes what shipped built.
func removeShipped() {
	if program, err := shipped(); err == nil {
		_ = os.RemoveAll(filepath.Dir(program))
	}
}

// program is a server in a process of its own.
type program struct {
	*testing.T
	cmd   *exec.Cmd
	url   string
	admin string // the administrator's token
}

// within is the program as a part of the test sees it.
func (p *program) within(t *testing.T) *program { return &program{t, p.cmd, p.url, p.admin} }

// startShipped runs `sluice serve` over a data directory until the test ends.
func startShipped(t *testing.T, dir string, flags ...string) *program {
	t.Helper()
	file := must[string](t)(shipped())
	p := &program{T: t, cmd: exec.Command(file, append([]string{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, flags...)...)}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		_ = p.cmd.Wait() // it was killed
	})
	lines := bufio.NewScanner(out)
	for (p.url == "" || p.admin == "") && lines.Scan() {
		if address, found := strings.CutPrefix(lines.Text(), "listening on "); found {
			p.url = address
		}
		if secret, found := strings.CutPrefix(lines.Text(), "token: "); found {
			p.admin = secret
		}
	}
	if p.url == "" || p.admin == "" {
		t.Fatalf("the server did not say where it listens, or no token: %v", lines.Err())
	}
	return p
}

// watch samples the anonymous memory that the process and its descendants have
// together, and returns the most of it. The kernel keeps no such peak of its own.
func (p *program) watch() (most func() int64) {
	var peak atomic.Int64
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			peak.Store(max(peak.Load(), anonymous(p.cmd.Process.Pid)))
			select {
			case <-ended:
				return
			case <-tick.C:
			}
		}
	})
	return func() int64 {
		close(ended)
		watching.Wait()
		return peak.Load()
	}
}

// anonymous is RssAnon of a process and all below it, in bytes. One that ended
// meanwhile has none.
func anonymous(pid int) (sum int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if text, found := strings.CutPrefix(line, "RssAnon:"); found {
			kilobytes, _ := strconv.ParseInt(strings.Fields(text)[0], 10, 64)
			sum = kilobytes << 10
		}
	}
	children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range children {
		text, _ := os.ReadFile(file)
		for child := range strings.FieldsSeq(string(text)) {
			if id, err := strconv.Atoi(child); err == nil {
				sum += anonymous(id)
			}
		}
	}
	return sum
}

// as returns a client that brings a token.
func (p *program) as(token string) *client.Client {
	p.Helper()
	return must[*client.Client](p.T)(client.New(client.Config{Server: p.url, Token: token, Tries: 1}))
}

// token makes a token and returns its secret.
func (p *program) token(name string, roles ...sluice.Role) string {
	p.Helper()
	return must[sluice.Token](p.T)(p.as(p.admin).CreateToken(p.Context(), sluice.CreateTokenRequest{Name: name, Roles: roles})).Secret
}

// endures runs an attack, has others asked meanwhile, and holds the memory that
// all of it took against the most that it may. An attack returns once it has come
// to where it wants, and is over with its context.
func (p *program) endures(attack func(context.Context), others func(context.Context) error) {
	p.Helper()
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	before, most := anonymous(p.cmd.Process.Pid), p.watch()
	attacked := make(chan struct{})
	go func() {
		defer close(attacked)
		attack(ctx)
	}()
	asked := 0
	for under := true; under; asked++ {
		select {
		case <-attacked:
			under = false // and once more, with all of it in place
		default:
		}
		if err := others(ctx); err != nil && ctx.Err() == nil {
			p.Errorf("others are not answered during the attack: %v (%v)", err, errors.Unwrap(err))
			break
		}
	}
	<-attacked
	peak := most()
	p.Logf("%d MiB at most, %d MiB before; others were answered %d times", peak>>20, before>>20, asked)
	if peak > mostMemory {
		p.Errorf("the server and its children had %d MiB of anonymous memory; the most is %d MiB", peak>>20, int64(mostMemory)>>20)
	}
}
