package cli

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// completionPatience is how long a person who pressed Tab is kept waiting.
const completionPatience = time.Second

// candidates lists what may stand at a place of the command line. It is silent
// when it does not know.
type candidates func(ctx context.Context, args []string) []string

// complete registers what the shell offers as the value of a flag.
func complete(cmd *cobra.Command, flag string, from candidates) {
	register := cmd.RegisterFlagCompletionFunc
	if err := register(flag, completion(from)); err != nil {
		panic(err) // the flag is misspelt in this program
	}
}

func completion(from candidates) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(context.Background(), completionPatience)
		defer cancel()
		var out []string
		for _, c := range from(ctx, args) {
			if strings.HasPrefix(sluice.FoldName(c), sluice.FoldName(typed)) {
				out = append(out, c)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// arguments offers each candidate list for one argument; the last goes on for
// all that follow when more is set.
func arguments(more bool, lists ...candidates) cobra.CompletionFunc {
	return completion(func(ctx context.Context, args []string) []string {
		i := len(args)
		if i >= len(lists) {
			if !more {
				return nil
			}
			i = len(lists) - 1
		}
		return lists[i](ctx, args)
	})
}

func (e *env) fixed(words ...string) candidates {
	return func(context.Context, []string) []string { return words }
}

// quietly connects without a word about what it found, and makes nothing.
func (e *env) quietly(ctx context.Context) (sluice.Services, bool) {
	if !e.exists() {
		return nil, false
	}
	stderr := e.Stderr
	e.Stderr = io.Discard
	defer func() { e.Stderr = stderr }()
	c, err := e.connect(ctx)
	return c, err == nil
}

func (e *env) environments(ctx context.Context, _ []string) []string {
	c, ok := e.quietly(ctx)
	if !ok {
		return nil
	}
	all, err := c.Environments(ctx, false)
	if err != nil {
		return nil
	}
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = v.Name
	}
	return names
}

func (e *env) components(ctx context.Context, _ []string) []string {
	c, ok := e.quietly(ctx)
	if !ok {
		return nil
	}
	page, err := c.Components(ctx, sluice.ComponentQuery{Paging: sluice.Paging{Limit: sluice.MaxPage}})
	if err != nil {
		return nil
	}
	names := make([]string, len(page.Items))
	for i, v := range page.Items {
		names[i] = v.Name
	}
	return names
}

// versions are those of the component that was typed last.
func (e *env) versions(ctx context.Context, args []string) []string {
	if len(args) == 0 {
		return nil
	}
	c, ok := e.quietly(ctx)
	if !ok {
		return nil
	}
	page, err := c.Versions(ctx, sluice.VersionQuery{Component: args[len(args)-1], Paging: sluice.Paging{Limit: 100}})
	if err != nil {
		return nil
	}
	names := make([]string, len(page.Items))
	for i, v := range page.Items {
		names[i] = v.Pin().String()
	}
	return names
}
