package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/config"
	"github.com/sluice-dev/sluice/internal/control"
	"github.com/sluice-dev/sluice/internal/gitrepo"
	"github.com/sluice-dev/sluice/internal/gitsync"
)

// GitConfig says which Git repositories a server follows, and writes to.
type GitConfig struct {
	// Follow is the address of the repository whose versions and releases become this
	// server's. Empty follows none.
	Follow string
	// Mirror is the address of the repository that this server's versions and releases
	// are written to; it may be the same one. Empty writes to none.
	Mirror string
	// Poll is the time between two looks at the repository that is followed. 0 looks at
	// the start, and when a webhook says so.
	Poll time.Duration
	// Verify says which signatures tags need: off, signed, which is the default, or
	// required.
	Verify string
	// Secret is what webhooks are signed with. Without one they are turned away.
	Secret string
	// Wait is how long a webhook waits for an answer. Defaults to what hosts bear.
	Wait time.Duration
	// After is the clock of the pauses. Defaults to time.After.
	After func(time.Duration) <-chan time.Time
}

// Bounds on a look, which may be a first fetch of everything, and on the pause
// after one that failed.
const (
	lookPatience = 15 * time.Minute
	firstPause   = 5 * time.Second
	longestPause = 5 * time.Minute
)

// gitActor is who records what others pushed; the releases name those who made them.
var gitActor = sluice.Actor{Name: "git", Org: control.DefaultOrganization, Roles: []sluice.Role{sluice.RoleImporter}}

// git follows one repository and writes to one. One goroutine does all of it, so
// that whatever asks for a look joins the next one, and never two go on at once.
type git struct {
	s      *Server
	cfg    GitConfig
	dir    string // for what is kept: the copy, and the statuses of commits
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{}

	repo    *gitrepo.Repo
	in, out *gitsync.Bridge // nil unless followed, unless written to; the same one for one repository
	places  gitsync.Places

	// Of the goroutine.
	fetched bool // the mirror was looked at, and has not surprised since
	looks   int

	asked chan struct{} // capacity 1: there is a next look
	moved chan struct{} // capacity 1: the ledger has moved

	mu     sync.Mutex
	next   *look
	status sluice.GitStatus
	told   map[string]sluice.GitResult // the last that was said of each ref; bounded
}

// look is one look at the repositories, for whoever asked for it meanwhile.
type look struct {
	req     sluice.SyncGitRequest
	done    chan struct{}
	results []sluice.GitResult
	apart   error // releases that were made apart still wait for a decision
	err     error
}

// openGit starts to follow and to write, if the server is to.
func (s *Server) openGit() error {
	cfg := s.cfg.Git
	if cfg.Follow == "" && cfg.Mirror == "" {
		return nil
	}
	if s.cfg.Data == "" {
		return sluice.Errorf(sluice.Invalid, "a server that follows a Git repository needs a directory for its copy").Ask("name one with {data}")
	}
	for _, address := range []string{cfg.Follow, cfg.Mirror} {
		if err := CheckGitAddress(address); address != "" && err != nil {
			return err
		}
	}
	if cfg.After == nil {
		cfg.After = time.After
	}
	data, err := filepath.Abs(s.cfg.Data)
	if err != nil {
		return err
	}
	g := &git{
		s: s, cfg: cfg, dir: filepath.Join(data, "git"), ended: make(chan struct{}),
		asked: make(chan struct{}, 1), moved: make(chan struct{}, 1), told: map[string]sluice.GitResult{},
		status: sluice.GitStatus{Follows: shownAddress(cfg.Follow), Mirrors: shownAddress(cfg.Mirror), Environments: []sluice.GitEnvironment{}, Refused: []sluice.GitResult{}},
	}
	g.ctx, g.cancel = context.WithCancel(sluice.WithActor(context.Background(), gitActor))
	if err := g.open(g.ctx); err != nil {
		return err
	}
	s.git = g
	g.ask(sluice.SyncGitRequest{})
	s.tasks.Add(1)
	go func() {
		defer s.tasks.Done()
		g.watchLedger()
	}()
	go func() {
		defer close(g.ended)
		g.run()
	}()
	return nil
}

// close ends the look that goes on and waits for that. It is safe to repeat, and
// for none.
func (g *git) close() {
	if g == nil {
		return
	}
	g.cancel()
	<-g.ended
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next != nil { // nobody will see to it
		g.next.err = errStopping()
		close(g.next.done)
		g.next = nil
	}
}

func errStopping() error {
	return sluice.Errorf(sluice.Unavailable, "the server is shutting down").Fix("try again in a moment")
}

// open opens the copy. It is one for both repositories: commits that were followed
// are written to the other as they are.
func (g *git) open(ctx context.Context) (err error) {
	address := g.cfg.Follow
	if address == "" {
		address = g.cfg.Mirror
	}
	sum := sha256.Sum256([]byte(address))
	g.repo, err = gitrepo.InitBare(ctx, filepath.Join(g.dir, hex.EncodeToString(sum[:8])+".git"),
		[2]string{"tag.gpgSign", "false"}, [2]string{"commit.gpgSign", "false"}, [2]string{"gc.autoDetach", "false"})
	if err != nil {
		return err
	}
	bridge := func(remote string) *gitsync.Bridge {
		return gitsync.New(g.repo, g.s.control, gitsync.Config{Remote: gitrepo.Remote(remote), Ask: true, Verify: g.cfg.Verify, Place: g.places.Of, Read: placesIn})
	}
	if g.cfg.Follow != "" {
		g.in = bridge(g.cfg.Follow)
	}
	switch g.cfg.Mirror {
	case "":
	case g.cfg.Follow:
		g.out = g.in
	default:
		g.out = bridge(g.cfg.Mirror)
	}
	return nil
}

// placesIn reads where components are from the sluice.yaml of a commit.
func placesIn(text []byte) (func(string) (string, string), error) {
	p, err := config.ParseProject(config.ProjectFile, text)
	if err != nil {
		return nil, err
	}
	return func(component string) (string, string) {
		c, _ := p.Component(component)
		return c.Path, c.Kind
	}, nil
}

// run looks whenever it is time to, until it is closed.
func (g *git) run() {
	for failed := 0; ; {
		var pause <-chan time.Time
		if d := g.pause(failed); d > 0 {
			pause = g.cfg.After(d)
		}
		fetch := true
		select {
		case <-g.ctx.Done():
			return
		case <-g.asked:
		case <-pause:
		case <-g.moved:
			fetch = false
		}
		if err := g.look(fetch); err != nil {
			failed++
		} else if fetch {
			failed = 0
		}
		g.tidy()
	}
}

// pause is the time until the next look that nobody asks for, 0 for none. Servers
// that were started together do not look together.
func (g *git) pause(failed int) time.Duration {
	d := g.cfg.Poll
	if g.in == nil {
		d = 0
	}
	if failed > 0 {
		d = min(firstPause<<min(failed-1, 10), longestPause)
	}
	return d*9/10 + rand.N(d/5+1)
}

// tidyEvery is after how many looks Git is asked to pack what has gathered.
const tidyEvery = 500

func (g *git) tidy() {
	if g.looks++; g.looks%tidyEvery == 0 {
		if _, err := g.repo.Run(g.ctx, nil, "gc", "--auto", "--quiet"); err != nil && g.ctx.Err() == nil {
			g.s.cfg.Log.Warn("the copy of the Git repository cannot be packed", "error", err)
		}
	}
}

// watchLedger tells when the ledger moves: what is new is to be written, and what
// was refused may be let in.
func (g *git) watchLedger() {
	for at := g.s.state.Epoch(); ; {
		if err := g.s.state.WaitFor(g.ctx, at+1); err != nil {
			select {
			case <-g.ctx.Done():
				return
			case <-g.cfg.After(firstPause):
			}
			continue
		}
		at = g.s.state.Epoch()
		select {
		case g.moved <- struct{}{}:
		default:
		}
	}
}
