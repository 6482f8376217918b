package crashtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/sluice-dev/sluice/internal/store"
)

// firstWriters is how many callers are the first at once.
const firstWriters = 16

// raceRounds is how often a race is run: a few times, or SLUICE_TEST_ROUNDS times.
func raceRounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("SLUICE_TEST_ROUNDS")
	if text == "" {
		return 2
	}
	return must[int](t)(strconv.Atoi(text))
}

// deployer is what a first writer needs of an installation.
type deployer interface {
	Deploy(context.Context, sluice.DeployRequest) (sluice.Outcome, error)
}

// installation is one that nobody has written to.
type installation struct {
	// write is how the i-th writer sets a variable.
	write func(ctx context.Context, i int, req sluice.DeployRequest) error
	// rotate rotates the data keys.
	rotate func(context.Context) error
	data   store.Config
	key    seal.Config
}

// onHTTP is one server on SQLite.
func onHTTP(t *testing.T) installation {
	s := serve(t, server.Config{Data: t.TempDir()})
	c := s.as(s.FirstToken())
	return installation{
		write:  func(ctx context.Context, _ int, req sluice.DeployRequest) error { return second(c.Deploy(ctx, req)) },
		rotate: func(ctx context.Context) error { return second(c.RotateKey(ctx, sluice.RotateKeyRequest{})) },
		data:   s.store(), key: seal.Config{File: filepath.Join(s.cfg.Data, server.KeyFile)},
	}
}

// onCommandLines is a directory that does not exist yet, without a server: each
// writer opens it for one question, as a command line does.
func onCommandLines(t *testing.T) installation {
	cfg := server.Config{Data: filepath.Join(t.TempDir(), "data"), Embedded: true}
	with := func(ctx context.Context, ask func(sluice.Services) error) error {
		s, err := server.Open(ctx, cfg)
		if err != nil {
			return err
		}
		return errors.Join(ask(s.Services()), s.Close())
	}
	return installation{
		write: func(ctx context.Context, _ int, req sluice.DeployRequest) error {
			return with(ctx, func(s sluice.Services) error { return second(s.Deploy(ctx, req)) })
		},
		rotate: func(ctx context.Context) error {
			return with(ctx, func(s sluice.Services) error { return second(s.RotateKey(ctx, sluice.RotateKeyRequest{})) })
		},
		data: store.Config{Dir: cfg.Data}, key: seal.Config{File: filepath.Join(cfg.Data, server.KeyFile)},
	}
}

// onTwoServers is one PostgreSQL database with two servers.
func onTwoServers(t *testing.T) installation {
	cfg := server.Config{Postgres: pgtest.New(t), MasterKeyFile: newKeyFile(t, t.TempDir())}
	var nodes [2]deployer
	var rotate func(context.Context) error
	for i := range nodes {
		cfg.Data = t.TempDir()
		s := serve(t, cfg)
		nodes[i] = s.Services()
		rotate = func(ctx context.Context) error {
			return second(s.Services().RotateKey(ctx, sluice.RotateKeyRequest{}))
		}
	}
	return installation{
		write: func(ctx context.Context, i int, req sluice.DeployRequest) error {
			return second(nodes[i%2].Deploy(ctx, req))
		},
		rotate: rotate, data: store.Config{Postgres: cfg.Postgres}, key: seal.Config{File: cfg.MasterKeyFile},
	}
}

// TestFirstWriters has many set the first variables of an installation at once.
// Each is answered only for a value that is there, and the audit holds.
func TestFirstWriters(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]func(*testing.T) installation{
		"over HTTP": onHTTP, "by command lines": onCommandLines, "on two servers": onTwoServers,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range raceRounds(t) {
				t.Run(fmt.Sprint(i), func(t *testing.T) { race(t, fresh(t), i%2 == 1) })
			}
		})
	}
}

// race lets all write at once, beside a rotation when asked, and looks at what is
// there then.
func race(t *testing.T, in installation, rotating bool) {
	t.Helper()
	start := make(chan struct{})
	var writers, rotation sync.WaitGroup
	key := func(i int) string { return fmt.Sprintf("API_%d_KEY", i) }
	for i := range firstWriters {
		writers.Go(func() {
			<-start
			// Pairs send the same request under one idempotency key.
			name := key(i / 2)
			req := sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{putting(name, "", "the value of "+name)}}
			req.IdempotencyKey = name
			err := in.write(as("alice"), i, req)
			for tries := 0; rotating && tries < 100 && sluice.CodeOf(err) == sluice.Unavailable; tries++ { // keys that rotate all the time: try again, it says
				err = in.write(as("alice"), i, req)
			}
			if err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	done := make(chan struct{})
	if rotating {
		rotation.Go(func() {
			for <-start; ; {
				if err := in.rotate(as("alice")); err != nil && sluice.CodeOf(err) != sluice.NotFound {
					t.Errorf("a rotation: %v", err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	close(start)
	writers.Wait()
	close(done)
	rotation.Wait()
	n := sealing(t, in.data, in.key)
	for i := range firstWriters / 2 {
		if got := revealed(t, n, "production", key(i)); got != "the value of "+key(i) {
			t.Errorf("%s is %q", key(i), got)
		}
	}
	if report := holds(t, n, sluice.VerifyRequest{}); report.Opened != firstWriters/2 {
		t.Errorf("verified %+v", report)
	}
}
