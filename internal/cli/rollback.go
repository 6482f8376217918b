package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func rollbackCommand(e *env) *cobra.Command {
	cmd := rollback(e, "in")
	cmd.Use = "rollback [NAME…] [--in ENVIRONMENT] [--to REF] [--release RELEASE]"
	cmd.Short = "Go back to what was live before"
	cmd.Long = "Takes components back to their previous version, or to the one that --to names: a version, a release\n" +
		"(production#41) or a time. Without a name it takes a whole environment back to a release or a time,\n" +
		"or, with --release, takes back what one release changed. A rollback never asks, and no policy stops\n" +
		"it from going to what was live there before."
	cmd.Example = "  sluice rollback my-prompt\n" +
		"  sluice rollback my-prompt --to v1.0.0 --in production --ticket INC-123\n" +
		"  sluice rollback --to production#41\n" +
		"  sluice rollback --to \"2h ago\" --in production --except analysis-prompt\n" +
		"  sluice rollback --release production#42"
	cmd.Args = takes(0, -1)
	return cmd
}

// versionRollbackCommand is rollback under the name that version commands give it.
func versionRollbackCommand(e *env) *cobra.Command {
	cmd := rollback(e, "")
	cmd.Use = "rollback NAME [--to VERSION] [-e ENVIRONMENT]"
	cmd.Short = "Go back to an earlier version"
	cmd.Long = "The same as `sluice rollback`. --to 0, or none, is the version that was live before."
	cmd.Example = "  sluice version rollback invoice-parser --to 3"
	cmd.Args = takes(1, -1)
	return cmd
}

func rollback(e *env, environment string) *cobra.Command {
	var req sluice.RollbackRequest
	var release string
	cmd := &cobra.Command{
		ValidArgsFunction: arguments(true, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Components = args
			if err := e.aimRollback(cmd, &req, release); err != nil {
				return err
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			o, err := c.Rollback(cmd.Context(), req)
			if err != nil {
				return withTarget(err, args)
			}
			if o.Release == nil && strings.Contains(req.To, "@") {
				if err := e.noteUnbegunAt(cmd.Context(), req.To); err != nil {
					return err
				}
			}
			return e.outcome(o)
		},
	}
	f := cmd.Flags()
	e.environmentFlag(cmd, &req.Environment, environment, "the `ENVIRONMENT` to change (default: the project's)")
	f.StringVar(&req.To, "to", "", "`REF` to go to: a version, a release such as production#41, or a time")
	f.StringVar(&release, "release", "", "take back only what this `RELEASE` changed, such as production#42")
	f.BoolVar(&req.Further, "further", false, "go back one more, although another person just rolled back")
	f.BoolVar(&req.Quarantine, "quarantine", false, "keep what is rolled back from going live again")
	f.StringVar(&req.Expect, "expect", "", "only if this `VERSION` is live now, or none")
	f.BoolVar(&req.AllowEmpty, "allow-empty", false, "take all away, when nothing was released yet at that time")
	exceptFlag(e, cmd, &req.Except)
	f.BoolVar(&req.WithConfig, "with-config", false, "take the components' overlays back too")
	secretsFlag(e, cmd, &req.Secrets)
	expectedReleaseFlag(cmd, &req.ExpectedRelease)
	changeFlags(cmd, &req.Change)
	return cmd
}

// secretsFlag says what becomes of secrets when variables come back.
func secretsFlag(e *env, cmd *cobra.Command, into *sluice.SecretPolicy) {
	cmd.Flags().StringVar((*string)(into), "secrets", "", "`WHICH` secrets stay: current ones, exact old ones, or only a stub (default current)")
	complete(cmd, "secrets", e.fixed("current", "exact", "stub"))
}

// withTarget helps who wrote the version as if it were another component.
func withTarget(err error, args []string) error {
	if sluice.CodeOf(err) != sluice.NotFound || len(args) != 2 {
		return err
	}
	if ref, invalid := sluice.ParseVersionRef(args[1]); invalid != nil || ref.Word != "" {
		return err
	}
	return sluice.AsError(err).Fix("to go to a version, write `sluice rollback %s --to %s`", args[0], args[1])
}

// aimRollback works out the environment and the target from what was typed.
func (e *env) aimRollback(cmd *cobra.Command, req *sluice.RollbackRequest, release string) (err error) {
	ctx := cmd.Context()
	switch {
	case release != "" && req.To != "":
		return misuse(cmd, "rollback: --release and --to exclude each other").
			fix("--release takes back one release, --to goes to a state")
	case release == "" && req.To == "" && len(req.Components) == 0:
		return misuse(cmd, "rollback: name components, or say how far the whole environment goes back").
			fix("`sluice rollback NAME`, `sluice rollback --to production#41` or `sluice rollback --release production#42`")
	case req.Expect != "" && len(req.Components) != 1:
		return misuse(cmd, "rollback: --expect goes with one component").fix("for several, use --expected-release")
	case release != "":
		if err := e.aimRelease(cmd, req, release); err != nil {
			return err
		}
	case ownVersion(req):
		_, req.To = splitRef(req.To)
	case strings.ContainsAny(req.To, "#@"):
		if req.To, err = e.state(req.To); err != nil {
			return err
		}
		if req.Environment == "" {
			req.Environment = req.To[:strings.IndexAny(req.To, "#@")]
		}
	}
	if req.Environment == "" {
		if req.Environment, err = e.defaultEnvironment(ctx); err != nil {
			return err
		}
	}
	if release != "" || req.To == "" || strings.ContainsAny(req.To, "#@") {
		return nil
	}
	return e.aimVersionOrTime(ctx, cmd, req)
}

// ownVersion reports whether --to names a version of the one component, as
// my-prompt@v1.0.0.
func ownVersion(req *sluice.RollbackRequest) bool {
	name, ref := splitRef(req.To)
	return ref != "" && len(req.Components) == 1 && sluice.FoldName(name) == sluice.FoldName(req.Components[0])
}

func (e *env) aimRelease(cmd *cobra.Command, req *sluice.RollbackRequest, release string) error {
	name, number, err := releaseOf(cmd, release)
	if err != nil {
		return err
	}
	if name != "" && req.Environment == "" {
		req.Environment = name
	}
	if name != "" && sluice.FoldName(name) != sluice.FoldName(req.Environment) {
		return misuse(cmd, "rollback: %s is not a release of %s", release, req.Environment).fix("leave --in out")
	}
	req.Release = number
	return nil
}

// aimVersionOrTime reads a --to without an environment in it. A version has the
// form of one; for a whole environment, or by its form, it is a time.
func (e *env) aimVersionOrTime(ctx context.Context, cmd *cobra.Command, req *sluice.RollbackRequest) error {
	if req.To == "0" && len(req.Components) > 0 {
		return nil
	}
	ref, notVersion := sluice.ParseVersionRef(req.To)
	if ref.Word != "" {
		if err := e.notAnEnvironment(ctx, cmd, req.To); err != nil {
			return err
		}
	}
	if len(req.Components) > 0 && notVersion == nil {
		return nil
	}
	at, notTime := e.typedTime(req.To)
	switch {
	case notTime == nil:
		req.To = sluice.EnvironmentRef{Name: req.Environment, At: at}.String()
		return nil
	case len(req.Components) > 0:
		return notVersion
	}
	return misuse(cmd, "rollback: a whole environment goes back to a release or a time, not to %q", req.To).
		fix("see the releases: `sluice history`, then `sluice rollback --to production#41`")
}

// notAnEnvironment catches `rollback X --to prod`, which means --in.
func (e *env) notAnEnvironment(ctx context.Context, cmd *cobra.Command, word string) error {
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	var known *sluice.Error
	switch _, err := c.Environment(ctx, word); {
	case err == nil:
		return misuse(cmd, "rollback: %s is an environment, and --to names where to go back to", word).
			fix("did you mean `--in %s`?", word).
			fix("to go to the version that is live there, write --to env:%s", word)
	case errors.As(err, &known) && known.Code == sluice.NotFound:
		return nil
	default:
		return err
	}
}
