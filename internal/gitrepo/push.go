package gitrepo

import (
	"context"
	"runtime"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// PushRef is one ref that a push moves at a remote.
type PushRef struct {
	Ref      string // the full name
	New      OID    // what it is to be; "" deletes it
	Expected OID    // what the remote has; "" that it has no such ref
	Target   string // the full name at the remote, when it is another one
}

func (p PushRef) target() string {
	if p.Target != "" {
		return p.Target
	}
	return p.Ref
}

// creates reports whether the ref is not to be there before.
func (p PushRef) creates() bool { return p.Expected == "" }

// lease is the argument that has git compare before it moves a ref. A tag that
// is to be new needs none: git replaces no tag unless it is told to. The lease
// alone allows a move that is not forwards; a + before the refspec would have
// git do it whatever the comparison says.
func (p PushRef) lease() string {
	if p.creates() && strings.HasPrefix(p.target(), "refs/tags/") {
		return ""
	}
	return "--force-with-lease=" + p.target() + ":" + string(p.Expected)
}

func (p PushRef) spec() string { return string(p.New) + ":" + p.target() }

// size is how much of the room for arguments a ref takes, in bytes: its
// arguments, their ends and the pointers at them.
func (p PushRef) size() int {
	const each = 9
	size := len(p.spec()) + each
	if lease := p.lease(); lease != "" {
		size += len(lease) + each
	}
	return size
}

// Push moves refs at a remote, all or none, each only from its expected value: a
// ref that has the new value already is fine, and any other one is as if it had
// moved. The objects must be in this repository. The hooks of the user run.
//
// All refs go in one transaction of the remote as far as they fit into the
// arguments of one process, about 5,000 that move or 10,000 new tags on Linux.
// When there are more, refs that are to be new go ahead in transactions of their
// own, in the order given, so put first what nobody looks for before the rest is
// there; what moves is never divided. While more than 300 are pushed, this
// repository has refs below refs/sluice/outbox.
//
// Errors: *[Rejected] when refs at the remote are not what was expected;
// [sluice.Refused] when a hook or rule of the remote says no, in its own words,
// when the user's own pre-push hook does, and when the remote cannot move
// several refs at once; [sluice.Unavailable] when the remote cannot be reached,
// does not let us in, has no such repository or says nothing until the deadline;
// [sluice.LimitExceeded] when more refs move than fit.
//
// After any error but Rejected and Refused, and for refs that went ahead after
// these too, the remote may have done what it was asked: the answer is lost, or
// the deadline came between. Fetch, look again and push what is then still to be
// done; doing it twice does no harm.
func (r *Repo) Push(ctx context.Context, remote Remote, refs []PushRef) error {
	p := pusher{repo: r, remote: remote, room: argumentRoom(), leases: manyLeases, specs: manySpecs}
	return p.push(ctx, refs)
}

// manyLeases is how many leases git is given by name when it can compare without
// that. It compares each with each ref that the remote has: 5,000 leases on
// 10,000 refs take half a minute.
const manyLeases = 200

// argumentRoom is how many bytes of arguments a process surely takes, with an
// ordinary environment: Linux has 2 MiB for both, macOS 1 MiB, Windows 32 KiB
// for the command line.
func argumentRoom() int {
	switch runtime.GOOS {
	case "linux":
		return 1_400_000
	case "windows":
		return 24_000
	}
	return 700_000
}

// pusher is one push to one remote.
type pusher struct {
	repo   *Repo
	remote Remote
	room   int // bytes for arguments
	leases int // by name, at most
	specs  int // by name, at most
}

func (p *pusher) push(ctx context.Context, refs []PushRef) error {
	if err := checkRemote(p.remote); err != nil {
		return err
	}
	if err := p.check(refs); err != nil {
		return err
	}
	batches, err := p.divide(refs)
	if err != nil {
		return err
	}
	for _, batch := range batches {
		if err := p.send(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// check refuses what would not mean to git what it means here.
func (p *pusher) check(refs []PushRef) error {
	seen := map[string]bool{}
	for _, ref := range refs {
		target := ref.target()
		if err := CheckRef(target); err != nil {
			return err
		}
		for _, id := range []OID{ref.New, ref.Expected} {
			if id == "" {
				continue
			}
			if err := p.repo.checkIDs(id); err != nil {
				return err
			}
		}
		switch {
		case seen[target]:
			return sluice.Errorf(sluice.Invalid, "%s would be pushed twice at once", target).Fix("push one change after the other")
		case ref.New == "" && ref.Expected == "":
			return sluice.Errorf(sluice.Invalid, "%s would be deleted at %s, where it is not expected to be", target, p.remote).Fix("leave it out")
		}
		seen[target] = true
	}
	return nil
}

// divide puts refs into the fewest transactions: one when they fit, else new
// refs from the front until the rest fits.
func (p *pusher) divide(refs []PushRef) ([][]PushRef, error) {
	total, moves := 0, 0
	for _, ref := range refs {
		total += ref.size()
		if !ref.creates() {
			moves += ref.size()
		}
	}
	if moves > p.room {
		return nil, sluice.Errorf(sluice.LimitExceeded, "too many refs of %s are to move in one step: their names take %d bytes, and at most %d fit", p.remote, moves, p.room).
			Fix("release less at a time, or push after each release")
	}
	var batches [][]PushRef
	var ahead, rest []PushRef
	aheadSize := 0
	for i, ref := range refs {
		if total <= p.room {
			rest = append(rest, refs[i:]...)
			break
		}
		if !ref.creates() {
			rest = append(rest, ref)
			continue
		}
		if aheadSize += ref.size(); aheadSize > p.room && len(ahead) > 0 {
			batches, ahead, aheadSize = append(batches, ahead), nil, ref.size()
		}
		ahead = append(ahead, ref)
		total -= ref.size()
	}
	if len(ahead) > 0 {
		batches = append(batches, ahead)
	}
	if len(rest) > 0 {
		batches = append(batches, rest)
	}
	return batches, nil
}

// arguments are those of the git process that pushes a batch, with the refspecs
// given instead of those that do not delete, if there are any.
func (p *pusher) arguments(ctx context.Context, batch []PushRef, staged string) []string {
	args := []string{"push", "--porcelain", "--no-follow-tags", "--no-recurse-submodules"}
	if len(batch) > 1 {
		args = append(args, "--atomic")
	}
	named := 0
	for _, ref := range batch {
		if ref.lease() != "" {
			named++
		}
	}
	// Without a name, git takes its own record of the remote's ref for what is
	// expected, and nothing where it has no record.
	unnamed := named > p.leases && p.unrecorded(ctx, batch)
	if unnamed {
		args = append(args, "--force-with-lease")
	}
	for _, ref := range batch {
		if lease := ref.lease(); lease != "" && !(unnamed && ref.creates()) {
			args = append(args, lease)
		}
	}
	args = append(args, "--", string(p.remote))
	if staged != "" {
		args = append(args, staged)
	}
	for _, ref := range batch {
		if staged == "" || ref.New == "" {
			args = append(args, ref.spec())
		}
	}
	return args
}

// unrecorded reports whether git keeps no record of its own of any of the new
// refs, which it does where the fetch settings of the remote cover them.
func (p *pusher) unrecorded(ctx context.Context, batch []PushRef) bool {
	settings, err := p.repo.Settings(ctx)
	if err != nil {
		return false
	}
	for _, ref := range batch {
		if ref.creates() && slices.ContainsFunc(settings.FetchSpecs[string(p.remote)], func(spec string) bool { return covers(spec, ref.target()) }) {
			return false
		}
	}
	return true
}

// covers reports whether a refspec takes a ref of the remote.
func covers(spec, name string) bool {
	theirs, _, _ := strings.Cut(strings.TrimPrefix(spec, "+"), ":")
	before, after, pattern := strings.Cut(theirs, "*")
	return name == theirs || pattern && strings.HasPrefix(name, before) && strings.HasSuffix(name, after)
}
