// Package live keeps what is live in one environment in the memory of a
// program, so that asking which version runs takes nanoseconds and no network.
//
// A [Client] follows the environment's watch stream, checks each change against
// the root hash that came with it, and keeps the last known good state on disk:
// a program can start and run while the server is away, and knows that it does
// ([Client.Stale]). The client recovers by itself and never makes a caller of
// [Client.Resolve] wait. It only reads: it must never change what is live, and
// never answer with a state that the server did not have.
//
// What is read at each resolve is one table behind an atomic pointer, which is
// replaced and never changed. Two goroutines belong to a client: one follows the
// stream and alone makes tables, the other writes the copy on disk. Both end in
// [Client.Close]. The only lock guards the cache of [Client.Content].
package live

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-dev/sluice"
)

// Services is what a client asks of the server: the parts of [sluice.Services]
// that it needs.
type Services interface {
	// Watch follows an environment. It ends with the context, and with an error when
	// its stream breaks, since the client asks for one stream alone.
	Watch(context.Context, sluice.WatchRequest) iter.Seq2[sluice.Event, error]
	// Version returns a version with its files' digests. NotFound.
	Version(ctx context.Context, component, ref string) (sluice.Version, error)
	// File returns one file of a version. NotFound, also when it was purged.
	File(ctx context.Context, component, ref, path string) (sluice.File, error)
}

// Config says what to follow.
type Config struct {
	// Services is the server, such as a client made by package client. Required.
	Services Services
	// Environment is a name or an alias. Required.
	Environment string
	// File is where the last known good state is kept, with the contents of what is
	// live in a directory beside it. Empty keeps none, and then
	// the server must be there at the start.
	File string
	// ContentBytes bounds the contents that are kept beside File, in the directory
	// File.content: those of all versions that are live, both sides of a split, and
	// of what was live before as long as there is room. What does not fit is logged and is
	// fetched when it is asked for. Defaults to 256 MiB.
	ContentBytes int64
	// Log defaults to slog.Default.
	Log *slog.Logger
	// Wait is how long Open waits for the server when there is a state on disk.
	// Defaults to 2 seconds.
	Wait time.Duration
	// Silence is how long the server may say nothing before the connection counts
	// as lost. Defaults to 45 seconds, three heartbeats. A connection that is refused
	// or breaks counts as lost at once.
	Silence time.Duration
	// Retry is the pause before the server is tried again; it doubles up to 50
	// times as long. Defaults to 100 milliseconds.
	Retry time.Duration
	// Settle is how long a change waits for the next before both are written to
	// disk at once. Defaults to 100 milliseconds.
	Settle time.Duration
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	for _, d := range []struct {
		value     *time.Duration
		otherwise time.Duration
	}{
		{&c.Wait, 2 * time.Second},
		{&c.Silence, 45 * time.Second},
		{&c.Retry, 100 * time.Millisecond},
		{&c.Settle, 100 * time.Millisecond},
	} {
		if *d.value <= 0 {
			*d.value = d.otherwise
		}
	}
	if c.ContentBytes <= 0 {
		c.ContentBytes = 256 << 20
	}
	c.Log = c.Log.With("environment", c.Environment)
	return c
}

// Client knows what is live in one environment. All its methods may be called
// at the same time.
type Client struct {
	cfg   Config
	ctx   context.Context // ends with Close
	stop  context.CancelFunc
	tasks sync.WaitGroup

	table     atomic.Pointer[table]
	stale     atomic.Bool
	confirmed atomic.Int64 // Unix nanoseconds

	ready  chan struct{} // closed with the first event
	failed chan error    // has the error of the first attempt
	dirty  chan struct{} // has a token when the copy on disk is old

	// lacking is set while the copy on disk may lack contents, as one of an older
	// program does: with the next event they are fetched.
	lacking atomic.Bool

	mu       sync.Mutex
	contents map[contentKey][]sluice.File
}

// Open starts to follow an environment and returns once its state is known:
// from the server, or from the copy on disk when the server does not answer in
// time. Without a copy it waits for the server and fails as the services do, or
// when the context ends. The context bounds the wait alone; Close ends the client.
func Open(ctx context.Context, cfg Config) (*Client, error) {
	if cfg.Services == nil || cfg.Environment == "" {
		return nil, sluice.Errorf(sluice.Invalid, "a live client needs services and an environment").
			Fix("set Config.Services and Config.Environment")
	}
	c := &Client{
		cfg: cfg.withDefaults(), contents: map[contentKey][]sluice.File{},
		ready: make(chan struct{}), failed: make(chan error, 1), dirty: make(chan struct{}, 1),
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.stale.Store(true)
	c.lacking.Store(true)
	c.restore()
	c.tasks.Go(c.follow)
	if c.cfg.File != "" {
		c.tasks.Go(c.keep)
	}
	if err := c.await(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Client) await(ctx context.Context) error {
	known := c.table.Load() != nil
	var late <-chan time.Time
	if known {
		timer := time.NewTimer(c.cfg.Wait)
		defer timer.Stop()
		late = timer.C
	}
	var err error
	select {
	case <-c.ready:
		return nil
	case err = <-c.failed:
	case <-late:
		err = sluice.Errorf(sluice.TimedOut, "the server did not say within %s what is live in %s", c.cfg.Wait, c.cfg.Environment)
	case <-ctx.Done():
		err = sluice.Errorf(sluice.TimedOut, "the server did not say in time what is live in %s", c.cfg.Environment).Because(ctx.Err())
	}
	if !known {
		return err
	}
	c.cfg.Log.Warn("the server is away; starting with what was live before", "since", c.Since(), "release", c.Manifest().Release, "error", err)
	return nil
}

// Close ends the client after the copy on disk is written. Resolve goes on to
// answer with the last known state. It is safe to call again.
func (c *Client) Close() error {
	c.stop()
	c.tasks.Wait()
	c.stale.Store(true)
	return nil
}

// Resolve returns the version of a component that a key gets; without a key, or
// without a split, the settled version. It reports false when nothing is live.
// It neither waits nor allocates.
func (c *Client) Resolve(component, key string) (sluice.Pin, bool) {
	v := c.table.Load().values[component]
	if v == nil {
		return sluice.Pin{}, false
	}
	return v.Pick(component, key), true
}

// Manifest is all that is live. It is shared: nobody may change it.
func (c *Client) Manifest() *sluice.Manifest { return c.table.Load().manifest }

// Changed is closed with the next change. Ask for it before reading:
//
//	for {
//		changed := c.Changed()
//		use(c.Manifest())
//		<-changed
//	}
func (c *Client) Changed() <-chan struct{} { return c.table.Load().changed }

// Stale reports whether the server cannot be heard at the moment, so that
// something newer may be live: at once when the connection breaks or is refused,
// after [Config.Silence] when it is only silent. The first event of the next
// stream ends it.
func (c *Client) Stale() bool { return c.stale.Load() }

// Since is when the server last confirmed what Resolve answers.
func (c *Client) Since() time.Time { return time.Unix(0, c.confirmed.Load()) }
