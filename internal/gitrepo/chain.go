package gitrepo

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// HasAncestor reports whether one commit is the other or comes before it. In a
// shallow repository it does not see what was cut off. [sluice.NotFound] when one
// of them is not there.
func (r *Repo) HasAncestor(ctx context.Context, ancestor, of OID) (bool, error) {
	if err := r.checkIDs(ancestor, of); err != nil {
		return false, err
	}
	_, err := r.Run(ctx, nil, "merge-base", "--is-ancestor", string(ancestor), string(of))
	var failure *Failure
	if errors.As(err, &failure) && failure.Status == 1 {
		return false, nil
	}
	return err == nil, missing(err)
}

// Chain returns the commits after from up to to, oldest first, following first
// parents; from the first one on when from is "", and none when both are the
// same. [sluice.Conflict] when from is not on that chain, as after a ref was
// forced elsewhere; [sluice.NotFound] when one of them is not there.
func (r *Repo) Chain(ctx context.Context, from, to OID) ([]OID, error) {
	args := []string{"rev-list", "--first-parent", "--parents", string(to)}
	ids := []OID{to}
	if from != "" {
		args, ids = append(args, "^"+string(from)), append(ids, from)
	}
	if err := r.checkIDs(ids...); err != nil {
		return nil, err
	}
	if from == to {
		return nil, nil
	}
	var chain []OID
	before := to // the first parent of the last one in chain
	err := r.stream(ctx, process{args: append(args, "--")}, func(stdout io.Reader) error {
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, maxObject)
		for lines.Scan() {
			commits := strings.Fields(lines.Text())
			if len(commits) == 0 {
				continue
			}
			chain, before = append(chain, OID(commits[0])), ""
			if len(commits) > 1 {
				before = OID(commits[1])
			}
		}
		return lines.Err()
	})
	if err != nil {
		return nil, missing(err)
	}
	if from != "" && before != from {
		return nil, sluice.Errorf(sluice.Conflict, "the history that ends at %s does not go on from %s", to.Short(), from.Short()).
			Fix("see both with `git log --graph %s %s`", to.Short(), from.Short())
	}
	slices.Reverse(chain)
	return chain, nil
}

// checkIDs returns [sluice.Invalid] for what is not a full id here.
func (r *Repo) checkIDs(ids ...OID) error {
	for _, id := range ids {
		if _, ok := r.ParseOID(string(id)); !ok {
			return sluice.Errorf(sluice.Invalid, "%q is not the id of an object of this repository", shortened(string(id))).
				Fix("use a full id, as `git rev-parse` prints it")
		}
	}
	return nil
}

// missing makes the failure of a process over an object that is not there
// [sluice.NotFound].
func missing(err error) error {
	var failure *Failure
	if !errors.As(err, &failure) {
		return err
	}
	for _, said := range []string{"Not a valid commit name", "bad object", "Could not parse", "bad revision"} {
		if strings.Contains(failure.Stderr, said) {
			return sluice.Errorf(sluice.NotFound, "a commit is not in this repository: %s", oneLine(failure.Stderr)).
				Fix("fetch it with `git fetch`").Because(failure)
		}
	}
	return err
}
