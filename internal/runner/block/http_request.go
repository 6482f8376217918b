package block

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// ownHeaders are set by the connection and not by an author. Another Host would
// reach a site that the address does not name.
var ownHeaders = []string{
	"Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "Trailer", "Te", "Proxy-Connection",
}

// request builds the request that the settings describe, and returns its body too.
func (c Call) request(ctx context.Context) (*http.Request, string, error) {
	method := methodOf(c.setting("method"))
	if !slices.Contains(methods, method) {
		return nil, "", Failf(sluice.Invalid, "%s is not a method that can be sent", brief(method)).Fix("use one of %s", strings.Join(methods, ", "))
	}
	target, err := c.target()
	if err != nil {
		return nil, "", err
	}
	header, err := c.headers()
	if err != nil {
		return nil, "", err
	}
	body, kind, has := bodyOf(c.setting("body"))
	if has && header.Get("Content-Type") == "" {
		header.Set("Content-Type", kind)
	}
	var reader io.Reader
	if has {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), reader)
	if err != nil {
		return nil, "", Failf(sluice.Invalid, "%s is not a URL that can be asked", brief(target.Redacted()))
	}
	request.Header = header
	if method == http.MethodPost || method == http.MethodPatch {
		identify(header, c.Key)
	}
	return request, body, nil
}

// identify sends the key unless the author chose one. The names are written in
// lower case, which is the same to whoever reads them: under its usual name
// net/http takes the header as leave to send the request again by itself when a
// connection breaks, and whether to repeat it is not for net/http to say.
func identify(header http.Header, key string) {
	const name = "Idempotency-Key"
	if header.Get(name) == "" && key != "" {
		header.Set(name, key)
	}
	for _, name := range []string{name, "X-" + name} {
		if values := header[name]; len(values) > 0 {
			delete(header, name)
			header[strings.ToLower(name)] = values
		}
	}
}

// target is the URL with the query added to it.
func (c Call) target() (*url.URL, error) {
	target, err := c.absolute("url", c.text("url"))
	if err != nil {
		return nil, err
	}
	query, err := c.pairs("query")
	if err != nil || query.Len() == 0 {
		return target, err
	}
	target.RawQuery = withQuery(target.RawQuery, query)
	return target, nil
}

// withQuery adds names and values, in their order, to a query, from which it takes
// those of the same names.
func withQuery(raw string, query *value.Object) string {
	var parts []string
	for part := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); part != "" && (err != nil || !query.Has(plain)) {
			parts = append(parts, part)
		}
	}
	for name, v := range query.All() {
		list, is := v.([]any)
		if !is {
			list = []any{v}
		}
		for _, one := range list {
			if one != nil {
				parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value.Text(one)))
			}
		}
	}
	return strings.Join(parts, "&")
}

// absolute reads a URL with a host, for http or https, and without a password.
func (c Call) absolute(name, text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	target, err := url.Parse(text)
	switch {
	case text == "":
		return nil, Failf(sluice.Invalid, "%s is empty", name).Fix("give %s an address such as https://api.example.com/orders", name)
	case err != nil || target.Host == "" || target.Hostname() == "" || target.Scheme != "http" && target.Scheme != "https":
		return nil, Failf(sluice.Invalid, "%s is %s, which is not an absolute http or https address", name, brief(c.hidden(withoutPassword(text)))).
			Fix("give %s an address such as https://api.example.com/orders", name)
	case target.User != nil:
		return nil, Failf(sluice.Invalid, "%s holds a user or a password, which would stand in every record of it", name).
			Fix("keep it in a secret variable, and send it in the Authorization header")
	}
	target.Fragment, target.RawFragment = "", ""
	return target, nil
}

// withoutPassword hides what stands before an @, which may be one.
func withoutPassword(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return "…" + text[at:]
	}
	return text
}

// headers are the author's, checked.
func (c Call) headers() (http.Header, error) {
	settings, err := c.pairs("headers")
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for name, v := range settings.All() {
		if v == nil {
			continue
		}
		text := strings.TrimSpace(value.Text(v))
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !isToken(name):
			return nil, Failf(sluice.Invalid, "%s is not the name of a header", brief(name)).Fix("use letters, digits and dashes")
		case slices.Contains(ownHeaders, canonical):
			return nil, Failf(sluice.Invalid, "the header %s is set by the connection itself", canonical).Fix("remove it from headers")
		case strings.ContainsFunc(text, isControl):
			return nil, Failf(sluice.Invalid, "the header %s holds a line break or another control character", canonical).Fix("send text in one line, and longer text in the body")
		}
		header.Set(name, text)
	}
	return header, nil
}

// pairs returns a setting that is a map.
func (c Call) pairs(name string) (*value.Object, error) {
	switch v := c.setting(name).(type) {
	case nil:
		return nil, nil
	case *value.Object:
		return v, nil
	default:
		return nil, Failf(sluice.Invalid, "%s is %s, which is not a map", name, brief(v)).Fix("write %s as names with values", name)
	}
}

// bodyOf returns a body, its content type, and whether there is one.
func bodyOf(setting any) (text, kind string, has bool) {
	switch v := setting.(type) {
	case nil:
		return "", "", false
	case string:
		return v, "text/plain; charset=utf-8", true
	default:
		return string(jsonOf(v)), "application/json", true
	}
}

func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
