package sluice

import (
	"fmt"
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
		return Errorf(Invalid, "%q is not a time", clip(string(b))).Fix("write the date, the time and the zone: 2024-11-12T14:47:00Z")
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

// clip shortens outside text for an error message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:most], ""), len(s))
}
