package api

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sluice-dev/sluice"
)

// localOrganization and localActor are whom a trusted caller acts for, and as,
// when it does not say.
const (
	localOrganization = "default"
	localActor        = "local"
)

// maxActor is the most bytes that the name of an actor has.
const maxActor = 128

// validActor reports whether a text can be a person's or a program's name, as Git
// and others have them: letters of any script, blanks between words, an e-mail
// address.
func validActor(name string) bool {
	first, _ := utf8.DecodeRuneInString(name)
	return len(name) <= maxActor && utf8.ValidString(name) && strings.TrimSpace(name) == name &&
		(unicode.IsLetter(first) || unicode.IsDigit(first)) && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

// dispatch finds the operation and lets in who may ask for it.
func (h *handler) dispatch(w *recorder, r *http.Request) {
	for _, a := range h.Adapters {
		if route := a.Route(r); route.Pattern != "" {
			h.adapt(w, r, a, route)
			return
		}
	}
	if err := h.checkAddress(r); err != nil {
		fail(w, err)
		return
	}
	found, pattern := h.mux.Handler(r)
	op := h.operations[pattern]
	if op == nil {
		noRoute(w, r, found)
		return
	}
	if !op.public {
		r.Pattern = pattern // the mux writes into the copy alone, and the metrics read this one
		admitted, err := h.let(w, r, op.claim(r))
		if err != nil {
			fail(w, err)
			return
		}
		r = admitted
	}
	if err := checkAddressText(r); err != nil {
		fail(w, err)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// adapt hands a request to an adapter.
func (h *handler) adapt(w *recorder, r *http.Request, a Adapter, route Route) {
	err := h.checkAddress(r)
	r.Pattern = route.Pattern
	served := r
	if err == nil && !route.Public {
		served, err = h.let(w, r, route)
	}
	if err == nil {
		err = checkAddressText(r)
	}
	if err != nil {
		a.Refuse(w, r, err)
		return
	}
	a.ServeHTTP(w, served)
}

// noRoute answers what the mux knows no operation for. The mux's own answer, in
// plain text, says whether another method would do.
func noRoute(w http.ResponseWriter, r *http.Request, answer http.Handler) {
	seen := &discarded{header: http.Header{}}
	answer.ServeHTTP(seen, r)
	path := shownPath(r.URL.Path)
	if allow := seen.header.Get("Allow"); seen.status == http.StatusMethodNotAllowed && allow != "" {
		w.Header().Set("Allow", allow)
		fail(w, problemWith(http.StatusMethodNotAllowed,
			sluice.Errorf(sluice.Invalid, "%s is not a method of %s", r.Method, path).Fix("use %s", allow)))
		return
	}
	fail(w, sluice.Errorf(sluice.NotFound, "there is nothing at %s", path).Fix("see /openapi.json for what there is"))
}

// shownPath is the beginning of a path that leads nowhere. Behind it may stand
// what belongs in a body, such as the value of a variable.
func shownPath(path string) string {
	parts := strings.SplitN(path, "/", 4)
	if len(parts) < 4 {
		return path
	}
	return strings.Join(parts[:3], "/") + "/…"
}

// discarded is an answer of which the head alone matters.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarded) WriteHeader(status int)      { d.status = status }

// isProbe reports whether somebody asks whether the server lives, or can work:
// orchestrators and load balancers do by an address of their own, and the answer
// holds nothing that another page could want.
func isProbe(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && (r.URL.Path == "/healthz" || r.URL.Path == "/readyz")
}

// checkAddress refuses requests that a browser was talked into: addressed to a
// name that is not this server's, which is how DNS rebinding looks, or coming
// from the page of another site.
func (h *handler) checkAddress(r *http.Request) error {
	if isProbe(r) {
		return nil
	}
	if !h.Trusted && !h.ours(r.Host) {
		return sluice.Errorf(sluice.Denied, "this server does not answer for the host %q", shorten(r.Host)).
			Ask("address it as localhost, or start it with {host=%s}", hostname(shorten(r.Host)))
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) && !loopback(hostname(u.Host)) {
		return sluice.Errorf(sluice.Denied, "requests from pages of %q are refused", shorten(origin)).
			Fix("call the API from a server or a command line, or from this server's own pages")
	}
	return nil
}

// ours reports whether a Host header names this server, with any port.
func (h *handler) ours(host string) bool {
	name := hostname(host)
	return loopback(name) || name != "" && slices.ContainsFunc(h.Hosts, func(s string) bool { return strings.EqualFold(hostname(s), name) })
}

// hostname is a host without its port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func loopback(name string) bool {
	ip := net.ParseIP(name)
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}

func shorten(s string) string { return s[:min(len(s), 100)] }

// admit finds out who asks, and that they ask in their own organization.
func (h *handler) admit(r *http.Request) (sluice.Actor, error) {
	actor, err := h.caller(r)
	if err != nil {
		return actor, err
	}
	if org := r.Header.Get("X-Organization-Id"); org != "" && org != actor.Org {
		return actor, sluice.Errorf(sluice.Denied, "%s belongs to the organization %s, not to %q", actor.Name, actor.Org, shorten(org)).
			Fix("leave the organization out, or use a token of the other one")
	}
	return actor, nil
}

func (h *handler) caller(r *http.Request) (sluice.Actor, error) {
	if h.Trusted {
		name := r.Header.Get("X-Sluice-Actor")
		if name == "" {
			name = localActor
		}
		if !validActor(name) {
			return sluice.Actor{}, sluice.Errorf(sluice.Invalid, "actor %q is not a valid name", shorten(name)).
				Fix("use a name of at most 128 bytes that a person can read, such as alice")
		}
		return sluice.Actor{Name: name, Org: localOrganization, Roles: []sluice.Role{sluice.RoleAdmin}}, nil
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if secret = strings.TrimSpace(secret); !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return sluice.Actor{}, sluice.Errorf(sluice.Unauthenticated, "no token was given").
			Ask("{token}")
	}
	return h.Auth.Authenticate(r.Context(), secret)
}
