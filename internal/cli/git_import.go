package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/gitsync"
	"github.com/spf13/cobra"
)

// everyEnvironment is the value of --deployments when it is given none.
const everyEnvironment = "*"

func gitImportCommand(e *env) *cobra.Command {
	var o gitsync.ImportOptions
	var deployments []string
	cmd := &cobra.Command{
		Use:   "import [REPOSITORY] [--commits PATTERN]… [--deployments[=BRANCH=ENVIRONMENT]]…",
		Short: "Make versions and releases of a repository's history",
		Long: "Makes a version of each tag such as components/NAME/v1.0.0, in any layout of Edgit's; with --commits of each\n" +
			"commit that touched a matching file, called as the file is. With --deployments what a branch had since each\n" +
			"of its commits, or what the tags of an environment name, becomes that environment's releases: all with the\n" +
			"authors and dates that they have in Git. REPOSITORY is a path, a bundle or an address; the project's by default.\n" +
			"What is known is not made again, so an import that was cut short goes on when it is repeated.",
		Example: "  sluice git import --dry-run\n" +
			"  sluice git import --commits 'components/prompts/*.md' --deployments main=production\n" +
			"  sluice git import ../prompts --deployments",
		Args: takes(0, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			args, o.Deployments = deploymentsOf(args, deployments)
			if len(args) > 1 {
				return e.tooMany(cmd, args[1], len(o.Commits) > 0)
			}
			if o.All && len(o.Commits) == 0 {
				return misuse(cmd, "git import: --all is about the commits that --commits walks").fix("add --commits 'components/prompts/*.md'")
			}
			if o.Kind != "" {
				if err := sluice.CheckKind(o.Kind); err != nil {
					return err
				}
			}
			from := ""
			if len(args) == 1 {
				from = args[0]
			}
			return e.gitImport(cmd.Context(), from, o)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.Commits, "commits", nil, "a version of each commit that touched a file like `PATTERN`; repeatable")
	f.BoolVar(&o.All, "all", false, "with --commits: every commit of every branch, not only HEAD's first parents")
	f.StringVar(&o.Kind, "kind", "", "the `KIND` of what is found; by default its directory says it")
	f.StringArrayVar(&deployments, "deployments", nil, "releases of `BRANCH=ENVIRONMENT`, or of all called as one; repeatable")
	f.Lookup("deployments").NoOptDefVal = everyEnvironment
	f.BoolVar(&o.Committer, "committer", false, "who committed acts in releases, not the author")
	f.BoolVar(&o.DryRun, "dry-run", false, "list what it would make and change nothing")
	complete(cmd, "kind", e.fixed(kinds()...))
	return cmd
}

// refEqualsEnvironment is the value of --deployments, which people also write
// after a blank.
var refEqualsEnvironment = regexp.MustCompile(`^[^=:\s]+=[A-Za-z0-9][A-Za-z0-9._-]*$`)

// deploymentsOf divides what is to become releases from other arguments.
func deploymentsOf(args, flags []string) (others []string, out []gitsync.Deployment) {
	bare := 0
	add := func(value string) {
		ref, environment, _ := strings.Cut(value, "=")
		out = append(out, gitsync.Deployment{Ref: ref, Environment: environment})
	}
	for _, value := range flags {
		if value == everyEnvironment {
			bare++
		} else {
			add(value)
		}
	}
	for _, arg := range args {
		if bare > 0 && refEqualsEnvironment.MatchString(arg) {
			bare--
			add(arg)
		} else {
			others = append(others, arg)
		}
	}
	if bare > 0 {
		out = append(out, gitsync.Deployment{})
	}
	return others, out
}

// tooMany refuses a second repository, which mostly is a pattern that the shell has
// replaced.
func (e *env) tooMany(cmd *cobra.Command, arg string, pattern bool) error {
	err := misuse(cmd, "%s: unexpected argument %q", nameOf(cmd), arg)
	if _, stat := os.Stat(e.path(arg)); pattern && stat == nil {
		return err.fix("put the pattern in quotes, so that the shell leaves it alone: --commits 'components/prompts/*.md'")
	}
	return err
}

func (e *env) gitImport(ctx context.Context, from string, o gitsync.ImportOptions) error {
	project, err := e.findProject()
	if err != nil {
		return err
	}
	repo, done, err := e.importFrom(ctx, from, project)
	if err != nil {
		return err
	}
	defer done()
	if o.Default, err = e.defaultEnvironment(ctx); err != nil {
		return err
	}
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	cfg := gitsync.Config{}
	within := ""
	if project != nil && project.Git != nil {
		cfg.Remote, cfg.Verify = gitrepo.Remote(project.Git.Remote), string(project.Git.Verify)
	}
	if project != nil && repo.Top != "" {
		within = below(repo.Top, project.Dir)
	}
	o.Here = append(foundIn(project, within), e.registered(from, repo)...)
	o.Project = func(content []byte) ([]gitsync.Found, error) {
		p, err := config.ParseProject(config.ProjectFile, content)
		return foundIn(p, ""), err
	}
	o.Scan = scanTree
	o.Progress = e.importProgress()
	made, err := gitsync.New(repo, c, cfg).Import(ctx, o)
	e.endProgress()
	if err != nil {
		e.importedNote(made)
		return err
	}
	return e.show(made, func(w io.Writer) { e.importedText(w, made) })
}

// importFrom opens the repository that is imported: the project's own, or a copy of
// another one, which done removes.
func (e *env) importFrom(ctx context.Context, from string, project *config.Project) (repo *gitrepo.Repo, done func(), err error) {
	if from == "" {
		dir := e.Dir
		if project != nil {
			dir = project.Dir
		}
		if repo, err = gitrepo.Discover(dir); err == nil && repo == nil {
			err = sluice.Errorf(sluice.Invalid, "%s is in no Git repository", dir).Fix("name the one to import: `sluice git import ../prompts`")
		}
		return repo, func() {}, err
	}
	if _, err := os.Stat(e.path(from)); err == nil {
		from = e.path(from)
	}
	dir, err := os.MkdirTemp("", "sluice-import-")
	if err != nil {
		return nil, nil, unwritable(os.TempDir(), err)
	}
	done = func() { os.RemoveAll(dir) }
	if repo, err = gitsync.Clone(ctx, from, dir); err != nil {
		done()
		return nil, nil, err
	}
	return repo, done, nil
}

// below is a directory as it is seen from the root of a repository, "" for the root
// and for one outside of it.
func below(top, dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	rel, err := filepath.Rel(top, dir)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}

// importedNote says of an import that failed what it made before.
func (e *env) importedNote(made gitsync.Imported) {
	if len(made.Versions)+len(made.Releases) > 0 && !made.DryRun {
		e.note("imported %s and %s before this; repeat the command to go on", counted(len(made.Versions), "version"), counted(len(made.Releases), "release"))
	}
}

// importProgress shows on a terminal how far an import is.
func (e *env) importProgress() func(versions, releases int) {
	if !isTerminal(e.Stderr) {
		return nil
	}
	return func(versions, releases int) {
		fmt.Fprintf(e.Stderr, "\rimported %s, %s", counted(versions, "version"), counted(releases, "release"))
	}
}

func (e *env) endProgress() {
	if isTerminal(e.Stderr) {
		fmt.Fprint(e.Stderr, "\r\x1b[K")
	}
}
