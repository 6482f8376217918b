package outbound

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/sluice-dev/sluice"
)

// kept are the headers that a redirect to another place may carry along. All
// others may be credentials: net/http knows Authorization and Cookie, and not
// the many names that services give to their keys.
var kept = []string{"Accept", "Accept-Language", "Content-Type", "User-Agent", "Idempotency-Key", "idempotency-key"}

// checkRedirect follows at most five redirects. Where they go is judged when the
// next request is sent, as of any other.
func checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) > redirects {
		return sluice.Errorf(sluice.Unavailable, "%s redirected more than %d times", via[0].URL.Host, redirects).
			Fix("ask the address where the redirects were to end")
	}
	for _, hop := range append(slices.Clone(via[1:]), request) {
		if !samePlace(hop.URL, via[0].URL) {
			stripHeaders(request.Header)
			break
		}
	}
	return nil
}

// samePlace reports whether what was meant for one URL may be sent to the other.
// From http to https on the same host is the same place, and never back.
func samePlace(to, from *url.URL) bool {
	if to.Scheme == from.Scheme {
		return to.Host == from.Host
	}
	return to.Scheme == "https" && to.Hostname() == from.Hostname() && to.Port() == "" && from.Port() == ""
}

func stripHeaders(header http.Header) {
	for name := range header {
		if !slices.Contains(kept, name) {
			delete(header, name)
		}
	}
}
