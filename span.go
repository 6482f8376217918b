package sluice

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Span is what a written time names, from its first microsecond to its last: a
// day, a minute, a second or a part of one. What was live then is what was live
// at its end; what happened since then is what happened from its beginning on.
type Span struct{ First, Last Time }

// ParseSpan reads a time as a person writes it: RFC 3339, a date, a date with a
// clock time, "now", "2h ago", and "today", "yesterday" or a past weekday with or
// without a clock time. Text without a zone is in the zone of now, which is the
// caller's; a clock time that this zone has twice, or not at all, is [Invalid],
// with the two that may be meant.
func ParseSpan(s string, now time.Time) (Span, error) {
	in := strings.TrimSpace(s)
	for _, layout := range zoned {
		if v, err := time.Parse(layout, in); err == nil {
			return spanFrom(v, written(in))
		}
	}
	for _, layout := range layouts {
		if v, err := time.Parse(layout, in); err == nil {
			return onClocks(v, written(in), now.Location())
		}
	}
	if v, err := time.Parse(time.DateOnly, in); err == nil {
		return daySpan(v, now.Location())
	}
	return relative(s, strings.ToLower(in), now)
}

var (
	agoForm   = regexp.MustCompile(`^(\d{1,6})\s*(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|d|days?|w|weeks?) ago$`)
	clockForm = regexp.MustCompile(`\d:\d\d(:\d\d([.,]\d+)?)?`)
	units     = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour}
	zoned     = []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00"}
	layouts   = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"}
	weekdays  = map[string]time.Weekday{
		"sunday": time.Sunday, "monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday,
		"thursday": time.Thursday, "friday": time.Friday, "saturday": time.Saturday,
	}
)

func badTime(s string) *Error {
	return Errorf(Invalid, "%q is not a time", clip(s)).
		Fix(`write 2024-11-12T14:47:00Z, 2024-11-12 14:47, 2024-11-12, "2h ago" or "yesterday 15:00"`)
}

// written is how long what a clock time names lasts: a minute, a second, or with
// decimals a part of one.
func written(s string) time.Duration {
	m := clockForm.FindStringSubmatch(s)
	switch {
	case m == nil || m[1] == "":
		return time.Minute
	case m[2] == "":
		return time.Second
	}
	part := time.Second
	for range min(len(m[2])-1, 6) {
		part /= 10
	}
	return part
}

// spanFrom is the span that begins at a time.
func spanFrom(v time.Time, lasts time.Duration) (Span, error) {
	var out Span
	if err := out.First.set(v); err != nil {
		return Span{}, err
	}
	return out, out.Last.set(v.Add(lasts - time.Microsecond))
}

// onClocks is the span that begins when the clocks of a zone show what wall shows
// in UTC.
func onClocks(wall time.Time, lasts time.Duration, zone *time.Location) (Span, error) {
	const layout = "2006-01-02T15:04:05.999999999"
	near := readings(wall, zone)
	var found []time.Time
	for _, v := range near {
		if v.Format(layout) == wall.Format(layout) {
			found = append(found, v)
		}
	}
	if len(found) == 1 {
		return spanFrom(found[0], lasts)
	}
	form := "2006-01-02 15:04"
	if lasts < time.Minute {
		form = layout
	}
	why := "is passed over by the clocks of this zone, which go forward then"
	if len(found) > 1 {
		why, near = "comes twice on the clocks of this zone, which go back then", found
	}
	return Span{}, Errorf(Invalid, "%s %s", wall.Format(form), why).
		Fix("say which is meant: %s or %s", near[0].Format(form+"Z07:00"), near[1].Format(form+"Z07:00"))
}

// readings are the times that a clock time may be in a zone, by the offsets that it has
// then, before and after.
func readings(wall time.Time, zone *time.Location) []time.Time {
	y, m, d := wall.Date()
	guess := time.Date(y, m, d, wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
	start, end := guess.ZoneBounds()
	var out []time.Time
	for _, beside := range []time.Time{start.Add(-1), guess, end} {
		_, offset := beside.Zone()
		v := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if beside.IsZero() || beside.Before(start) && start.IsZero() || len(out) > 0 && out[len(out)-1].Equal(v) {
			continue
		}
		out = append(out, v)
	}
	return out
}

// daySpan is a whole day by the clocks of a zone.
func daySpan(day time.Time, zone *time.Location) (Span, error) {
	y, m, d := day.Date()
	first, next := midnight(y, m, d, zone), midnight(y, m, d+1, zone)
	return spanFrom(first, next.Sub(first))
}

// midnight is when a day begins: where the clocks pass midnight over, later.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	v := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if v.Hour() > 12 { // the evening before
		_, v = v.ZoneBounds()
	}
	return v
}

// relative reads a time that is told from now on. Text is as it was written.
func relative(text, s string, now time.Time) (Span, error) {
	if s == "now" {
		return spanFrom(now, time.Microsecond)
	}
	if m := agoForm.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		switch unit := m[2][0]; unit {
		case 'd':
			return spanFrom(now.AddDate(0, 0, -n), time.Microsecond)
		case 'w':
			return spanFrom(now.AddDate(0, 0, -7*n), time.Microsecond)
		default:
			return spanFrom(now.Add(-time.Duration(n)*units[unit]), time.Microsecond)
		}
	}
	day, clock, hasClock := strings.Cut(strings.TrimPrefix(s, "last "), " ")
	date, ok := namedDay(day, now, strings.HasPrefix(s, "last "))
	if !ok {
		return Span{}, badTime(text)
	}
	if !hasClock {
		return daySpan(date, now.Location())
	}
	y, m, d := date.Date()
	for _, layout := range []string{"15:04", "15:04:05"} {
		if c, err := time.Parse(layout, strings.TrimPrefix(clock, "at ")); err == nil {
			wall := time.Date(y, m, d, c.Hour(), c.Minute(), c.Second(), c.Nanosecond(), time.UTC)
			return onClocks(wall, written(clock), now.Location())
		}
	}
	return Span{}, badTime(text)
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
