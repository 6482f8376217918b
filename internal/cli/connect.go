package cli

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/server"
)

// connect returns the one client of this command line. It speaks to the server
// that was named, else to the one that holds the data directory, else to one
// that it opens in this process for the question at hand.
func (e *env) connect(ctx context.Context) (*client.Client, error) {
	if e.client != nil {
		return e.client, nil
	}
	s, err := e.load()
	if err != nil {
		return nil, err
	}
	cfg := client.Config{Server: s.Server, Token: s.Token, Org: s.Org}
	if s.Server == "" {
		if cfg, err = e.local(ctx, s); err != nil {
			return nil, err
		}
	}
	cfg.Lost = func(err error) {
		if e.lost != nil {
			e.lost(err)
		}
	}
	c, err := client.New(cfg)
	if err != nil {
		return nil, err
	}
	e.client = c
	if e.fresh {
		e.fresh = false
		e.firstSync(ctx)
	}
	return c, nil
}

func (e *env) local(ctx context.Context, s config.Settings) (client.Config, error) {
	dir, err := e.dataDir()
	if err != nil {
		return client.Config{}, err
	}
	cfg := client.Config{Org: s.Org, Actor: e.actor(ctx, s)}
	if socket := server.Socket(dir); answers(socket) {
		cfg.Server = "unix://" + socket
		return cfg, nil
	}
	if err := e.prepare(dir); err != nil {
		return client.Config{}, err
	}
	var runs sluice.RunBounds
	if err := runSizes(s, &runs); err != nil {
		return client.Config{}, err
	}
	srv, err := server.Open(ctx, server.Config{
		Data: dir, Postgres: s.Postgres, PostgresListen: s.PostgresListen, Version: e.Version, Embedded: true, Runs: runs, Log: e.log(slog.LevelError),
		MasterKey: s.MasterKey, MasterKeyFile: e.optionalPath(s.MasterKeyFile), MasterKeyCommand: s.MasterKeyCommand,
	})
	if err != nil {
		return client.Config{}, err
	}
	e.closers, e.embedded = append(e.closers, srv.Close), true
	cfg.Server, cfg.Transport = "http://sluice", client.InProcess(srv.Local())
	return cfg, nil
}

// prepare makes the data directory where there is none and one may begin.
func (e *env) prepare(dir string) error {
	begins, err := e.begins()
	if err != nil {
		return err
	}
	if !begins && !isThere(dir) {
		return e.noProject()
	}
	created, err := makeDataDir(dir)
	e.fresh = created && e.project != nil && e.project.Git != nil && e.settings.Data == "" && !e.syncs
	return err
}

// exists reports whether there is an installation to speak to, or whether
// connecting would make an empty one.
func (e *env) exists() bool {
	s, err := e.load()
	if err != nil {
		return false
	}
	if s.Server != "" {
		return true
	}
	dir, err := e.dataDir()
	if err != nil {
		return false
	}
	return isThere(dir)
}

// answers reports whether a server holds a Unix socket. A socket that a server
// left behind when it died refuses at once.
func answers(socket string) bool {
	if _, err := os.Stat(socket); err != nil {
		return false
	}
	conn, err := net.DialTimeout("unix", socket, 200*time.Millisecond)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// log is the log of a server in this process, for people to read.
func (e *env) log(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: level}))
}

// makeDataDir makes the directory of an embedded installation, closed to others
// and left out of Git.
func makeDataDir(dir string) (created bool, err error) {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return false, sluice.Errorf(sluice.Invalid, "%s is a file, not a directory", dir).Fix("move it away, or name another directory with --data")
		}
		return false, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, unwritable(dir, err)
	}
	above := filepath.Dir(dir)
	if err := os.MkdirAll(above, 0o700); err != nil {
		return false, unwritable(dir, err)
	}
	// It appears under its name only once it is whole, for one of those who make it
	// at once.
	blank, err := os.MkdirTemp(above, filepath.Base(dir)+".new-*") // mode 0700
	if err != nil {
		return false, unwritable(dir, err)
	}
	defer os.RemoveAll(blank) // which is gone when it was put in place
	if err := os.WriteFile(filepath.Join(blank, ".gitignore"), []byte("*\n"), 0o600); err != nil {
		return false, unwritable(dir, err)
	}
	err = os.Rename(blank, dir)
	if errors.Is(err, fs.ErrExist) { // another's, which is not empty
		return false, nil
	}
	if err != nil {
		return false, unwritable(dir, err)
	}
	return true, nil
}

func unwritable(dir string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	out := sluice.Errorf(sluice.Unavailable, "cannot write to %s: %w", dir, err)
	if of := sluice.AsError(err); of.Code == sluice.Unavailable { // the disk, not the directory
		out.Fixes = of.Fixes
		return out
	}
	return out.Fix("make it writable for you, or name another directory with --data, or a server with --server")
}
