package sandbox

import (
	"context"
	"slices"
	"sync"
)

// class is what an evaluation is for. Each class has processes of its own.
type class int

const (
	// checks read texts for people who wait, such as those who publish.
	checks class = iota
	// runs evaluate for runs, which may each ask for as much as they like.
	runs
	classes
)

// line hands out turns, one for each evaluation under way. Of each class there are
// at most so many, and of both together one more, so that neither class can take
// the last turn of the other, and each can take what the other does not use. The
// turns of one class go round among those who wait, whatever number each waits for.
type line struct {
	most int // turns of one class

	mu     sync.Mutex
	busy   [classes]int
	queues [classes]queue
}

// queue is who waits for a turn of one class.
type queue struct {
	order   []string                   // the askers who wait, the next one first
	waiting map[string][]chan struct{} // what each waits for, the first one first; closed when its turn comes
}

// enter waits for a turn. Leave must follow. It returns the error of the context,
// or that of a pool that is closed.
func (l *line) enter(ctx context.Context, ending <-chan struct{}, c class, asker string) error {
	l.mu.Lock()
	turn := make(chan struct{})
	l.queues[c].add(asker, turn)
	l.grant()
	l.mu.Unlock()
	var err error
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-ending:
		err = closedError()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.queues[c].drop(asker, turn) { // its turn came at the same moment
		l.busy[c]--
		l.grant()
	}
	return err
}

// leave ends a turn.
func (l *line) leave(c class) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy[c]--
	l.grant()
}

// grant gives free turns to those who wait: to the class that has fewer, and to
// the checks where both have the same.
func (l *line) grant() {
	for {
		first, second := checks, runs
		if l.busy[runs] < l.busy[checks] {
			first, second = runs, checks
		}
		if !l.grantTo(first) && !l.grantTo(second) {
			return
		}
	}
}

func (l *line) grantTo(c class) bool {
	if len(l.queues[c].order) == 0 || l.busy[c] >= l.most || l.busy[checks]+l.busy[runs] > l.most {
		return false
	}
	l.busy[c]++
	close(l.queues[c].next())
	return true
}

func (q *queue) add(asker string, turn chan struct{}) {
	if q.waiting == nil {
		q.waiting = map[string][]chan struct{}{}
	}
	if len(q.waiting[asker]) == 0 {
		q.order = append(q.order, asker)
	}
	q.waiting[asker] = append(q.waiting[asker], turn)
}

// next takes out whose turn it is. Who waits for more goes to the end.
func (q *queue) next() chan struct{} {
	asker := q.order[0]
	q.order = q.order[1:]
	turns := q.waiting[asker]
	if delete(q.waiting, asker); len(turns) > 1 {
		q.order = append(q.order, asker)
		q.waiting[asker] = turns[1:]
	}
	return turns[0]
}

// drop takes out one who waits no longer. It reports false for one who is not there.
func (q *queue) drop(asker string, turn chan struct{}) bool {
	i := slices.Index(q.waiting[asker], turn)
	if i < 0 {
		return false
	}
	q.waiting[asker] = slices.Delete(q.waiting[asker], i, i+1)
	if len(q.waiting[asker]) == 0 {
		delete(q.waiting, asker)
		q.order = slices.DeleteFunc(q.order, func(s string) bool { return s == asker })
	}
	return true
}
