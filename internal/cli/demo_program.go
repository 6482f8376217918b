package cli

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/client/live"
)

// patience is how long the demo waits for what takes milliseconds.
const patience = 10 * time.Second

// program is the running program of the story: it follows production and notes
// when it heard of each release.
type program struct {
	live  *live.Client
	mu    sync.Mutex
	heard map[int64]time.Time
	news  chan struct{} // has a token when heard has grown
}

// connect starts the program on the server.
func (d *demo) connect(ctx context.Context, address, token string) (err error) {
	if d.services, err = client.New(client.Config{Server: address, Token: token}); err != nil {
		return err
	}
	follow, err := live.Open(ctx, live.Config{
		Services: d.services, Environment: "production", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	d.program = &program{live: follow, heard: map[int64]time.Time{}, news: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(ctx)
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		d.program.listen(ctx)
	}()
	d.stop = append(d.stop, func() error {
		cancel()
		<-followed
		return follow.Close()
	})
	return nil
}

func (p *program) listen(ctx context.Context) {
	for {
		changed := p.live.Changed()
		p.hear(p.live.Manifest().Release, time.Now())
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (p *program) hear(release int64, at time.Time) {
	p.mu.Lock()
	p.heard[release] = at
	p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// heardOf waits until the program has a release, and returns since when.
func (p *program) heardOf(ctx context.Context, release int64) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		p.mu.Lock()
		at, ok := p.heard[release]
		p.mu.Unlock()
		if ok {
			return at, nil
		}
		select {
		case <-p.news:
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("the running program never heard of production#%d", release)
		}
	}
}

// seen tells what the program runs after the last release of production, and how
// long after it knew. The time of a release is read before it is on disk, so
// that writing it is part of what is told.
func (d *demo) seen(ctx context.Context, component, version string) error {
	page, err := d.services.Releases(ctx, sluice.ReleaseQuery{Environment: "production", Paging: sluice.Paging{Limit: 1}})
	if err != nil {
		return err
	}
	if len(page.Items) == 0 {
		return fmt.Errorf("production has no release")
	}
	r := page.Items[0]
	at, err := d.program.heardOf(ctx, r.Number)
	if err != nil {
		return err
	}
	pin, _ := d.program.live.Resolve(component, "")
	if pin.String() != version {
		return fmt.Errorf("the running program has %s %s, not %s", component, pin, version)
	}
	d.note("the running program has %s %s, %s after %s began to be written", component, pin, milliseconds(at.Sub(r.RecordedAt.Std())), r.Ref())
	return nil
}
