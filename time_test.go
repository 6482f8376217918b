package sluice_test

import (
	"encoding/json"
	"testing"
	"time"
	_ "time/tzdata" // where the system has none

	"github.com/sluice-dev/sluice"
)

func TestParseTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2024, 11, 12, 15, 4, 5, 678_000, berlin) // a Tuesday, one hour ahead of UTC
	for in, want := range map[string]string{
		"2024-11-12T14:47:00Z":             "2024-11-12T14:47:00.000000Z",
		"2024-11-12T14:47:00.123456789Z":   "2024-11-12T14:47:00.123456Z",
		"2024-11-12T14:47:00+05:30":        "2024-11-12T09:17:00.000000Z",
		"2024-11-12T14:47":                 "2024-11-12T13:47:00.000000Z",
		"2024-11-12T14:47:01":              "2024-11-12T13:47:01.000000Z",
		"2024-11-12 14:47":                 "2024-11-12T13:47:00.000000Z",
		"2024-11-12 14:47:01.5":            "2024-11-12T13:47:01.500000Z",
		" 2024-11-12 ":                     "2024-11-12T22:59:59.999999Z", // the end of that day
		"2024-10-27":                       "2024-10-27T22:59:59.999999Z", // the day on which summer time ended
		"2024-03-31":                       "2024-03-31T21:59:59.999999Z", // the day on which it began
		"2024-02-29":                       "2024-02-29T22:59:59.999999Z",
		"now":                              "2024-11-12T14:04:05.000678Z",
		"NOW":                              "2024-11-12T14:04:05.000678Z",
		"2h ago":                           "2024-11-12T12:04:05.000678Z",
		"2 hours ago":                      "2024-11-12T12:04:05.000678Z",
		"90 min ago":                       "2024-11-12T12:34:05.000678Z",
		"30s ago":                          "2024-11-12T14:03:35.000678Z",
		"1 day ago":                        "2024-11-11T14:04:05.000678Z",
		"3w ago":                           "2024-10-22T13:04:05.000678Z", // 15:04 by the clock then, too
		"today":                            "2024-11-12T22:59:59.999999Z",
		"today 9:30":                       "2024-11-12T08:30:00.000000Z",
		"yesterday":                        "2024-11-11T22:59:59.999999Z",
		"yesterday 15:00":                  "2024-11-11T14:00:00.000000Z",
		"yesterday at 15:00:30":            "2024-11-11T14:00:30.000000Z",
		"monday 10:00":                     "2024-11-11T09:00:00.000000Z",
		"Tuesday at 14:47":                 "2024-11-12T13:47:00.000000Z", // a bare weekday may be today
		"last tuesday at 14:47":            "2024-11-05T13:47:00.000000Z",
		"last friday":                      "2024-11-08T22:59:59.999999Z",
		"2024-11-12T14:47:00.000000+00:00": "2024-11-12T14:47:00.000000Z",
	} {
		if got, err := sluice.ParseTime(in, now); err != nil || got.String() != want {
			t.Errorf("%q is %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "when", "2024", "2024-13-01", "2024-02-30", "2023-02-29", "2024-11-12T25:00:00Z", "2024-11-12 14", "12.11.2024", "-2h ago", "2h",
		"2 fortnights ago", "ago", "last today", "last yesterday", "yesterday 25:00", "someday 10:00", "1970-01-01T00:00:00Z", "10000-01-01", "999999w ago",
		"0001-01-01", "9999999999999999999h ago",
	} {
		if got, err := sluice.ParseTime(in, now); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q is %s, %v; want invalid", in, got, err)
		}
	}
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
