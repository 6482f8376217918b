package cli

import (
	"context"

	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// checkGit looks whether the repository has what the ledger says, and the remote
// what the repository has.
func (d *doctor) checkGit(ctx context.Context) {
	g, err := d.e.gitProject(ctx)
	if err != nil {
		d.fail("git", err)
		return
	}
	if g == nil {
		return
	}
	bridge, err := d.e.bridgeOf(ctx, g)
	if err != nil {
		d.fail("git", err)
		return
	}
	s, err := bridge.Status(ctx)
	if err != nil {
		d.fail("git", err)
		return
	}
	before := len(d.findings)
	if s.Unwritten > 0 {
		d.warn("git", "`sluice git sync` writes them", "%s not written to the repository yet", counted(int(s.Unwritten), "ledger entry"))
	}
	for _, b := range s.Environments {
		switch {
		case b.Ahead > 0 && b.Behind > 0:
			d.warn("git", "`sluice git sync --rebase` or `sluice git sync --theirs`", "%s was released apart: %d here and %d at %s", b.Environment, b.Ahead, b.Behind, s.Remote)
		case b.Ahead > 0:
			d.warn("git", "`sluice git push`", "%s of %s not sent to %s yet", counted(b.Ahead, "release"), b.Environment, s.Remote)
		case b.Behind > 0:
			d.warn("git", "`sluice git sync`", "%s of %s at %s not taken in yet", counted(b.Behind, "release"), b.Environment, s.Remote)
		}
	}
	if n := len(s.Unsent); n > 0 && before == len(d.findings) {
		d.warn("git", "`sluice git push`", "%s not sent to %s yet, such as %s", counted(n, "tag"), s.Remote, gitrepo.ShortRef(s.Unsent[0]))
	}
	for _, p := range s.Problems {
		d.warn("git", p.Fix, "%s: %s", gitrepo.ShortRef(p.Ref), p.Problem)
	}
	if before == len(d.findings) {
		if s.Remote == "" {
			d.ok("git", "the repository has what the ledger says; no remote has it")
			return
		}
		d.ok("git", "the repository has what the ledger says, and so had %s at the last look", s.Remote)
	}
}
