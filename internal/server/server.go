// Package server builds the parts of Sluice and runs them: the store, the live
// state, the use cases, and the handlers on TCP, on the Unix socket beside the
// data and in process. It is the only package that knows all of them, and it
// decides nothing: what a request means is the business of the packages it
// joins.
package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
	"github.com/sluice-dev/sluice/internal/api/scout"
	"github.com/sluice-dev/sluice/internal/api/scriptum"
	"github.com/sluice-dev/sluice/internal/budget"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/expr"
	"github.com/sluice-dev/sluice/internal/live"
	"github.com/sluice-dev/sluice/internal/runner"
	"github.com/sluice-dev/sluice/internal/seal"
	"github.com/sluice-dev/sluice/internal/store"
	"github.com/sluice-dev/sluice/internal/workflow"
)

// DefaultListen is where a server listens unless told otherwise.
const DefaultListen = "127.0.0.1:7117"

// Config says what to run.
type Config struct {
	// Data is the directory of the SQLite files and of the Unix socket.
	Data string
	// Postgres is a connection URL. When set, the data is there, and Data only
	// holds the socket.
	Postgres string
	// PostgresListen is the URL of PostgreSQL itself, for LISTEN, where Postgres
	// leads to a pooler. Defaults to Postgres, or to polling behind a pooler.
	PostgresListen string
	// Listen is the TCP address. Defaults to DefaultListen.
	Listen string
	// TLSCert and TLSKey are PEM files for the TCP address, read again when they
	// change. Without them it speaks plain text.
	TLSCert, TLSKey string
	// Hosts are further host names that requests may be addressed to.
	Hosts []string
	// Version is this program's.
	Version string
	// Log defaults to discarding.
	Log *slog.Logger
	// Heartbeat is the time between two heartbeats of a watch. Defaults to 15 s.
	Heartbeat time.Duration
	// Embedded serves one question in process: no listener, no lock that is kept,
	// no background work.
	Embedded bool
	// The master key that secrets are sealed under: the key itself, a file of it, or a
	// command that prints it. The first that is set counts; with none it is a file in
	// Data, which is made when it is first needed, or nothing with Postgres.
	MasterKey, MasterKeyFile, MasterKeyCommand string
	// Sandbox evaluates templates and scripts. Defaults to processes of this program,
	// which then calls [sandbox.Enter] when it starts.
	Sandbox expr.Evaluator
	// AllowOutbound are the only places that runs may reach, when it is not empty:
	// see [outbound.Config].
	AllowOutbound []string
	// Runs bounds the runs.
	Runs sluice.RunBounds
	// Git says which repositories are followed and written to.
	Git GitConfig
	// Now is the wall clock. Defaults to time.Now.
	Now func() time.Time
}

func (cfg Config) withDefaults() Config {
	if cfg.Listen == "" {
		cfg.Listen = DefaultListen
	}
	if cfg.Version == "" {
		cfg.Version = "devel"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// KeyFile is the name of the file that holds the master key, in the data
// directory, unless another is named.
const KeyFile = "master.key"

// master is where the master key is.
func (cfg Config) master() seal.Config {
	m := seal.Config{Key: cfg.MasterKey, File: cfg.MasterKeyFile, Command: cfg.MasterKeyCommand}
	if m == (seal.Config{}) && cfg.Postgres == "" {
		m.File, m.Make = filepath.Join(cfg.Data, KeyFile), true
	}
	return m
}

// Server is everything of one process. Open binds and returns, Serve answers
// until its context ends, Close releases what Open took.
type Server struct {
	cfg          Config
	db           *store.DB
	state        *live.State
	control      *control.Control
	runner       *runner.Runner
	sandbox      io.Closer // nil for one that was given
	tcp, unix    net.Listener
	firstToken   string
	certificates *certificates  // nil without TLS
	memory       *budget.Budget // of all requests
	metrics      *api.Metrics   // shared by all handlers; nil in an embedded server, which nobody scrapes
	git          *git           // nil unless a repository is followed or written to
	following    sync.Once
	expiry       expiry
	closing      sync.Once
	stop         chan struct{}
	tasks        sync.WaitGroup
}

// Open opens the data, brings it up to date, and unless Embedded binds the TCP
// address and the socket, so that a failure is known before anything is served.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	db, err := store.Open(ctx, store.Config{
		Dir: cfg.Data, Postgres: cfg.Postgres, Listen: cfg.PostgresListen, Beside: []string{KeyFile},
		Hold: !cfg.Embedded, Now: cfg.Now, Log: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, db: db, stop: make(chan struct{})}
	if !cfg.Embedded { // whose one caller is its owner
		s.memory = budget.New(budget.Config{})
	}
	s.state = live.Open(live.Config{Source: db.Source(control.DefaultOrganization), Log: cfg.Log, Heartbeat: cfg.Heartbeat})
	if err := s.runs(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	if _, err := s.control.Bootstrap(ctx); err != nil {
		return err
	}
	if s.cfg.Embedded {
		return nil
	}
	if err := s.control.CheckKeys(ctx); err != nil {
		return err
	}
	if s.cfg.TLSCert != "" || s.cfg.TLSKey != "" {
		var err error
		if s.certificates, err = loadCertificates(s.cfg.TLSCert, s.cfg.TLSKey, s.cfg.Log); err != nil {
			return err
		}
	}
	s.metrics = api.NewMetrics()
	if err := s.listen(); err != nil {
		return err
	}
	s.boundHeap()
	s.follow()
	s.runner.Start()
	if err := s.openGit(); err != nil {
		return err
	}
	token, err := s.control.FirstToken(ctx)
	s.firstToken = token
	return err
}

// follow keeps the live state up with what other processes write.
func (s *Server) follow() {
	s.following.Do(func() {
		s.db.Follow()
		s.tasks.Add(1)
		go func() {
			defer s.tasks.Done()
			for {
				select {
				case <-s.stop:
					return
				case <-s.db.Changed():
					if err := s.state.CatchUp(context.Background()); err != nil {
						s.cfg.Log.Warn("cannot read what others wrote", "error", err)
					}
				}
			}
		}()
	})
}

// Addr is the TCP address that the server listens on.
func (s *Server) Addr() string {
	if s.tcp == nil {
		return ""
	}
	return s.tcp.Addr().String()
}

// URL is where clients find the TCP address.
func (s *Server) URL() string {
	if s.certificates != nil {
		return "https://" + s.Addr()
	}
	return "http://" + s.Addr()
}

// FirstToken is the administrator's token that was made because there was none;
// "" when there was one.
func (s *Server) FirstToken() string { return s.firstToken }

// Handler answers callers that bring a token.
func (s *Server) Handler() http.Handler { return s.handler(false) }

// Local answers callers whom the operating system has let in: in process, and
// over the Unix socket.
func (s *Server) Local() http.Handler { return s.handler(true) }

func (s *Server) handler(trusted bool) http.Handler {
	logPlace := ""
	if s.cfg.Embedded {
		logPlace = "the log line on standard error"
	}
	return api.New(api.Config{
		Services: s.services(), Auth: s.control, Streamer: streamer{s}, Backup: s.db.Backup,
		Memory: s.memory, Trusted: trusted, Hosts: s.cfg.Hosts, Log: s.cfg.Log, LogPlace: logPlace, Metrics: s.metrics, Adapters: s.adapters(),
		WorkflowSchema: workflow.Schema(),
	})
}

// adapters are other systems' wire formats. An embedded server has none: only
// the command line asks it.
func (s *Server) adapters() []api.Adapter {
	if s.cfg.Embedded {
		return nil
	}
	return []api.Adapter{
		scriptum.New(scriptum.Config{Services: s.services(), Log: s.cfg.Log, Version: s.cfg.Version}),
		scout.New(scout.Config{Services: s.services(), Log: s.cfg.Log}),
		s.gitAdapter(),
	}
}

// Services is the use cases without a transport, for programs that embed Sluice.
func (s *Server) Services() sluice.Services { return s.services() }

// streamer serves watches from the live state.
type streamer struct{ s *Server }

// Stream names the environment by its own name and hands over.
func (t streamer) Stream(w http.ResponseWriter, r *http.Request, req sluice.WatchRequest) error {
	e, err := t.s.control.Environment(r.Context(), req.Environment)
	if err != nil {
		return err
	}
	t.s.endAt(sluice.ActorOf(r.Context()).ExpiresAt)
	t.s.follow() // also where one process was opened for a single question
	req.Environment = e.Name
	return t.s.state.Stream(w, r, req)
}

// Close stops what runs and releases what Open took. It is safe to repeat.
func (s *Server) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.stop)
		s.git.close() // before the live state, whose end it would take for a failure
		s.expiry.stop()
		s.state.Close()
		var errs []error
		if s.runner != nil {
			s.runner.Close()
		}
		if s.sandbox != nil {
			errs = append(errs, s.sandbox.Close())
		}
		for _, l := range []net.Listener{s.tcp, s.unix} {
			if l != nil {
				if e := l.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
					errs = append(errs, e)
				}
			}
		}
		s.tasks.Wait()
		errs = append(errs, s.db.Close())
		err = errors.Join(errs...)
	})
	return err
}
