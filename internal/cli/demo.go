package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/examples"
	"github.com/spf13/cobra"
)

func demoCommand(e *env) *cobra.Command {
	var keep string
	cmd := &cobra.Command{
		Use:   "demo [--keep DIR]",
		Short: "See a release go wrong and come back, with real times",
		Long: "Plays the story of a support desk in a temporary directory: publish, promote, release three components\n" +
			"of which one is broken, roll that one back, see what ran then, bring that moment back, fix forward. The\n" +
			"commands, their output and the times are real; what each step claims is checked, and the demo exits 1\n" +
			"when it does not hold.",
		Example: "  sluice demo\n" +
			"  sluice demo --keep ./desk",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if e.flags.Server != "" || e.flags.Data != "" {
				return misuse(cmd, "demo: it works in a directory of its own, on no other installation").fix("leave --server and --data out")
			}
			if e.structured() {
				return misuse(cmd, "demo: it prints a story, which has no other form").fix("leave -o out")
			}
			return e.demo(cmd.Context(), keep, story())
		},
	}
	cmd.Flags().StringVar(&keep, "keep", "", "play in this new `DIR` and leave it there to go on with")
	return cmd
}

// demo plays a story in a directory of its own.
type demo struct {
	e   *env
	dir string

	services *client.Client // what the story's claims are checked with
	program  *program       // the running program of the story
	stop     []func() error
	broken   sluice.Time // a moment at which production served the broken version
}

// chapter is one step of a story: what happens and why, and the deeds.
type chapter struct {
	title string
	why   string
	play  func(context.Context, *demo) error
}

func (e *env) demo(ctx context.Context, keep string, story []chapter) (err error) {
	d := &demo{e: e}
	if d.dir, err = e.demoDir(keep); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, d.close())
		if keep == "" {
			err = errors.Join(err, os.RemoveAll(d.dir))
		}
	}()
	if err := os.CopyFS(d.dir, examples.SupportDesk()); err != nil {
		return unwritable(d.dir, err)
	}
	d.say("A support desk releases its prompts, one of them breaks, and the desk repairs it. Every command below")
	d.say("runs for real in %s, and every time is measured.", d.dir)
	began := e.Now()
	for i, c := range story {
		d.say("\n%s\n%s\n", e.style(bold, fmt.Sprintf("%d. %s", i+1, c.title)), c.why)
		if err := c.play(ctx, d); err != nil {
			return sluice.Errorf(sluice.Internal, "the demo stopped at step %d, %q: %w", i+1, c.title, err)
		}
	}
	d.farewell(keep, e.Now().Sub(began))
	return nil
}

// demoDir makes the directory that the story plays in.
func (e *env) demoDir(keep string) (string, error) {
	if keep == "" {
		dir, err := os.MkdirTemp("", "sluice-demo-")
		if err != nil {
			return "", unwritable(os.TempDir(), err)
		}
		return dir, nil
	}
	dir := e.path(keep)
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", sluice.Errorf(sluice.Conflict, "%s is not an empty directory", keep).Fix("name a new one: --keep %s", filepath.Join(keep, "desk"))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", unwritable(dir, err)
	}
	return dir, nil
}

// close ends what the story started, last first.
func (d *demo) close() error {
	var errs []error
	for i := len(d.stop) - 1; i >= 0; i-- {
		errs = append(errs, d.stop[i]())
	}
	d.stop = nil
	return errors.Join(errs...)
}
