package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/gitsync"
	"github.com/spf13/cobra"
)

func gitCommand(e *env) *cobra.Command {
	return group(e, "git", "Share versions and releases through Git",
		"Versions are tags components/NAME/v1.0.0, what is live is components/NAME/prod, and each environment's\n"+
			"releases are commits: git log refs/sluice/environments/prod.",
		gitSyncCommand(e), gitPushCommand(e), gitStatusCommand(e), gitImportCommand(e), gitHookCommand(e))
}

// needGit is the project's Git side for a command that is about it.
func (e *env) needGit(ctx context.Context) (*gitProject, *gitsync.Bridge, error) {
	e.syncs = true
	g, err := e.gitProject(ctx)
	if err != nil {
		return nil, nil, err
	}
	if g == nil {
		s, err := e.load()
		if err != nil {
			return nil, nil, err
		}
		if s.Server != "" || s.Data != "" {
			return nil, nil, sluice.Errorf(sluice.Invalid, "this is about the repository of the project here, and %s was named instead", firstOf(s.Server, s.Data)).
				Fix("leave out --server and --data, and unset SLUICE_SERVER and SLUICE_DATA").Fix("a server follows a repository with `sluice serve --git URL`")
		}
		return nil, nil, e.noGit()
	}
	bridge, err := e.bridgeOf(ctx, g)
	return g, bridge, err
}

// noGit explains that there is no project here that shares through Git.
func (e *env) noGit() error {
	if e.project != nil {
		return sluice.Errorf(sluice.Invalid, "this project does not share through Git").
			Fix("add `git: {push: on-release}` to %s; `sluice init` does it for a new project", config.ProjectFile)
	}
	repo, err := gitrepo.Discover(e.Dir)
	if err != nil {
		return err
	}
	switch {
	case repo == nil:
		return sluice.Errorf(sluice.Invalid, "there is no %s here, and no Git repository", config.ProjectFile).
			Fix("go to a clone of the project").Fix("or make one: `git init`, then `sluice init`")
	case repo.Top == "":
		return sluice.Errorf(sluice.Invalid, "%s is a bare repository, in which there is no project", repo.Dir).Fix("clone it, and run this in the clone")
	}
	return sluice.Errorf(sluice.Invalid, "there is no %s in this repository, or not on this branch", config.ProjectFile).
		Fix("make it: `sluice init`").Fix("or switch to a branch that has it, such as by `git pull`")
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func gitSyncCommand(e *env) *cobra.Command {
	var o gitsync.SyncOptions
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Bring in what others published and released",
		Long: "Fetches, and records here what others did as they did it, tags too that were moved with plain Git.\n" +
			"When both sides released to one environment apart, nothing is changed and both are shown.",
		Example: "  sluice git sync\n" +
			"  sluice git sync --rebase",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Rebase && o.Theirs {
				return misuse(cmd, "git sync: --rebase and --theirs exclude each other")
			}
			return e.gitSync(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.Rebase, "rebase", false, "append what was released here after what others released, as new releases")
	f.BoolVar(&o.Theirs, "theirs", false, "let what others released stand; what was released here is superseded")
	f.BoolVar(&o.Offline, "offline", false, "look at what is in the repository, and not at the remote")
	return cmd
}

func (e *env) gitSync(ctx context.Context, o gitsync.SyncOptions) error {
	g, bridge, err := e.needGit(ctx)
	if err != nil {
		return err
	}
	o.Again = true
	done, err := bridge.Sync(ctx, o)
	if err != nil {
		return err
	}
	if done.Recorded == nil {
		done.Recorded = []sluice.Release{}
	}
	if done.Refs == nil {
		done.Refs = []string{}
	}
	if err := e.show(done, func(w io.Writer) { e.syncedText(w, done) }); err != nil {
		return err
	}
	if s := done.Remote; s > 0 {
		e.note("%s took %s", g.Remote, seconds(s))
	}
	return e.unsentNote(ctx, g, bridge)
}

// unsentNote says what the remote lacks after a sync.
func (e *env) unsentNote(ctx context.Context, g *gitProject, bridge *gitsync.Bridge) error {
	if g.Remote == "" {
		return nil
	}
	s, err := bridge.Status(ctx)
	if err != nil {
		return err
	}
	n := len(s.Unsent)
	for _, b := range s.Environments {
		n += b.Ahead
	}
	if n > 0 {
		e.note("%s does not have all of it yet: `sluice git push`", g.Remote)
	}
	return nil
}

func (e *env) syncedText(w io.Writer, s gitsync.Synced) {
	e.releasesText(w, s.Recorded, false)
	for _, r := range s.Recorded {
		if len(r.Changes) == 0 {
			fmt.Fprintf(w, "%s  (%s), which changes nothing here\n", r.Ref(), deed(r))
		}
	}
	for _, r := range s.Superseded {
		fmt.Fprintf(w, "superseded: %s\n", r)
	}
	if len(s.Rebased) > 0 {
		fmt.Fprintln(w, "appended again:")
		e.releasesText(w, s.Rebased, false)
	}
	if s.Versions > 0 {
		fmt.Fprintf(w, "took in %s\n", counted(s.Versions, "version"))
	}
	for _, ref := range s.PutBack {
		fmt.Fprintf(w, "put back: %s\n", gitrepo.ShortRef(ref))
	}
	if s.Versions+len(s.Recorded)+len(s.Superseded)+len(s.PutBack) == 0 {
		fmt.Fprintln(w, "nothing new")
	}
	for _, r := range s.Refused {
		fmt.Fprintf(w, "not taken in: %s: %s\n", gitrepo.ShortRef(r.Ref), r.Reason)
		printFixes(w, "  ", r.Fixes)
	}
	for _, n := range s.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	e.byHandNotes(s.ByHand)
}

func gitPushCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "push",
		Short: "Send versions and releases to the remote",
		Long: "Sends the tags of versions and environments and the environments' histories: all together or nothing,\n" +
			"each only from where it was seen last. When others were quicker, the remote stays as they left it.",
		Example: "  sluice git push",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			g, bridge, err := e.needGit(ctx)
			if err != nil {
				return err
			}
			if g.missing != "" {
				return sluice.Errorf(sluice.Invalid, "there is nowhere to push to: the repository has no remote %s", g.missing).
					Fix("add it: `git remote add %s URL`", g.missing).Fix("or name another one: `git: {remote: NAME}` in %s", config.ProjectFile)
			}
			wrote, err := bridge.Export(ctx)
			if err != nil {
				return err
			}
			e.byHandNotes(wrote.ByHand)
			sent, err := bridge.Push(ctx)
			if err != nil {
				return err
			}
			bridge.Retry(false)
			if sent.Refs == nil {
				sent.Refs = []string{}
			}
			return e.show(sent, func(w io.Writer) {
				for _, tag := range sent.Kept {
					fmt.Fprintf(w, "not sent: %s has %s with other content\n", g.Remote, gitrepo.ShortRef(tag))
				}
				if len(sent.Refs) == 0 {
					fmt.Fprintf(w, "nothing to send: %s has it all\n", g.Remote)
					return
				}
				fmt.Fprintf(w, "sent %s to %s in %s\n", counted(len(sent.Refs), "ref"), g.Remote, seconds(sent.Remote))
			})
		},
	}
}

func gitStatusCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Say what is to be sent, and what to be taken in",
		Long:    "Compares this installation, the repository and what the remote had at the last look. Asks no remote.",
		Example: "  sluice git status",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			g, bridge, err := e.needGit(ctx)
			if err != nil {
				return err
			}
			s, err := bridge.Status(ctx)
			if err != nil {
				return err
			}
			return e.show(s, func(w io.Writer) { e.gitStatusText(w, g, s) })
		},
	}
}

func (e *env) gitStatusText(w io.Writer, g *gitProject, s gitsync.Status) {
	remote := g.Remote
	if remote == "" {
		remote = "no remote"
	}
	fmt.Fprintf(w, "%s, push %s\n", remote, g.Push)
	if s.Unwritten > 0 {
		fmt.Fprintf(w, "%s not written to the repository yet: `sluice git push` or `sluice git sync` writes them\n", counted(int(s.Unwritten), "ledger entry"))
	}
	t := table{header: []string{"ENVIRONMENT", "RELEASE", "COMMIT", "TO SEND", "TO TAKE IN"}}
	for _, b := range s.Environments {
		t.add(b.Environment, b.Release, gitrepo.OID(b.Commit).Short(), some(b.Ahead), some(b.Behind))
	}
	t.write(w)
	for _, ref := range s.Unsent {
		fmt.Fprintf(w, "to send: %s\n", gitrepo.ShortRef(ref))
	}
	for _, p := range s.Problems {
		fmt.Fprintf(w, "%s: %s\n  fix: %s\n", gitrepo.ShortRef(p.Ref), p.Problem, p.Fix)
	}
}

func some(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
