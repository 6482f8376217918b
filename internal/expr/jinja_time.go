package expr

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones by name, which a sandbox has no files of

	"github.com/sluice-dev/sluice/internal/value"
)

// shared are globals whose names a workflow may also give to something of its own,
// which comes first: those of Scout's templates and of the chat templates of models.
var shared = map[string]bool{"datetime": true, "timezone": true, "ZoneInfo": true, "strftime_now": true, "raise_exception": true}

// sharedGlobal finds one of them.
func (r *jinjaRun) sharedGlobal(name string) (any, bool) {
	switch name {
	case "datetime":
		return datetimes{r}, true
	case "timezone":
		return zones{}, true
	case "ZoneInfo":
		return &function{name, zoneInfo}, true
	case "strftime_now":
		return &function{name, func(r *jinjaRun, a arguments) (any, error) {
			layout, err := a.only("format")
			return strftime(r.now(), layout, false), err
		}}, true
	case "raise_exception":
		return &function{name, func(_ *jinjaRun, a arguments) (any, error) {
			message, err := a.only("message")
			if err == nil {
				err = &Problem{Kind: Thrown, Message: cut(message, maxQuoted)}
			}
			return nil, err
		}}, true
	}
	return nil, false
}

// only is the one argument, a text.
func (a arguments) only(name string) (string, error) {
	bound, err := a.bind(name)
	if err != nil {
		return "", err
	}
	if _, given := bound[name]; !given {
		return "", a.problem("it needs a %s", name)
	}
	return a.text(bound, name, "")
}

// zone is timezone.utc, or what ZoneInfo gives.
type zone struct{ at *time.Location }

func (z zone) String() string { return z.at.String() }

func (z zone) member(name string) (any, bool) { return z.at.String(), name == "key" }

// zones is timezone.
type zones struct{}

func (zones) member(name string) (any, bool) { return zone{time.UTC}, name == "utc" }

// zoneInfo is ZoneInfo("Europe/Rome").
func zoneInfo(_ *jinjaRun, a arguments) (any, error) {
	name, err := a.only("key")
	if err != nil {
		return nil, err
	}
	at, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, a.problem("there is no time zone %s", cut(name, 60)).fixed("write one such as Europe/Rome or America/New_York")
	}
	return zone{at}, nil
}

// datetimes is datetime, the class of Python and the module of the same name.
type datetimes struct{ run *jinjaRun }

func (d datetimes) member(name string) (any, bool) {
	switch name {
	case "datetime":
		return d, true
	case "timezone":
		return zones{}, true
	case "now", "utcnow", "today":
		return &function{"datetime." + name, func(r *jinjaRun, a arguments) (any, error) {
			bound, err := a.bind("tz")
			if err != nil {
				return nil, err
			}
			if z, ok := bound["tz"].(zone); ok {
				return moment{r.now().In(z.at), true}, nil
			}
			if bound["tz"] != nil {
				return nil, a.problem("its tz must be a time zone, not %s", describe(bound["tz"]))
			}
			return moment{r.now(), false}, nil
		}}, true
	case "fromisoformat":
		return &function{"datetime.fromisoformat", fromISO}, true
	}
	return nil, false
}

// fromISO reads a time, or a day, as ISO 8601 writes it.
func fromISO(_ *jinjaRun, a arguments) (any, error) {
	text, err := a.only("text")
	if err != nil {
		return nil, err
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return moment{t, true}, nil
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return moment{t, false}, nil
		}
	}
	return nil, a.problem("%s is no time", cut(text, 60)).fixed("write one such as 2026-07-04T18:30:00+00:00")
}

// moment is a datetime. One that is aware knows its zone, and shows it.
type moment struct {
	time.Time
	aware bool
}

// String is how Python prints it.
func (m moment) String() string { return strings.Replace(m.iso(), "T", " ", 1) }

func (m moment) iso() string {
	layout := "2006-01-02T15:04:05"
	if m.Nanosecond() >= 1000 {
		layout += ".000000"
	}
	if m.aware {
		layout += "-07:00"
	}
	return m.Format(layout)
}

func (m moment) member(name string) (any, bool) {
	numbers := map[string]int{
		"year": m.Year(), "month": int(m.Month()), "day": m.Day(), "hour": m.Hour(), "minute": m.Minute(), "second": m.Second(),
		"microsecond": m.Nanosecond() / 1000,
	}
	if n, ok := numbers[name]; ok {
		return int64(n), true
	}
	plain := func(give func() any) (any, bool) {
		return &function{name, func(_ *jinjaRun, a arguments) (any, error) {
			_, err := a.bind()
			return give(), err
		}}, true
	}
	switch name {
	case "isoformat":
		return plain(func() any { return m.iso() })
	case "date":
		return plain(func() any { return m.Format(time.DateOnly) })
	case "time":
		return plain(func() any { return m.Format(time.TimeOnly) })
	case "weekday":
		return plain(func() any { return int64(m.Weekday()+6) % 7 })
	case "isoweekday":
		return plain(func() any { return int64(m.Weekday()+6)%7 + 1 })
	case "timestamp":
		return plain(func() any { return value.FromFloat(float64(m.UnixMicro()) / 1e6) })
	case "strftime":
		return &function{name, func(_ *jinjaRun, a arguments) (any, error) {
			layout, err := a.only("format")
			return strftime(m.Time, layout, m.aware), err
		}}, true
	case "astimezone":
		return &function{name, func(_ *jinjaRun, a arguments) (any, error) {
			bound, err := a.bind("tz")
			z, ok := bound["tz"].(zone)
			if err == nil && !ok {
				err = a.problem("it needs a time zone")
			}
			if err != nil {
				return nil, err
			}
			return moment{m.In(z.at), true}, nil
		}}, true
	}
	return nil, false
}

// directives are those of strftime that Go has a layout for.
var directives = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'A': "Monday", 'a': "Mon", 'B': "January", 'b': "Jan", 'h': "Jan", 'j': "002", 'e': "_2", 'F': "2006-01-02", 'T': "15:04:05",
	'R': "15:04", 'D': "01/02/06", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05",
}

// strftime formats a time as Python does. What it does not know stays as it is.
func strftime(t time.Time, layout string, aware bool) string {
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' || i+1 == len(layout) {
			b.WriteByte(layout[i])
			continue
		}
		i++
		bare := layout[i] == '-' && i+1 < len(layout) // without the zeros in front
		if bare {
			i++
		}
		piece, known := directive(t, layout[i], aware)
		switch {
		case !known && bare:
			piece = "%-" + layout[i:i+1]
		case !known:
			piece = "%" + layout[i:i+1]
		case bare && piece != "":
			last := len(piece) - 1
			piece = strings.TrimLeft(piece[:last], "0 ") + piece[last:]
		}
		b.WriteString(piece)
	}
	return b.String()
}

// directive gives what one letter of a format stands for.
func directive(t time.Time, letter byte, aware bool) (string, bool) {
	switch letter {
	case '%':
		return "%", true
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), true
	case 'w':
		return fmt.Sprint(int(t.Weekday())), true
	case 'u':
		return fmt.Sprint(int(t.Weekday()+6)%7 + 1), true
	case 'V':
		_, week := t.ISOWeek()
		return fmt.Sprintf("%02d", week), true
	case 'z', 'Z':
		switch {
		case !aware:
			return "", true
		case letter == 'z':
			return t.Format("-0700"), true
		}
		return t.Format("MST"), true
	}
	to, known := directives[letter]
	if !known {
		return "", false
	}
	return t.Format(to), true
}
