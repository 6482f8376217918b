package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func tokenCommand(e *env) *cobra.Command {
	return group(e, "token", "Keep the keys to a server",
		"A token speaks for one person or program, with roles: viewer, publisher, runner, deployer, revealer,\n"+
			"importer, overrider (who publishes also what cannot run), admin.",
		tokenCreateCommand(e), tokenListCommand(e), tokenRotateCommand(e), tokenRevokeCommand(e))
}

func tokenCreateCommand(e *env) *cobra.Command {
	var req sluice.CreateTokenRequest
	var roles []string
	var expires time.Duration
	cmd := &cobra.Command{
		Use:   "create NAME --role ROLE",
		Short: "Make a token and print its secret once",
		Long: "The roles are " + strings.Join(roleNames(), ", ") + ".\n" +
			"The secret alone is on standard output, so that it can go straight into a secret store. With -e a runner,\n" +
			"deployer, revealer or importer may do so in these environments alone; any token may read in all of them.",
		Example: "  sluice token create ci --role publisher --role deployer -e staging --expires 720h",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(roles) == 0 {
				return misuse(cmd, "token create: --role is missing").fix("choose from: %s", strings.Join(roleNames(), ", "))
			}
			req.Name, req.ExpiresIn = args[0], int64(expires/time.Second)
			for _, r := range roles {
				req.Roles = append(req.Roles, sluice.Role(r))
			}
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			t, err := c.CreateToken(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.newToken(t)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&roles, "role", nil, "a `ROLE` that it has; may be repeated")
	f.StringSliceVarP(&req.Environments, "environment", "e", nil, "an `ENVIRONMENT` that it is limited to; may be repeated")
	f.DurationVar(&expires, "expires", 0, "`DURATION` that it works, such as 720h (default: for ever)")
	complete(cmd, "role", e.fixed(roleNames()...))
	complete(cmd, "environment", e.environments)
	changeFlags(cmd, &req.Change)
	return cmd
}

func roleNames() []string {
	var names []string
	for _, r := range sluice.Roles() {
		names = append(names, string(r))
	}
	return names
}

// newToken prints a secret that is not shown again.
func (e *env) newToken(t sluice.Token) error {
	return e.show(t, func(w io.Writer) {
		if t.Secret != "" {
			fmt.Fprintln(w, t.Secret)
			e.note("token %s for %s (%s); the secret is not shown again", t.ID, t.Name, rolesOf(t))
		}
	})
}

func rolesOf(t sluice.Token) string {
	names := make([]string, len(t.Roles))
	for i, r := range t.Roles {
		names[i] = string(r)
	}
	out := strings.Join(names, ", ")
	if len(t.Environments) > 0 {
		out += " in " + strings.Join(t.Environments, ", ")
	}
	return out
}

func tokenListCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List tokens, without their secrets",
		Example: "  sluice token list",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			tokens, err := c.Tokens(cmd.Context())
			if err != nil {
				return err
			}
			return e.show(list(tokens), func(w io.Writer) {
				out := table{header: []string{"ID", "NAME", "ROLES", "MADE", "EXPIRES", "REVOKED"}}
				for _, t := range tokens {
					out.add(t.ID, t.Name, rolesOf(t), e.clock(t.CreatedAt), e.clock(t.ExpiresAt), e.clock(t.RevokedAt))
				}
				out.write(w)
			})
		},
	}
}

func tokenRotateCommand(e *env) *cobra.Command {
	var req sluice.RotateTokenRequest
	var grace time.Duration
	cmd := &cobra.Command{
		Use:     "rotate ID [--grace DURATION]",
		Short:   "Replace a token's secret",
		Long:    "Prints the new secret. With --grace the old one works for that long still, so that nothing stops.",
		Example: "  sluice token rotate TOKEN-ID --grace 1h",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.ID, req.Grace = args[0], int64(grace/time.Second)
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			t, err := c.RotateToken(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.newToken(t)
		},
	}
	cmd.Flags().DurationVar(&grace, "grace", 0, "how long the old secret still works")
	changeFlags(cmd, &req.Change)
	return cmd
}

func tokenRevokeCommand(e *env) *cobra.Command {
	var req sluice.RevokeTokenRequest
	cmd := &cobra.Command{
		Use:     "revoke ID",
		Short:   "End a token at once",
		Example: "  sluice token revoke TOKEN-ID --reason \"laptop was lost\"",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.ID = args[0]
			c, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			t, err := c.RevokeToken(cmd.Context(), req)
			if err != nil {
				return err
			}
			return e.show(t, func(w io.Writer) { fmt.Fprintf(w, "%s token %s of %s\n", did("revoked", req.DryRun), t.ID, t.Name) })
		},
	}
	changeFlags(cmd, &req.Change)
	return cmd
}
