package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

func historyCommand(e *env) *cobra.Command {
	var environment string
	var at sluice.Time
	var limit int
	cmd := &cobra.Command{
		Use:   "history [NAME] [--from ENVIRONMENT] [--date TIME]",
		Short: "See what was live, when, and who put it there",
		Long: "Without --date: one line for each past release, newest first, of one component or of all, in every\n" +
			"environment unless --from names one. With --date: the versions that were live at that time; of one\n" +
			"component the bare version, and nothing when none was.",
		Example: "  sluice history my-prompt\n" +
			"  sluice history --date=\"2024-11-12T14:47:00Z\"\n" +
			"  sluice history my-prompt --date \"yesterday 15:00\" --from production",
		Args:              takes(0, 1),
		ValidArgsFunction: arguments(false, e.components),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			if at == 0 {
				return e.past(cmd.Context(), sluice.ReleaseQuery{Environment: environment, Component: name}, limit)
			}
			return e.asOf(cmd.Context(), at, environment, name)
		},
	}
	e.environmentFlag(cmd, &environment, "from", "the `ENVIRONMENT` to look at (default: all; with --date the project's)")
	e.timeFlag(cmd, &at, then, "date", "what was live then: a time, a date (its end) or \"2h ago\"")
	cmd.Flags().IntVar(&limit, "limit", 0, "print at most this many releases")
	return cmd
}

// past lists releases, newest first.
func (e *env) past(ctx context.Context, q sluice.ReleaseQuery, limit int) error {
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	var marked map[int]bool
	if q.Component != "" {
		known, err := c.Component(ctx, q.Component)
		if err != nil {
			return err
		}
		q.Component, marked = known.Name, markedOf(known.Versions)
	}
	releases, err := pages(ctx, limit, func(ctx context.Context, p sluice.Paging) (sluice.Page[sluice.Release], error) {
		q.Paging = p
		return c.Releases(ctx, q)
	})
	if err != nil {
		return err
	}
	if e.structured() {
		return e.show(list(releases), nil)
	}
	environments, err := c.Environments(ctx, true)
	if err != nil {
		return err
	}
	return e.show(releases, func(w io.Writer) { e.pastText(w, releases, environments, q.Component != "", marked) })
}

// pastText is one line for each slot that a release changed. The first line of
// a slot in an environment is what holds now.
func (e *env) pastText(w io.Writer, releases []sluice.Release, environments []sluice.Environment, one bool, marked map[int]bool) {
	var t table
	display, seen := aliases(environments), map[string]bool{}
	for _, v := range environments {
		if v.Deleted {
			display[v.Name] = v.Name + " (deleted)"
		}
	}
	for _, r := range releases {
		for _, c := range r.Changes {
			name := display[r.Environment]
			if name == "" {
				name = r.Environment
			}
			row := []string{name, slotName(c.Slot), pastValue(c) + markOf(c.To, marked), e.clock(r.At), r.Actor, r.Ticket, ""}
			if key := r.Environment + " " + string(c.Slot); !seen[key] {
				seen[key] = true
				if c.To.Live() {
					row[6] = "← current"
				}
			}
			if one {
				row = append(row[:1], row[2:]...)
			}
			t.add(row...)
		}
	}
	t.write(w)
}

// markedOf are the numbers of the versions that are marked.
func markedOf(versions []sluice.Version) map[int]bool {
	out := map[int]bool{}
	for _, v := range versions {
		if v.Unchecked != nil {
			out[v.Number] = true
		}
	}
	return out
}

// markOf says that one of the versions of a value is marked.
func markOf(v sluice.Value, marked map[int]bool) string {
	for _, p := range v.Pins() {
		if marked[p.Version] {
			return " (unchecked)"
		}
	}
	return ""
}

// pastValue is the version that a release put live, or the one it took away.
func pastValue(c sluice.SlotChange) string {
	if c.To.Live() || !c.From.Live() {
		return valueName(c.To)
	}
	return fmt.Sprintf("%s (%s left)", valueName(c.To), c.From)
}

// asOf answers what was live at a time.
func (e *env) asOf(ctx context.Context, at sluice.Time, environment, component string) (err error) {
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	if environment == "" && (component != "" || !e.structured()) {
		if environment, err = e.defaultEnvironment(ctx); err != nil {
			return err
		}
	}
	if component != "" {
		s, err := e.setting(ctx, sluice.EnvironmentRef{Name: environment, At: at}, component)
		if err != nil {
			return err
		}
		if !s.Value.Live() {
			if err := e.noteUnbegun(ctx, sluice.EnvironmentRef{Name: environment, At: at}); err != nil {
				return err
			}
		}
		return e.showSetting(s)
	}
	if e.structured() {
		return e.componentsThen(ctx, at, environment)
	}
	m, err := c.State(ctx, sluice.EnvironmentRef{Name: environment, At: at})
	if err != nil {
		return err
	}
	if m.Release == 0 {
		if err := e.noteUnbegun(ctx, sluice.EnvironmentRef{Name: environment, At: at}); err != nil {
			return err
		}
	}
	return e.show(m, func(w io.Writer) {
		for _, s := range m.Components() {
			fmt.Fprintf(w, "%s: %s\n", slotName(s.Slot), s.Value.Pin)
			if len(s.Value.Split) > 0 {
				e.note("split: %s %s", slotName(s.Slot), s.Value)
			}
		}
	})
}

// componentsThen prints what `components list` would have printed at a time; an
// environment that is named limits it to that one.
func (e *env) componentsThen(ctx context.Context, at sluice.Time, environment string) error {
	found, err := e.listComponents(ctx, sluice.ComponentQuery{At: at})
	if err != nil {
		return err
	}
	if environment != "" {
		c, err := e.connect(ctx)
		if err != nil {
			return err
		}
		known, err := c.Environment(ctx, environment)
		if err != nil {
			return err
		}
		for i, f := range found {
			only := map[string]string{}
			if version, live := f.Environments[known.Display()]; live {
				only[known.Display()] = version
			}
			found[i].Environments = only
		}
	}
	live := liveComponents(found)
	if len(live) == 0 {
		if environment == "" {
			if environment, err = e.defaultEnvironment(ctx); err != nil {
				return err
			}
		}
		if err := e.noteUnbegun(ctx, sluice.EnvironmentRef{Name: environment, At: at}); err != nil {
			return err
		}
	}
	return e.show(lined[liveComponent](live), nil)
}
