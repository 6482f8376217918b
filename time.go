package sluice

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Time is a moment in UTC, in microseconds since 1970. The zero Time means "no
// time". It is written as RFC 3339 with exactly six decimals, so that times sort
// as text.
type Time int64

// timeLayout has six decimals always, unlike time.RFC3339Nano.
const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

// TimeOf returns t as a Time, dropping what is finer than a microsecond.
func TimeOf(t time.Time) Time { return Time(t.UnixMicro()) }

// Std returns t as a standard time in UTC.
func (t Time) Std() time.Time { return time.UnixMicro(int64(t)).UTC() }

// IsZero reports whether t is "no time".
func (t Time) IsZero() bool { return t == 0 }

// String returns t as RFC 3339 in UTC with six decimals, or "" for no time.
func (t Time) String() string {
	if t == 0 {
		return ""
	}
	return t.Std().Format(timeLayout)
}

// MarshalText is String, for JSON and flags.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads RFC 3339 with a zone; empty is no time.
func (t *Time) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*t = 0
		return nil
	}
	v, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return badTime(string(b))
	}
	return t.set(v)
}

func (t *Time) set(v time.Time) error {
	if year := v.UTC().Year(); year < 1971 || year > 9999 {
		return Errorf(Invalid, "time %s is outside the years 1971 to 9999", v.Format(time.RFC3339))
	}
	*t = TimeOf(v)
	return nil
}

func badTime(s string) *Error {
	return Errorf(Invalid, "%q is not a time", clip(s)).
		Fix(`write 2024-11-12T14:47:00Z, 2024-11-12 14:47, 2024-11-12 (the end of that day), "2h ago" or "yesterday 15:00"`)
}

var (
	agoForm = regexp.MustCompile(`^(\d{1,6})\s*(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|d|days?|w|weeks?) ago$`)
	units   = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour}
	layouts = []string{
		"2006-01-02T15:04:05.999999999", "2006-01-02T15:04",
		"2006-01-02 15:04:05.999999999", "2006-01-02 15:04",
	}
	weekdays = map[string]time.Weekday{
		"sunday": time.Sunday, "monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday,
		"thursday": time.Thursday, "friday": time.Friday, "saturday": time.Saturday,
	}
)

// ParseTime reads a time as a person writes it: RFC 3339, a date (which means
// the end of that day), a date with a clock time, "now", "2h ago", and
// "today", "yesterday" or a past weekday with or without a clock time. Text
// without a zone is in the zone of now, which is the caller's.
func ParseTime(s string, now time.Time) (Time, error) {
	in := strings.TrimSpace(s)
	if v, err := time.Parse(time.RFC3339Nano, in); err == nil {
		return timeFrom(v)
	}
	for _, l := range layouts {
		if v, err := time.ParseInLocation(l, in, now.Location()); err == nil {
			return timeFrom(v)
		}
	}
	if v, err := time.ParseInLocation("2006-01-02", in, now.Location()); err == nil {
		return timeFrom(endOfDay(v))
	}
	if v, ok := relative(strings.ToLower(in), now); ok {
		return timeFrom(v)
	}
	return 0, badTime(s)
}

func timeFrom(v time.Time) (Time, error) {
	var t Time
	err := t.set(v)
	return t, err
}

func relative(s string, now time.Time) (time.Time, bool) {
	if s == "now" {
		return now, true
	}
	if m := agoForm.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		switch unit := m[2][0]; unit {
		case 'd':
			return now.AddDate(0, 0, -n), true
		case 'w':
			return now.AddDate(0, 0, -7*n), true
		default:
			return now.Add(-time.Duration(n) * units[unit]), true
		}
	}
	day, clock, hasClock := strings.Cut(strings.TrimPrefix(s, "last "), " ")
	date, ok := namedDay(day, now, strings.HasPrefix(s, "last "))
	if !ok {
		return time.Time{}, false
	}
	if !hasClock {
		return endOfDay(date), true
	}
	c, err := time.Parse("15:04", strings.TrimPrefix(clock, "at "))
	if err != nil {
		if c, err = time.Parse("15:04:05", strings.TrimPrefix(clock, "at ")); err != nil {
			return time.Time{}, false
		}
	}
	y, m, d := date.Date()
	return time.Date(y, m, d, c.Hour(), c.Minute(), c.Second(), 0, now.Location()), true
}

// namedDay returns the most recent day of that name. A bare weekday may be
// today; "last tuesday" never is.
func namedDay(day string, now time.Time, last bool) (time.Time, bool) {
	switch day {
	case "today":
		return now, !last
	case "yesterday":
		return now.AddDate(0, 0, -1), !last
	}
	w, ok := weekdays[day]
	if !ok {
		return time.Time{}, false
	}
	back := (int(now.Weekday()) - int(w) + 7) % 7
	if back == 0 && last {
		back = 7
	}
	return now.AddDate(0, 0, -back), true
}

func endOfDay(d time.Time) time.Time {
	y, m, day := d.Date()
	return time.Date(y, m, day+1, 0, 0, 0, 0, d.Location()).Add(-time.Microsecond)
}

// clip shortens outside text for an error message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:most], ""), len(s))
}
