package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/config"
)

// env is what every command is given. What a command may not need, it finds out
// when first asked: the project file, the settings, the connection.
type env struct {
	Process
	out *tracked // standard output, which remembers its first failure

	flags  config.Settings
	format formatFlag
	yes    bool

	project  *config.Project
	searched bool
	settings *config.Settings
	client   *client.Client
	git      *gitProject // see [env.gitProject]
	syncs    bool        // the command is about Git, or begins with a sync
	fresh    bool        // the installation is empty, and the repository may have what belongs in it
	embedded bool        // the installation is open in this process, and no server is near
	closers  []func() error
	lost     func(error) // is told when what is followed cannot be reached; see [client.Config]
}

func newEnv(p Process) *env {
	out := &tracked{to: p.Stdout}
	p.Stdout = out
	return &env{Process: p, out: out}
}

// close ends what the command opened, last first.
func (e *env) close() {
	for i := len(e.closers) - 1; i >= 0; i-- {
		if err := e.closers[i](); err != nil {
			e.note("could not close cleanly: %v", err)
		}
	}
	e.closers = nil
}

// load merges the settings once.
func (e *env) load() (config.Settings, error) {
	if e.settings != nil {
		return *e.settings, nil
	}
	s, err := config.Load(config.Source{Getenv: e.Getenv, Flags: e.flags})
	if err != nil {
		return config.Settings{}, err
	}
	e.settings = &s
	return s, nil
}

// path is a path as the person meant it, from the working directory.
func (e *env) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(e.Dir, p)
}

// optionalPath is path, unless none was given.
func (e *env) optionalPath(p string) string {
	if p == "" {
		return ""
	}
	return e.path(p)
}

// defaultEnvironment is where commands act that were told no environment: what
// the project file says, else what the organization says.
func (e *env) defaultEnvironment(ctx context.Context) (string, error) {
	p, err := e.findProject()
	if err != nil {
		return "", err
	}
	if p != nil && p.DefaultEnvironment != "" {
		return p.DefaultEnvironment, nil
	}
	c, err := e.connect(ctx)
	if err != nil {
		return "", err
	}
	info, err := c.Info(ctx)
	return info.DefaultEnvironment, err
}

// note tells the person something that is not the answer.
func (e *env) note(format string, args ...any) {
	fmt.Fprintf(e.Stderr, format+"\n", args...)
}

// confirm asks before what cannot be taken back. Without a terminal there is
// nobody to ask, so the answer must have been given before.
func (e *env) confirm(ctx context.Context, question string) error {
	if e.yes {
		return nil
	}
	if !isTerminal(e.Stdin) {
		return sluice.Errorf(sluice.Invalid, "%s needs a yes, and there is no terminal to ask", question).Fix("add -y")
	}
	e.ask(question)
	line, err := waiting(ctx, func() (string, error) { return bufio.NewReader(e.Stdin).ReadString('\n') })
	if err != nil && line == "" {
		return sluice.Errorf(sluice.Invalid, "no answer; nothing was changed").Fix("add -y to answer yes beforehand")
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return sluice.Errorf(sluice.Invalid, "not confirmed; nothing was changed").Fix("answer y, or add -y")
	}
	return nil
}

// ask shows a question on the terminal, also when notes go elsewhere.
func (e *env) ask(question string) {
	to := e.Stderr
	if !isTerminal(to) {
		if tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
			defer tty.Close()
			to = tty
		}
	}
	fmt.Fprintf(to, "%s? [y/N] ", question)
}

// colour reports whether the answer may carry colours.
func (e *env) colour() bool {
	return e.Getenv("NO_COLOR") == "" && e.Getenv("TERM") != "dumb" && isTerminal(e.out.to)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(f.Fd())
}

// tracked is a writer that remembers its first failure and writes nothing more
// after it, so that printers need not check every line.
type tracked struct {
	to  io.Writer
	err error
}

func (t *tracked) Write(p []byte) (int, error) {
	if t.err != nil {
		return len(p), nil
	}
	if _, err := t.to.Write(p); err != nil {
		t.err = err
	}
	return len(p), nil
}
