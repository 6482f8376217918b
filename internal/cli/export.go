package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// exportTarget is a place outside of Sluice that is told what is live, and the
// flag that names it.
type exportTarget struct {
	flag  string
	usage string
	pairs func(context.Context, exportQuery) ([]exportedPair, error) // sorted by key
}

// exportQuery says what is exported.
type exportQuery struct {
	environments []string    // names or aliases; empty is all
	at           sluice.Time // 0 is now
}

// exportedPair is one key with its whole value, as a target stores it. A list of
// them is what `wrangler kv bulk put` takes.
type exportedPair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (e *env) exportTargets() []exportTarget {
	return []exportTarget{
		{"cloudflare-kv", "for Cloudflare Workers KV: component-versions and rollout-percentage", e.kvPairs},
	}
}

func exportCommand(e *env) *cobra.Command {
	var q exportQuery
	var key, dir string
	cmd := &cobra.Command{
		Use:   "export --cloudflare-kv [--key KEY | --dir DIR] [-e ENVIRONMENT]… [--at TIME]",
		Short: "Print what is live in the form that another system reads",
		Long: "Prints the list of keys and values that `wrangler kv bulk put` takes, with --key the bare value of one,\n" +
			"or with --dir writes each to a file of its name and leaves those alone that hold it already.\n" +
			"component-versions maps each component to the version that is live in each environment.\n" +
			"rollout-percentage is how much of the traffic the challenger of the latest split gets, 100 once it won\n" +
			"and 0 once it lost, in the first -e or else the project's environment; it is \"several\" when no one number\n" +
			"says it, and rollout-percentage-COMPONENT says it of each. Docs: docs/ci.md.",
		Example: "  sluice export --cloudflare-kv > kv.json && wrangler kv bulk put kv.json --namespace-id=$KV_ID --remote\n" +
			"  sluice export --cloudflare-kv --key component-versions | jq '.[\"my-prompt\"].prod'\n" +
			"  sluice export --cloudflare-kv --dir kv -e production --at \"yesterday 15:00\"",
		Args: takes(0, 0),
	}
	targets := e.exportTargets()
	chosen := make([]bool, len(targets))
	for i, t := range targets {
		cmd.Flags().BoolVar(&chosen[i], t.flag, false, t.usage)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		target, err := oneTarget(cmd, targets, chosen)
		if err != nil {
			return err
		}
		if key != "" && dir != "" {
			return misuse(cmd, "export: --key and --dir exclude each other").fix("--key prints one value, --dir writes a file for each")
		}
		pairs, err := target.pairs(cmd.Context(), q)
		switch {
		case err != nil:
			return err
		case key != "":
			return e.exportKey(pairs, key)
		case dir != "":
			return e.exportDir(pairs, dir)
		}
		return e.show(list(pairs), func(w io.Writer) { _ = writeJSON(w, list(pairs)) }) // strings always encode
	}
	f := cmd.Flags()
	f.StringVar(&key, "key", "", "print the value of this `KEY` and nothing else")
	f.StringVar(&dir, "dir", "", "write each value to the file of its key in `DIRECTORY`")
	f.StringSliceVarP(&q.environments, "environment", "e", nil, "only this `ENVIRONMENT`; may be repeated (default: all)")
	e.timeFlag(cmd, &q.at, then, "at", "what was live then: a time, a date (its end) or \"2h ago\"")
	complete(cmd, "environment", e.environments)
	return cmd
}

// oneTarget is the target whose flag was given. Where an export goes is never guessed.
func oneTarget(cmd *cobra.Command, targets []exportTarget, chosen []bool) (exportTarget, error) {
	var given []exportTarget
	var names []string
	for i, t := range targets {
		names = append(names, fmt.Sprintf("--%s (%s)", t.flag, t.usage))
		if chosen[i] {
			given = append(given, t)
		}
	}
	switch len(given) {
	case 0:
		return exportTarget{}, misuse(cmd, "export: say which system it is for").fix("choose from: %s", strings.Join(names, ", "))
	case 1:
		return given[0], nil
	}
	return exportTarget{}, misuse(cmd, "export: one export is for one system").fix("run it once for each")
}

// exportKey prints one bare value, whatever the format.
func (e *env) exportKey(pairs []exportedPair, key string) error {
	var keys []string
	for _, p := range pairs {
		if p.Key == key {
			fmt.Fprintln(e.Stdout, p.Value)
			return nil
		}
		keys = append(keys, p.Key)
	}
	return sluice.Errorf(sluice.NotFound, "this export has no key %q", key).Fix("choose from: %s", sluice.Listing(keys, 8))
}

// exportedFiles is the answer of an export into a directory: the names of the
// files that it wrote, and of those that held the same before.
type exportedFiles struct {
	Dir       string   `json:"dir"`
	Written   []string `json:"written"`
	Unchanged []string `json:"unchanged"`
}

func (e *env) exportDir(pairs []exportedPair, dir string) error {
	answer := exportedFiles{dir, []string{}, []string{}}
	if err := os.MkdirAll(e.path(dir), 0o755); err != nil {
		return noExport(dir, err)
	}
	for _, p := range pairs {
		written, err := replaceFile(filepath.Join(e.path(dir), p.Key), []byte(p.Value))
		switch {
		case err != nil:
			return noExport(filepath.Join(dir, p.Key), err)
		case written:
			answer.Written = append(answer.Written, p.Key)
		default:
			answer.Unchanged = append(answer.Unchanged, p.Key)
		}
	}
	return e.show(answer, func(w io.Writer) {
		for _, name := range answer.Written {
			fmt.Fprintf(w, "wrote %s\n", filepath.Join(dir, name))
		}
		if n := len(answer.Unchanged); n > 0 {
			fmt.Fprintf(w, "%s unchanged\n", counted(n, "file"))
		}
	})
}

// replaceFile gives a file its content, unless it has it. Who reads it meanwhile
// sees all of the old or all of the new content.
func replaceFile(path string, content []byte) (written bool, err error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && info.Size() == int64(len(content)) {
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
			return false, nil
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".sluice-export-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(content)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return false, err
	}
	return true, os.Rename(f.Name(), path)
}

func noExport(path string, err error) error {
	var at *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &at):
		err = at.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return sluice.Errorf(sluice.Unavailable, "cannot write %s: %w", path, err).Fix("name another directory with --dir")
}

// exported are the components that an export is about, with where each was live
// in the environments that were asked for. Those that were live nowhere are
// among them, unless they are archived. Of an empty ledger, such as a clone has
// that nobody synchronised, it is an error: a runtime would lose all its versions.
func (e *env) exported(ctx context.Context, q exportQuery) ([]sluice.Component, error) {
	found, err := e.listComponents(ctx, sluice.ComponentQuery{At: q.at, Archived: true})
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(c sluice.Component) bool { return c.Archived && len(c.Environments) == 0 })
	if len(found) == 0 {
		return nil, sluice.Errorf(sluice.NotFound, "there are no components to export").
			Fix("name where they are with --server or --data").Fix("in a fresh clone: `sluice git sync`")
	}
	if len(q.environments) == 0 {
		return found, nil
	}
	wanted := map[string]bool{}
	for _, name := range q.environments {
		known, err := e.environmentThen(ctx, name, q.at)
		if err != nil {
			return nil, err
		}
		wanted[known.Display()] = true
	}
	for i, c := range found {
		only := map[string]string{}
		for name, version := range c.Environments {
			if wanted[name] {
				only[name] = version
			}
		}
		found[i].Environments = only
	}
	return found, nil
}

// environmentThen finds an environment by name or alias; for the past also one
// that has ended since.
func (e *env) environmentThen(ctx context.Context, name string, at sluice.Time) (sluice.Environment, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return sluice.Environment{}, err
	}
	known, err := c.Environment(ctx, name)
	if err == nil || at.IsZero() || sluice.CodeOf(err) != sluice.NotFound {
		return known, err
	}
	all, failed := c.Environments(ctx, true)
	if failed != nil {
		return known, failed
	}
	for _, v := range all {
		if sluice.FoldName(v.Name) == sluice.FoldName(name) || sluice.FoldName(v.Alias) == sluice.FoldName(name) {
			return v, nil
		}
	}
	return known, err
}
