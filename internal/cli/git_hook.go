package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/gitsync"
	"github.com/spf13/cobra"
)

// hookPatience is how long a push waits for the hook.
const hookPatience = 30 * time.Second

func gitHookCommand(e *env) *cobra.Command {
	install := ""
	cmd := &cobra.Command{
		Use:   "hook [--install PATH]",
		Short: "Look at what is pushed to a Git server of your own",
		Long: "As the pre-receive hook of a bare repository it refuses pushes that move a version, throw releases\n" +
			"away, hold other content than they say, or release what the policy in the sluice.yaml of the default\n" +
			"branch does not let in (promotes_from, git.verify). Refs that are not Sluice's it does not look at.",
		Example: "  sluice git hook --install /srv/git/prompts.git",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), hookPatience)
			defer cancel()
			if cmd.Flags().Changed("install") {
				return e.installHook(ctx, install)
			}
			return e.gitHook(ctx)
		},
	}
	cmd.Flags().StringVar(&install, "install", "", "write the hook of the bare repository at `PATH`")
	return cmd
}

func (e *env) installHook(ctx context.Context, at string) error {
	repo, err := gitrepo.Open(e.path(at))
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return sluice.Errorf(sluice.Unavailable, "nobody can tell where this program is: %w", err).Fix("write the hook by hand: `exec sluice git hook`")
	}
	file, err := gitsync.InstallHook(ctx, repo, program)
	if err != nil {
		return err
	}
	return e.show(map[string]string{"file": file}, func(w io.Writer) { fmt.Fprintln(w, file) })
}

// gitHook is what Git calls, in the repository that is pushed to.
func (e *env) gitHook(ctx context.Context) error {
	dir := e.Getenv("GIT_DIR")
	if dir == "" {
		return sluice.Errorf(sluice.Invalid, "nothing is being pushed here: Git calls this as the pre-receive hook of a repository").
			Fix("install it there: `sluice git hook --install PATH`")
	}
	repo, err := gitrepo.Open(e.path(dir))
	if err != nil {
		return err
	}
	if repo, err = repo.Incoming(e.Getenv); err != nil {
		return err
	}
	pushed, err := gitsync.ReadPushed(e.Stdin, repo)
	if err != nil {
		return err
	}
	objections, err := gitsync.CheckPush(ctx, repo, pushed, gitsync.HookConfig{Read: hookProject})
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return sluice.Errorf(sluice.TimedOut, "the push took longer than %s to look at, and was not let in", hookPatience).Fix("push less at once, oldest first")
	}
	if err != nil || len(objections) == 0 {
		return err
	}
	fmt.Fprintln(e.Stderr, "sluice: this push was not let in")
	for _, o := range objections {
		fmt.Fprintf(e.Stderr, "%s: %s\n", gitrepo.ShortRef(o.Ref), o.Problem)
		printFixes(e.Stderr, "  ", o.Fixes)
	}
	return failed{1}
}

// hookProject reads what a sluice.yaml says of places and policy.
func hookProject(text []byte) (gitsync.HookProject, error) {
	p, err := config.ParseProject(config.ProjectFile, text)
	if err != nil {
		return gitsync.HookProject{}, err
	}
	out := gitsync.HookProject{Verify: gitsync.VerifySigned, Place: func(component string) (string, string) {
		c, _ := p.Component(component)
		return c.Path, c.Kind
	}}
	if p.Git != nil {
		out.Verify = string(p.Git.Verify)
	}
	for _, e := range p.Environments {
		h := gitsync.HookEnvironment{Name: e.Name}
		if e.Alias != nil {
			h.Alias = *e.Alias
		}
		if e.PromotesFrom != nil {
			h.PromotesFrom = *e.PromotesFrom
		}
		out.Environments = append(out.Environments, h)
	}
	return out, nil
}
