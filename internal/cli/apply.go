package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/spf13/cobra"
)

func environmentApplyCommand(e *env) *cobra.Command {
	var change sluice.Change
	cmd := &cobra.Command{
		Use:   "apply [--dry-run]",
		Short: "Make environments as sluice.yaml says",
		Long: "Creates the environments of the section `environments` that are missing, and changes the settings that\n" +
			"differ. What the file does not name stays as it is; nothing is deleted.",
		Example: "  sluice environment apply --dry-run",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.apply(cmd.Context(), change)
		},
	}
	changeFlags(cmd, &change)
	return cmd
}

// applyStep is one environment that is not as the file says.
type applyStep struct {
	Environment string   `json:"environment"`
	Create      bool     `json:"create,omitempty"`
	Changes     []string `json:"changes"` // such as "parent: base → production"
	edit        sluice.EditEnvironmentRequest
}

func (e *env) apply(ctx context.Context, change sluice.Change) error {
	p, err := e.findProject()
	if err != nil {
		return err
	}
	if p == nil {
		return noProject(e.Dir)
	}
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	have, err := c.Environments(ctx, false)
	if err != nil {
		return err
	}
	steps, err := planApply(p.Environments, have)
	if err != nil {
		return err
	}
	if !change.DryRun {
		if err := carryOut(ctx, c, steps, change); err != nil {
			return err
		}
	}
	return e.show(list(steps), func(w io.Writer) { e.applyText(w, steps, change.DryRun) })
}

func (e *env) applyText(w io.Writer, steps []applyStep, dryRun bool) {
	if len(steps) == 0 {
		fmt.Fprintln(w, "no change: the environments are as sluice.yaml says")
	}
	for _, s := range steps {
		verb := "changed"
		if s.Create {
			verb = "created"
		}
		line := fmt.Sprintf("%s %s", did(verb, dryRun), s.Environment)
		if len(s.Changes) > 0 {
			line += ": " + strings.Join(s.Changes, ", ")
		}
		fmt.Fprintln(w, line)
	}
}

// planApply compares what the file wants with what there is. Parents come
// before their children.
func planApply(want []config.Environment, have []sluice.Environment) ([]applyStep, error) {
	ordered, err := parentsFirst(want)
	if err != nil {
		return nil, err
	}
	var steps []applyStep
	for _, w := range ordered {
		i := slices.IndexFunc(have, func(h sluice.Environment) bool { return sluice.FoldName(h.Name) == sluice.FoldName(w.Name) })
		now := sluice.Environment{Name: w.Name, Parent: sluice.Base}
		if i >= 0 {
			now = have[i]
		}
		step := applyStep{Environment: now.Name, Create: i < 0, Changes: []string{}, edit: sluice.EditEnvironmentRequest{Name: now.Name}}
		step.compare("alias", now.Alias, w.Alias, &step.edit.Alias)
		step.compare("parent", now.Parent, w.Parent, &step.edit.Parent)
		step.compare("tracks", now.Tracks, w.Tracks, &step.edit.Tracks)
		if w.PromotesFrom != nil && !slices.Equal(now.PromotesFrom, *w.PromotesFrom) {
			step.edit.PromotesFrom = w.PromotesFrom
			step.note("promotes_from", strings.Join(now.PromotesFrom, ", "), strings.Join(*w.PromotesFrom, ", "))
		}
		if step.Create || len(step.Changes) > 0 {
			steps = append(steps, step)
		}
	}
	return steps, nil
}

func (s *applyStep) compare(what, now string, want *string, into **string) {
	if want == nil || *want == now || *want == "none" && now == "" {
		return
	}
	*into = want
	s.note(what, now, *want)
}

func (s *applyStep) note(what, from, to string) {
	s.Changes = append(s.Changes, fmt.Sprintf("%s: %s → %s", what, valueOr(from, "none"), valueOr(to, "none")))
}

// parentsFirst orders the environments of the file so that each one's parent
// stands before it.
func parentsFirst(want []config.Environment) ([]config.Environment, error) {
	var out []config.Environment
	left := slices.Clone(want)
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(w config.Environment) bool {
			return w.Parent == nil || !slices.ContainsFunc(left, func(o config.Environment) bool { return sluice.FoldName(o.Name) == sluice.FoldName(*w.Parent) })
		})
		if i < 0 {
			return nil, sluice.Errorf(sluice.Invalid, "the environments of sluice.yaml inherit from each other in a circle: %s", left[0].Name).
				Fix("give one of them the parent base")
		}
		out, left = append(out, left[i]), slices.Delete(left, i, i+1)
	}
	return out, nil
}

// carryOut makes what is missing first, so that promotes_from may name it.
func carryOut(ctx context.Context, c sluice.EnvironmentService, steps []applyStep, change sluice.Change) error {
	for i := range steps {
		s := &steps[i]
		if !s.Create {
			continue
		}
		req := sluice.CreateEnvironmentRequest{Name: s.Environment, Change: change}
		req.Alias, req.Parent, req.Tracks = value(s.edit.Alias), value(s.edit.Parent), value(s.edit.Tracks)
		req.IdempotencyKey = ""
		if _, err := c.CreateEnvironment(ctx, req); err != nil {
			return err
		}
		s.edit.Alias, s.edit.Parent, s.edit.Tracks = nil, nil, nil
	}
	for _, s := range steps {
		if s.edit.Alias == nil && s.edit.Parent == nil && s.edit.Tracks == nil && s.edit.PromotesFrom == nil {
			continue
		}
		s.edit.Change = change
		s.edit.IdempotencyKey = ""
		if _, err := c.EditEnvironment(ctx, s.edit); err != nil {
			return err
		}
	}
	return nil
}

func value(s *string) string {
	if s == nil || *s == "none" {
		return ""
	}
	return *s
}

func noProject(dir string) error {
	return sluice.Errorf(sluice.NotFound, "there is no sluice.yaml in %s or above", dir).Fix("`sluice init` makes one")
}
