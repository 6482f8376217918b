package sluice_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // where the system has none

	"github.com/sluice-dev/sluice"
)

func TestParseSpan(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2024, 11, 12, 15, 4, 5, 678_000, berlin) // a Tuesday, one hour ahead of UTC
	for in, want := range map[string]string{
		"2024-11-12T14:47:00Z":             "2024-11-12T14:47:00.000000Z to 2024-11-12T14:47:00.999999Z",
		"2024-11-12T14:47:00.123456789Z":   "2024-11-12T14:47:00.123456Z",
		"2024-11-12T14:47:00.12Z":          "2024-11-12T14:47:00.120000Z to 2024-11-12T14:47:00.129999Z",
		"2024-11-12T14:47:00+05:30":        "2024-11-12T09:17:00.000000Z to 2024-11-12T09:17:00.999999Z",
		"2024-11-12T14:47":                 "2024-11-12T13:47:00.000000Z to 2024-11-12T13:47:59.999999Z",
		"2024-11-12T14:47Z":                "2024-11-12T14:47:00.000000Z to 2024-11-12T14:47:59.999999Z",
		"2024-11-12 14:47+02:00":           "2024-11-12T12:47:00.000000Z to 2024-11-12T12:47:59.999999Z",
		"2024-11-12T14:47:01":              "2024-11-12T13:47:01.000000Z to 2024-11-12T13:47:01.999999Z",
		"2024-11-12 14:47":                 "2024-11-12T13:47:00.000000Z to 2024-11-12T13:47:59.999999Z",
		"2024-11-12 14:47:01.5":            "2024-11-12T13:47:01.500000Z to 2024-11-12T13:47:01.599999Z",
		" 2024-11-12 ":                     "2024-11-11T23:00:00.000000Z to 2024-11-12T22:59:59.999999Z",
		"2024-10-27":                       "2024-10-26T22:00:00.000000Z to 2024-10-27T22:59:59.999999Z",
		"2024-03-31":                       "2024-03-30T23:00:00.000000Z to 2024-03-31T21:59:59.999999Z",
		"2024-10-27 01:59":                 "2024-10-26T23:59:00.000000Z to 2024-10-26T23:59:59.999999Z",
		"2024-10-27 03:00":                 "2024-10-27T02:00:00.000000Z to 2024-10-27T02:00:59.999999Z",
		"2024-10-27 02:30+02:00":           "2024-10-27T00:30:00.000000Z to 2024-10-27T00:30:59.999999Z",
		"2024-03-31 03:00":                 "2024-03-31T01:00:00.000000Z to 2024-03-31T01:00:59.999999Z",
		"now":                              "2024-11-12T14:04:05.000678Z",
		"NOW":                              "2024-11-12T14:04:05.000678Z",
		"2h ago":                           "2024-11-12T12:04:05.000678Z",
		"2 hours ago":                      "2024-11-12T12:04:05.000678Z",
		"90 min ago":                       "2024-11-12T12:34:05.000678Z",
		"30s ago":                          "2024-11-12T14:03:35.000678Z",
		"1 day ago":                        "2024-11-11T14:04:05.000678Z",
		"3w ago":                           "2024-10-22T13:04:05.000678Z",
		"today":                            "2024-11-11T23:00:00.000000Z to 2024-11-12T22:59:59.999999Z",
		"today 9:30":                       "2024-11-12T08:30:00.000000Z to 2024-11-12T08:30:59.999999Z",
		"yesterday":                        "2024-11-10T23:00:00.000000Z to 2024-11-11T22:59:59.999999Z",
		"yesterday 15:00":                  "2024-11-11T14:00:00.000000Z to 2024-11-11T14:00:59.999999Z",
		"yesterday at 15:00:30":            "2024-11-11T14:00:30.000000Z to 2024-11-11T14:00:30.999999Z",
		"monday 10:00":                     "2024-11-11T09:00:00.000000Z to 2024-11-11T09:00:59.999999Z",
		"Tuesday at 14:47":                 "2024-11-12T13:47:00.000000Z to 2024-11-12T13:47:59.999999Z",
		"last tuesday at 14:47":            "2024-11-05T13:47:00.000000Z to 2024-11-05T13:47:59.999999Z",
		"last friday":                      "2024-11-07T23:00:00.000000Z to 2024-11-08T22:59:59.999999Z",
		"2024-11-12T14:47:00.000000+00:00": "2024-11-12T14:47:00.000000Z",
	} {
		first, last, _ := strings.Cut(want, " to ")
		if got, err := sluice.ParseSpan(in, now); err != nil || got.First.String() != first || got.Last.String() != valueOr(last, first) {
			t.Errorf("%q is %s to %s, %v; want %s", in, got.First, got.Last, err, want)
		}
	}
	for _, in := range []string{
		"", "when", "2024", "2024-13-01", "2024-02-30", "2023-02-29", "2024-11-12T25:00:00Z", "2024-11-12 14", "12.11.2024", "-2h ago", "2h",
		"2 fortnights ago", "ago", "last today", "last yesterday", "yesterday 25:00", "someday 10:00", "1970-01-01T00:00:00Z", "10000-01-01", "999999w ago",
		"0001-01-01", "9999999999999999999h ago",
	} {
		if got, err := sluice.ParseSpan(in, now); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q is %v, %v; want invalid", in, got, err)
		}
	}
}

// TestClocksThatJump names both that may be meant, and each of them can be written.
func TestClocksThatJump(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	cairo, err := time.LoadLocation("Africa/Cairo")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2024, 11, 12, 15, 4, 5, 0, berlin)
	for in, want := range map[string]string{
		"2024-10-27 02:30":       "say which is meant: 2024-10-27 02:30+02:00 or 2024-10-27 02:30+01:00",
		"2024-10-27T02:00:30.25": "say which is meant: 2024-10-27T02:00:30.25+02:00 or 2024-10-27T02:00:30.25+01:00",
		"2024-03-31 02:30":       "say which is meant: 2024-03-31 01:30+01:00 or 2024-03-31 03:30+02:00",
	} {
		_, err := sluice.ParseSpan(in, now)
		if sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q: %v; want invalid", in, err)
			continue
		}
		fix, _ := sluice.AsError(err).Fixes[0].In(sluice.Words{})
		both := strings.Split(strings.TrimPrefix(fix, "say which is meant: "), " or ")
		slices.Sort(both)
		wanted := strings.Split(strings.TrimPrefix(want, "say which is meant: "), " or ")
		slices.Sort(wanted)
		if !slices.Equal(both, wanted) {
			t.Errorf("%q: %s; want %s", in, fix, want)
		}
		for _, one := range both {
			if _, err := sluice.ParseSpan(one, now); err != nil {
				t.Errorf("%q, which %q advises: %v", one, in, err)
			}
		}
	}
	// There the day begins at one o'clock.
	day, err := sluice.ParseSpan("2024-04-26", now.In(cairo))
	if err != nil || day.First.String() != "2024-04-25T22:00:00.000000Z" || day.Last.String() != "2024-04-26T20:59:59.999999Z" {
		t.Errorf("the day is %s to %s, %v", day.First, day.Last, err)
	}
}

func valueOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func TestTimeText(t *testing.T) {
	at := sluice.TimeOf(time.Date(2024, 11, 12, 14, 47, 0, 1999, time.UTC))
	body, err := json.Marshal(at)
	if err != nil || string(body) != `"2024-11-12T14:47:00.000001Z"` {
		t.Fatalf("JSON is %s, %v", body, err)
	}
	var back sluice.Time
	if err := json.Unmarshal(body, &back); err != nil || back != at {
		t.Errorf("read back as %d, %v; want %d", back, err, at)
	}
	if err := back.UnmarshalText(nil); err != nil || !back.IsZero() || back.String() != "" {
		t.Errorf("nothing is %q, %v", back, err)
	}
	for _, in := range []string{"2024-11-12", "2024-11-12T14:47:00", "2h ago", "x"} { // the wire takes no zone for granted
		if err := back.UnmarshalText([]byte(in)); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q: %v; want invalid", in, err)
		}
	}
}
