// Package githost answers Git hosts and those who look after a server that follows
// a Git repository: webhooks, which say that something was pushed, and the status.
// What a webhook says is believed in one point alone, that it is worth a look: what
// was pushed is read from the repository. The package must hold no rule and no state
// of its own, and read no more of a request than it needs.
package githost

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
)

// Follower looks at repositories.
type Follower interface {
	// Look looks, and returns what became of the refs that moved, and of the ref that is
	// named. Done is false when the context ended before the look did.
	Look(ctx context.Context, ref string) (results []sluice.GitResult, done bool, err error)
	sluice.GitService
}

// Wait is how long a webhook waits for an answer: hosts give up after 10 seconds.
const Wait = 9 * time.Second

// Config says what the adapter speaks for.
type Config struct {
	// Follower looks. Without one the server has nothing to do with Git, and says so.
	Follower Follower
	// Secret is shared with the host. Without one there are no webhooks.
	Secret string
	// Wait is how long a webhook waits for an answer. Defaults to [Wait].
	Wait time.Duration
	// Log takes what the host is not told. Defaults to discarding.
	Log *slog.Logger
}

// Adapter implements the API's adapter for the paths of /v1/git.
type Adapter struct {
	Config
	mux *http.ServeMux
}

// The paths.
const (
	statusPath  = "/v1/git"
	syncPath    = statusPath + "/sync"
	webhookPath = statusPath + "/webhook/"
)

// New returns the adapter.
func New(cfg Config) *Adapter {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Wait <= 0 {
		cfg.Wait = Wait
	}
	a := &Adapter{Config: cfg, mux: http.NewServeMux()}
	a.mux.HandleFunc("GET "+statusPath, a.serve(a.status))
	a.mux.HandleFunc("POST "+syncPath, a.serve(a.sync))
	a.mux.HandleFunc("POST "+webhookPath+"{host}", a.serve(a.webhook))
	return a
}

func (a *Adapter) serve(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			a.fail(w, r, err)
		}
	}
}

// Route names a request that is the adapter's. A webhook brings a signature in the
// place of a token.
func (a *Adapter) Route(r *http.Request) api.Route {
	if r.URL.Path != statusPath && !strings.HasPrefix(r.URL.Path, statusPath+"/") {
		return api.Route{}
	}
	_, pattern := a.mux.Handler(r)
	if pattern == "" {
		pattern = statusPath + "/"
	}
	route := api.Route{Pattern: pattern, Public: strings.HasPrefix(r.URL.Path, webhookPath), Body: maxSync}
	if r.Method == http.MethodPost {
		route.Needs = sluice.MayAdminister
	}
	return route
}

// ServeHTTP answers a request whose context knows the actor.
func (a *Adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := a.mux.Handler(r); pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	a.fail(w, r, sluice.Errorf(sluice.NotFound, "there is no %s of this path", r.Method).Fix("see docs/git-server.md for what there is"))
}

// Refuse answers a request that was not let in.
func (a *Adapter) Refuse(w http.ResponseWriter, r *http.Request, err error) { a.fail(w, r, err) }

func (a *Adapter) fail(w http.ResponseWriter, r *http.Request, err error) {
	if sluice.CodeOf(err) == sluice.Internal {
		a.Log.Error("request failed", "method", r.Method, "path", r.Pattern, "error", errors.Unwrap(sluice.AsError(err)))
	}
	api.Fail(w, err)
}

// follower is who looks, if anybody does.
func (a *Adapter) follower() (Follower, error) {
	if a.Follower == nil {
		return nil, sluice.Errorf(sluice.NotFound, "this server follows no Git repository").Do(sluice.StartServer("git"), "start it with one")
	}
	return a.Follower, nil
}

func (a *Adapter) status(w http.ResponseWriter, r *http.Request) error {
	if err := sluice.ActorOf(r.Context()).May(sluice.MayRead, ""); err != nil {
		return err
	}
	f, err := a.follower()
	if err != nil {
		return err
	}
	s, err := f.GitStatus(r.Context())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, s)
}

// maxSync bounds the body of a request to sync.
const maxSync = 1 << 10

func (a *Adapter) sync(w http.ResponseWriter, r *http.Request) error {
	if err := sluice.ActorOf(r.Context()).May(sluice.MayAdminister, ""); err != nil {
		return err
	}
	f, err := a.follower()
	if err != nil {
		return err
	}
	var req sluice.SyncGitRequest
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSync))
	body.DisallowUnknownFields()
	if err := body.Decode(&req); err != nil && !errors.Is(err, io.EOF) {
		return sluice.Errorf(sluice.Invalid, "the body of the request cannot be read: %s", err).Fix(`send {"rebase":true}, {"theirs":true} or {}`)
	}
	if err := req.Check(); err != nil {
		return err
	}
	s, err := f.SyncGit(r.Context(), req)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, s)
}

func answer(w http.ResponseWriter, status int, v any) error {
	text, err := api.Encoded(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text) // who went away needs none
	return nil
}
