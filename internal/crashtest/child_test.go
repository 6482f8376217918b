package crashtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// childVariable holds an order as JSON. With it this test program is a server
// without its transports: it writes until it is killed or has done enough, and
// says on its standard output what it has acknowledged and what a watching
// client has seen.
const childVariable = "SLUICE_CRASHTEST_CHILD"

// order is what a child is to do.
type order struct {
	Dir, Postgres string
	Start         []int // for each writer, the number of its first request
	Count         int   // requests of each writer; 0 goes on for ever
	Watch         bool
	Rotate        bool       // rotate keys instead, for ever
	Work          *workOrder `json:",omitempty"` // carry runs out instead
}

func child(out, errs io.Writer) int {
	var o order
	if err := json.Unmarshal([]byte(os.Getenv(childVariable)), &o); err != nil {
		fmt.Fprintln(errs, err)
		return 2
	}
	if o.Work != nil {
		return o.Work.work(store.Config{Dir: o.Dir, Postgres: o.Postgres}, out, errs)
	}
	n, err := start(as("alice"), store.Config{Dir: o.Dir, Postgres: o.Postgres, Hold: true})
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	defer n.close()
	say := sayer{out: out}
	if o.Rotate {
		return say.rotate(n)
	}
	ctx, cancel := context.WithCancel(as("alice"))
	defer cancel()
	if o.Watch {
		watching := make(chan struct{})
		go say.watch(ctx, n, watching)
		<-watching
	}
	var writers sync.WaitGroup
	for w, first := range o.Start {
		writers.Go(func() { say.write(n, w, first, o.Count) })
	}
	writers.Wait()
	return 0
}

// sayer writes whole lines.
type sayer struct {
	mu  sync.Mutex
	out io.Writer
}

func (s *sayer) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// write sends one request after the other, until one fails.
func (s *sayer) write(n *node, writer, first, count int) {
	for i := first; count == 0 || i < first+count; i++ {
		out, err := n.Deploy(as("alice"), request(writer, i))
		if err != nil {
			s.line("failed %d %d %v", writer, i, err)
			return
		}
		s.line("ack %d %d %s %d %d", writer, i, out.Environment, out.Release.Number, out.Release.Epoch)
	}
}

// rotate seals all values anew again and again, until that fails.
func (s *sayer) rotate(n *node) int {
	for {
		if _, err := n.RotateKey(as("alice"), sluice.RotateKeyRequest{}); err != nil {
			s.line("failed %v", err)
			return 1
		}
	}
}

// request is the i-th of a writer: each changes what the one before it set. The
// last writer works in base, so that three environments follow.
func request(writer, i int) sluice.DeployRequest {
	key := fmt.Sprintf("%d-%d", writer, i)
	environment := "production"
	if writer == writers-1 {
		environment = sluice.Base
	}
	return sluice.DeployRequest{
		Environment: environment,
		Changes:     []sluice.ChangeRequest{{Component: componentOf(writer), Version: fmt.Sprint(1 + i%2)}},
		Change:      sluice.Change{IdempotencyKey: key, Reason: key},
	}
}

func componentOf(writer int) string { return fmt.Sprintf("component-%d", writer) }

// watch follows production and says each event once it was seen.
func (s *sayer) watch(ctx context.Context, n *node, watching chan<- struct{}) {
	for e, err := range n.Watch(ctx, sluice.WatchRequest{Environment: "production"}) {
		switch {
		case err != nil:
			return
		case e.Snapshot != nil:
			s.line("seen %s %d", e.ID, e.Snapshot.Release)
			close(watching)
		case e.Release != nil:
			s.line("seen %s %d", e.ID, e.Release.Number)
		}
	}
}
