package api

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/sluice-dev/sluice"
)

// Retry is the header that every change takes.
type Retry struct {
	Key string `header:"Idempotency-Key" maxLength:"256" doc:"Makes a Retry of the same request return the first answer, for 24 hours."`
}

// Matching is the header of changes that expect an environment at a release.
type Matching struct {
	IfMatch string `header:"If-Match" maxLength:"32" doc:"The release number that the environment must be at."`
}

// expected is what the header says, else what the body said.
func (m Matching) expected(body *int64) (*int64, error) {
	text := strings.Trim(strings.TrimPrefix(m.IfMatch, "W/"), `"`)
	if text == "" {
		return body, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return nil, sluice.Errorf(sluice.Invalid, "If-Match %q is not a release number", m.IfMatch).Fix(`write If-Match: "41"`)
	}
	if body != nil && *body != n {
		return nil, sluice.Errorf(sluice.Invalid, "If-Match says release %d and the body %d", n, *body).Fix("give one of them")
	}
	return &n, nil
}

// Paging are the query parameters of a list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"0" maximum:"1000" doc:"Items in a page; 200 when not given."`
	Cursor string `query:"cursor" maxLength:"256" doc:"What the page before returned as next."`
}

func (p Paging) page() sluice.Paging { return sluice.Paging{Limit: p.Limit, Cursor: p.Cursor} }

// given is an optional body.
func given[T any](body *T) (v T) {
	if body != nil {
		v = *body
	}
	return v
}

// Number is a number in a parameter that may be absent, which is not 0.
type Number struct {
	Value int64
	Given bool
}

// Schema is how huma asks what it is.
func (Number) Schema(huma.Registry) *huma.Schema {
	least := 0.0
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: &least}
}

// Receiver is how huma asks where the number goes.
func (n *Number) Receiver() reflect.Value { return reflect.ValueOf(n).Elem().Field(0) }

// OnParamSet is how huma tells whether there was one.
func (n *Number) OnParamSet(given bool, _ any) { n.Given = given }

// moment reads a time of a query parameter.
func moment(text string) (sluice.Time, error) {
	var t sluice.Time
	if text == "" {
		return 0, nil
	}
	err := t.UnmarshalText([]byte(text))
	return t, err
}
