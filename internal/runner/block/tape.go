package block

import (
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/value"
)

// maxTaped is how many bytes of a body are put on the tape.
const maxTaped = 64 << 10

// httpRecord is a request or a response as the tape holds it. Body is text, and
// Base64 what is not, cut to 64 KiB; then Truncated is set, and Length are the bytes
// it had.
type httpRecord struct {
	Method    string        `json:"method,omitempty"`
	URL       string        `json:"url,omitempty"`
	Status    int           `json:"status,omitempty"`
	Headers   *value.Object `json:"headers,omitempty"`
	Body      string        `json:"body,omitempty"`
	Base64    []byte        `json:"base64,omitempty"`
	Truncated bool          `json:"truncated,omitempty"`
	Length    int           `json:"length,omitempty"`
}

// tape is one effect while it happens.
type tape struct {
	effect sluice.Effect
	start  time.Time
	record func(sluice.Effect)
}

// tape begins an effect.
func (c Call) tape(kind sluice.EffectKind) *tape {
	now := time.Now()
	return &tape{sluice.Effect{Attempt: c.Attempt, Kind: kind, At: sluice.TimeOf(now)}, now, c.Record}
}

func (t *tape) request(v any)  { t.effect.Request = jsonOf(v) }
func (t *tape) response(v any) { t.effect.Response = jsonOf(v) }

// end puts the effect on the tape.
func (t *tape) end(err error) {
	if err != nil {
		t.effect.Error = err.Error()
	}
	t.effect.Duration = time.Since(t.start).Microseconds()
	t.record(t.effect)
}

func requestRecord(request *http.Request, body string) httpRecord {
	r := httpRecord{Method: request.Method, URL: request.URL.String(), Headers: headerTree(request.Header)}
	return r.with(body)
}

func (a *answer) record(call Call) httpRecord {
	r := httpRecord{Status: a.status, Headers: headerTree(a.header)}
	return r.with(call.hidden(string(a.body)))
}

// with returns the record with a body, as far as the tape holds it.
func (r httpRecord) with(body string) httpRecord {
	if len(body) > maxTaped {
		r.Truncated, r.Length = true, len(body)
		end := maxTaped
		for end > maxTaped-utf8.UTFMax && !utf8.RuneStart(body[end]) {
			end-- // no half of a character
		}
		body = body[:end]
	}
	if utf8.ValidString(body) {
		r.Body = body
	} else {
		r.Base64 = []byte(body)
	}
	return r
}
