package cli

import (
	"cmp"
	"context"

	"github.com/sluice-dev/sluice"
	"github.com/spf13/cobra"
)

// nextLabel chooses the label of a version for which none was given: the one that
// comes after all that there are. Without a flag that says so, a person is asked; what
// changed is not judged.
func (e *env) nextLabel(cmd *cobra.Command, component string, bump sluice.Bump) (string, error) {
	ctx := cmd.Context()
	highest, err := e.highestLabel(ctx, component)
	if err != nil {
		return "", err
	}
	next, after := highest.Next(cmp.Or(bump, sluice.BumpPatch)), "it is the first"
	if highest != "" {
		after = "it comes after " + string(highest)
	}
	switch {
	case bump != "" || e.yes:
	case !isTerminal(e.Stdin):
		return "", misuse(cmd, "tag create: LABEL is missing").
			fix("%s: `sluice tag create %s %s`", after, component, next).
			fix("or have it chosen: --patch, --minor or --major")
	default:
		if err := e.confirm(ctx, "publishing "+component+" as "+string(next)); err != nil {
			return "", err
		}
	}
	e.note("the label is %s: %s", next, after)
	return string(next), nil
}

// highestLabel is the highest label of a component, "" when it has none yet.
func (e *env) highestLabel(ctx context.Context, component string) (highest sluice.Label, err error) {
	versions, err := e.listVersions(ctx, component)
	if sluice.CodeOf(err) == sluice.NotFound {
		return "", nil
	}
	for _, v := range versions {
		if v.Label != "" && (highest == "" || v.Label.Compare(highest) > 0) {
			highest = v.Label
		}
	}
	return highest, err
}
