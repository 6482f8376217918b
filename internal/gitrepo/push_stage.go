package gitrepo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// manySpecs is how many refs git is given by name. It looks for each among all
// that the remote has, with patience: 10,000 names and as many refs take half a
// minute. What is covered by one pattern it finds at once.
const manySpecs = 300

// outbox holds refs to the new values of a push while it runs, in a directory
// for each, so that one pattern covers them: "<outbox><seconds>-<digits>/tags/x"
// for refs/tags/x.
const outbox = "refs/sluice/outbox/"

// leftover is the age of a directory in the outbox whose process was killed.
const leftover = 24 * time.Hour

// stage puts what a batch moves or creates in the outbox and returns the pattern
// to push instead, with a function that takes it out again.
func (p *pusher) stage(ctx context.Context, batch []PushRef) (pattern string, clear func(), err error) {
	dir := fmt.Sprintf("%s%d-%016x/", outbox, time.Now().Unix(), rand.Uint64())
	var put, take []Update
	for _, ref := range batch {
		if ref.New != "" {
			name := dir + strings.TrimPrefix(ref.target(), "refs/")
			put = append(put, Update{Ref: name, New: ref.New})
			take = append(take, Update{Ref: name, Any: true})
		}
	}
	for _, old := range p.leftovers(ctx) {
		put = append(put, Update{Ref: old, Any: true})
	}
	if err := p.repo.Update(ctx, put); err != nil {
		return "", nil, err
	}
	clear = func() {
		// Also when the caller has given up; what cannot be taken out is swept by
		// a later push.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_ = p.repo.Update(ctx, take)
	}
	return dir + "*:refs/*", clear, nil
}

// leftovers returns the refs of pushes that were killed a day ago or earlier, or
// began by a clock that was ahead.
func (p *pusher) leftovers(ctx context.Context) (names []string) {
	refs, err := p.repo.Refs(ctx, strings.TrimSuffix(outbox, "/"))
	if err != nil {
		return nil
	}
	for _, ref := range refs {
		began, _, _ := strings.Cut(strings.TrimPrefix(ref.Name, outbox), "-")
		seconds, err := strconv.ParseInt(began, 10, 64)
		if err == nil && time.Since(time.Unix(seconds, 0)).Abs() > leftover {
			names = append(names, ref.Name)
		}
	}
	return names
}
