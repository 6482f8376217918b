package cli

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// starting is what the commands that start a run are told.
type starting struct {
	req        sluice.StartRunRequest
	input      string
	file, kind string
	timeout    time.Duration
	metadata   []string
}

func (e *env) startFlags(cmd *cobra.Command, s *starting) {
	f := cmd.Flags()
	f.StringVar(&s.input, "input", "", "the input: a `JSON` object, @FILE, or @- for standard input")
	f.StringVar(&s.req.Version, "version", "", "run this `VERSION` instead of the one that is live")
	e.environmentFlag(cmd, &s.req.Environment, "", "the `ENVIRONMENT` to run in, or a past state: production#41 (default: the project's)")
	configuredFlag(cmd, &s.req.Configured, "load the environment's configuration and secrets")
	f.DurationVar(&s.timeout, "timeout", 0, "fail when it has not ended after this `TIME`, such as 90s or 2h")
	f.StringVar(&s.req.Key, "key", "", "who it is for: the same `KEY` gets the same version of a split")
	f.StringVar(&s.req.Session, "session", "", "`WORD` that runs belonging together share")
	f.StringArrayVar(&s.metadata, "meta", nil, "`KEY=VALUE` to keep with the run; may be repeated")
	f.StringVar(&s.req.Callback, "callback", "", "`URL` that gets the run by POST when it has ended")
	f.StringVar(&s.req.IdempotencyKey, "idempotency-key", "", "a retry with the same `KEY` returns the first run")
	f.StringVar(&s.file, "file", "", "run this `PATH`, a file or directory, which need not be published")
	f.StringVar(&s.kind, "kind", "", "the `KIND` of what --file names: workflow, script, prompt … (default: that of NAME)")
	complete(cmd, "version", e.versions)
	complete(cmd, "kind", e.fixed(kinds()...))
}

// configuredFlag is --env, which names no environment.
func configuredFlag(cmd *cobra.Command, into *bool, usage string) {
	cmd.Flags().VarPF((*onFlag)(into), "env", "", usage).NoOptDefVal = "true"
}

// onFlag is a switch whose value many take for the name of an environment.
type onFlag bool

func (f *onFlag) String() string   { return "false" }
func (f *onFlag) Type() string     { return "bool" }
func (f *onFlag) IsBoolFlag() bool { return true }

func (f *onFlag) Set(text string) error {
	if text != "true" && text != "false" {
		return sluice.Errorf(sluice.Invalid, "it loads the configuration, and takes no environment").Fix("use `-e %s`", shortened(text))
	}
	*f = text == "true"
	return nil
}

// takesOneToRun checks the argument of a command that runs something, and knows
// who meant -e by --env.
func (e *env) takesOneToRun(s *starting) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if word := e.valueOf("--env"); len(args) > 1 && slices.Contains(args, word) {
			return misuse(cmd, "--env loads the configuration of an environment, and does not name one").fix("use `-e %s`", word)
		}
		if len(args) == 0 && s.file != "" {
			return nil
		}
		return takes(1, 1)(cmd, args)
	}
}

// startRequest works out the request from what was typed.
func (e *env) startRequest(cmd *cobra.Command, s *starting, args []string) (req sluice.StartRunRequest, err error) {
	req = s.req
	if len(args) > 0 {
		if req.Component, req.Version, err = whatToRun(cmd, args[0], req.Version); err != nil {
			return req, err
		}
	}
	if cmd.Flags().Changed("input") {
		if req.Input, err = e.readInput(cmd, s.input); err != nil {
			return req, err
		}
	}
	if req.Metadata, err = readMetadata(cmd, s.metadata); err != nil {
		return req, err
	}
	if req.Timeout, err = wholeSeconds(cmd, s.timeout); err != nil {
		return req, err
	}
	if s.file != "" {
		if err := e.unstored(cmd, s, &req); err != nil {
			return req, err
		}
	} else if s.kind != "" {
		return req, misuse(cmd, "%s: --kind goes with --file; a component has its kind", nameOf(cmd)).fix("leave --kind out")
	}
	req.Environment, err = e.whereToRun(cmd.Context(), req.Environment)
	return req, err
}

// whatToRun splits NAME@VERSION, whose version may stand in --version as well.
func whatToRun(cmd *cobra.Command, arg, version string) (name, ref string, err error) {
	name, ref = splitRef(arg)
	if ref != "" && version != "" && ref != version {
		return "", "", misuse(cmd, "%s: %s names a version, and --version %s another", nameOf(cmd), arg, version).fix("leave one of them out")
	}
	return name, valueOr(ref, version), nil
}

// whereToRun is the environment, or the state of one, in the zone of who wrote it.
func (e *env) whereToRun(ctx context.Context, environment string) (string, error) {
	if environment == "" {
		return e.defaultEnvironment(ctx)
	}
	return e.state(environment)
}

// unstored makes the request one for a file that need not be published.
func (e *env) unstored(cmd *cobra.Command, s *starting, req *sluice.StartRunRequest) error {
	if req.Version != "" {
		return misuse(cmd, "%s: --file and a version exclude each other", nameOf(cmd)).fix("leave one of them out")
	}
	name := req.Component
	found, err := e.read(cmd.Context(), name, s.file)
	if err != nil {
		return err
	}
	kind := valueOr(s.kind, found.kind)
	if kind == "" && name != "" {
		c, err := e.connect(cmd.Context())
		if err != nil {
			return err
		}
		if known, err := c.Component(cmd.Context(), name); err == nil {
			kind = known.Kind
		} else if sluice.CodeOf(err) != sluice.NotFound {
			return err
		}
	}
	if kind == "" {
		return misuse(cmd, "%s: the kind of %s is not known", nameOf(cmd), s.file).fix("add --kind workflow, script or prompt")
	}
	req.Component, req.Content = "", &sluice.RunContent{Kind: kind, Files: found.files}
	return nil
}

func readMetadata(cmd *cobra.Command, pairs []string) (map[string]string, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	out := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		key, value, found := strings.Cut(pair, "=")
		if !found || key == "" {
			return nil, misuse(cmd, "--meta %q is not KEY=VALUE", shortened(pair)).fix("write --meta ticket=INC-123")
		}
		if _, again := out[key]; again {
			return nil, misuse(cmd, "--meta names %s twice", key).fix("leave one of them out")
		}
		out[key] = value
	}
	return out, nil
}

// wholeSeconds rounds up, so that nothing is given less time than was asked.
func wholeSeconds(cmd *cobra.Command, d time.Duration) (int64, error) {
	if d < 0 || d == 0 && cmd.Flags().Changed("timeout") {
		return 0, misuse(cmd, "--timeout cannot be %s", d).fix("write a time such as 90s or 2h, or leave it out")
	}
	return int64(math.Ceil(d.Seconds())), nil
}

// jsonType says what a piece of JSON is, for people.
func jsonType(raw json.RawMessage) string {
	text := strings.TrimSpace(string(raw))
	switch {
	case text == "":
		return "nothing"
	case text[0] == '{':
		return "an object"
	case text[0] == '[':
		return "a list"
	case text[0] == '"':
		return "a string"
	case text == "true" || text == "false":
		return "a boolean"
	case text == "null":
		return "null"
	}
	return "a number"
}
