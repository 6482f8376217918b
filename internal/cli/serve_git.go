package cli

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/spf13/cobra"
)

// defaultPoll is the time between two looks at the repository that is followed.
const defaultPoll = 30 * time.Second

// serveGitOptions are what a server is told of Git.
type serveGitOptions struct {
	follow, mirror, verify, secretFile string
	poll                               time.Duration
}

func (o *serveGitOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.follow, "git", "", "`URL` or path of a Git repository to follow (SLUICE_GIT)")
	f.DurationVar(&o.poll, "git-poll", defaultPoll, "`TIME` between two looks at it; 0 to wait for webhooks alone")
	f.StringVar(&o.mirror, "git-mirror", "", "`URL` or path of one to write to; may be the same (SLUICE_GIT_MIRROR)")
	f.StringVar(&o.verify, "git-verify", "signed", "which `TAGS` need a good signature: off, signed or required")
	f.StringVar(&o.secretFile, "git-webhook-secret-file", "", "`FILE` with the secret of webhooks (or SLUICE_GIT_WEBHOOK_SECRET)")
}

// maxSecret bounds the file of a secret.
const maxSecret = 4 << 10

// gitConfig is what the server is told, checked before anything is opened.
func (e *env) gitConfig(cmd *cobra.Command, o serveGitOptions) (server.GitConfig, error) {
	c := server.GitConfig{
		Follow: e.gitAddress(firstOf(o.follow, e.Getenv("SLUICE_GIT"))), Mirror: e.gitAddress(firstOf(o.mirror, e.Getenv("SLUICE_GIT_MIRROR"))),
		Poll: o.poll, Verify: o.verify, Secret: e.Getenv("SLUICE_GIT_WEBHOOK_SECRET"),
	}
	for _, flag := range []string{"git", "git-mirror"} {
		if f := cmd.Flags().Lookup(flag); f.Changed && f.Value.String() == "" {
			return c, misuse(cmd, "serve: --%s is empty", flag).fix("name a repository, or leave the flag out")
		}
	}
	for _, address := range []string{c.Follow, c.Mirror} {
		if address == "" {
			continue
		}
		if err := server.CheckGitAddress(address); err != nil {
			return c, err
		}
	}
	if o.poll < 0 || o.poll > 0 && o.poll < time.Second {
		return c, misuse(cmd, "serve: --git-poll is %s; it is 0, or a second or more", o.poll).fix("use --git-poll 30s, or 0 to wait for webhooks alone")
	}
	if !slices.Contains([]string{"off", "signed", "required"}, o.verify) {
		return c, misuse(cmd, "serve: --git-verify is %q", o.verify).fix("use off, signed or required")
	}
	for _, flag := range []string{"git-poll", "git-verify", "git-webhook-secret-file"} {
		if c.Follow == "" && cmd.Flags().Changed(flag) {
			return c, misuse(cmd, "serve: --%s is about a repository to follow, and none is named", flag).fix("name one with --git URL")
		}
	}
	if o.secretFile != "" {
		secret, err := e.readSecret(o.secretFile)
		if err != nil {
			return c, err
		}
		c.Secret = secret
	}
	return c, nil
}

// gitAddress is the address of a repository, or a path from the working directory.
func (e *env) gitAddress(address string) string {
	first, _, _ := strings.Cut(address, "/")
	if address == "" || strings.HasPrefix(address, "-") || strings.Contains(address, "://") {
		return address
	}
	if _, err := os.Stat(e.path(address)); err != nil && strings.Contains(first, ":") {
		return address // git@host:path
	}
	return e.path(address)
}

func (e *env) readSecret(file string) (string, error) {
	info, err := os.Stat(e.path(file))
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxSecret) {
		return "", sluice.Errorf(sluice.Invalid, "the file of the webhook secret %s is not a file of at most %d bytes", file, maxSecret).Fix("put the secret alone into it")
	}
	text, readErr := os.ReadFile(e.path(file))
	if err != nil || readErr != nil {
		return "", sluice.Errorf(sluice.Invalid, "the file of the webhook secret %s cannot be read", file).Fix("correct --git-webhook-secret-file").Because(readErr)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", sluice.Errorf(sluice.Invalid, "the file of the webhook secret %s is empty", file).Fix("put a secret into it: `openssl rand -hex 32 > %s`", file)
	}
	return secret, nil
}
