package api

import (
	"net/http"
	"net/url"

	"github.com/sluice-dev/sluice"
)

// textHeaders are the headers that become text of ours.
var textHeaders = []string{"Idempotency-Key", "If-Match", "Last-Event-Id", "X-Organization-Id", "X-Sluice-Actor"}

// checkAddressText refuses a request whose path, parameters or headers are not
// text, or whose query would be read in part. What a body holds is checked where it
// is decoded.
func checkAddressText(r *http.Request) error {
	if err := sluice.CheckIsText("the path of the address", r.URL.Path); err != nil {
		return err
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // with what may be a value in its message
		return sluice.Errorf(sluice.Invalid, "the query of the address cannot be read").
			Fix("write it as name=value&name=value, with %%XX for what is no letter or digit").Because(err)
	}
	for name, values := range query {
		if err := sluice.CheckIsText("the name of a query parameter", name); err != nil {
			return err
		}
		for _, value := range values {
			if err := sluice.CheckIsText("query parameter "+shownName(name), value); err != nil {
				return err
			}
		}
	}
	for _, name := range textHeaders {
		for _, value := range r.Header.Values(name) {
			if err := sluice.CheckIsText("the header "+name, value); err != nil {
				return err
			}
		}
	}
	return nil
}
