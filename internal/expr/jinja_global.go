package expr

import (
	"time"

	"github.com/sluice-dev/sluice/internal/value"
)

// globals are the names that every template has. The scope comes before them.
var globals = map[string]bool{
	"range": true, "dict": true, "namespace": true, "now": true, "random": true, "cycler": true, "joiner": true,
	"__exp_global": true, "loop": true, "caller": true,
	"datetime": true, "timezone": true, "ZoneInfo": true, "strftime_now": true, "raise_exception": true,
}

// maxRange is how many numbers range gives.
const maxRange = 10_000

// global finds a name that every template has.
func (r *jinjaRun) global(name string) (any, bool) {
	switch name {
	case "range":
		return &function{name, rangeOf}, true
	case "dict":
		return &function{name, func(_ *jinjaRun, a arguments) (any, error) {
			if len(a.list) > 0 {
				return nil, a.problem("it takes named arguments only")
			}
			return a.named, nil
		}}, true
	case "namespace":
		return &function{name, func(_ *jinjaRun, a arguments) (any, error) {
			if len(a.list) > 0 {
				return nil, a.problem("it takes named arguments only")
			}
			return &namespace{a.named}, nil
		}}, true
	case "now":
		return &function{name, func(r *jinjaRun, a arguments) (any, error) {
			_, err := a.bind()
			return r.now().Format(time.RFC3339), err
		}}, true
	case "random":
		return &function{name, func(r *jinjaRun, a arguments) (any, error) {
			_, err := a.bind()
			return r.random(), err
		}}, true
	case "cycler":
		return &function{name, newCycler}, true
	case "joiner":
		return &function{name, newJoiner}, true
	case "__exp_global":
		return &clock{r}, true
	}
	return r.sharedGlobal(name)
}

func (r *jinjaRun) now() time.Time {
	r.w.uses.Clock = true
	return time.UnixMicro(r.w.render.Now).UTC()
}

// random is a number from 0 up to, not including, 1.
func (r *jinjaRun) random() float64 {
	r.w.uses.Random++
	return r.w.random.Float64()
}

// rangeOf is range(stop), range(start, stop) or range(start, stop, step).
func rangeOf(_ *jinjaRun, a arguments) (any, error) {
	start, step := int64(0), int64(1)
	bounds := make([]int64, len(a.list))
	for i, v := range a.list {
		n, ok := value.Int(v)
		if !ok {
			return nil, a.problem("it takes whole numbers, not %s", describe(v))
		}
		bounds[i] = n
	}
	if a.named.Len() > 0 || len(bounds) == 0 || len(bounds) > 3 {
		return nil, a.problem("it takes one to three whole numbers")
	}
	stop := bounds[0]
	if len(bounds) > 1 {
		start, stop = bounds[0], bounds[1]
	}
	if len(bounds) > 2 {
		step = bounds[2]
	}
	if step == 0 {
		return nil, a.problem("its step must not be 0")
	}
	list := []any{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; {
		if len(list) == maxRange {
			return nil, a.problem("it gives at most %d numbers", maxRange)
		}
		list = append(list, i)
		next := i + step
		if (next > i) != (step > 0) {
			break
		}
		i = next
	}
	return list, nil
}

// newCycler is cycler(values…), with current, next() and reset().
func newCycler(_ *jinjaRun, a arguments) (any, error) {
	if len(a.list) == 0 {
		return nil, a.problem("it needs values to go through")
	}
	values, i := a.list, 0
	n := &namespace{value.Pairs("current", values[0])}
	n.members.Set("next", &function{"next", func(*jinjaRun, arguments) (any, error) {
		v := values[i]
		i = (i + 1) % len(values)
		n.members.Set("current", values[i])
		return v, nil
	}})
	n.members.Set("reset", &function{"reset", func(*jinjaRun, arguments) (any, error) {
		i = 0
		n.members.Set("current", values[0])
		return nil, nil
	}})
	return n, nil
}

// newJoiner is joiner(sep): nothing when it is first called, then sep.
func newJoiner(_ *jinjaRun, a arguments) (any, error) {
	bound, err := a.bind("sep")
	if err != nil {
		return nil, err
	}
	sep, err := a.text(bound, "sep", ", ")
	used := false
	return &function{"joiner", func(*jinjaRun, arguments) (any, error) {
		if used {
			return sep, nil
		}
		used = true
		return "", nil
	}}, err
}

// clock is __exp_global: the date and time as texts.
type clock struct{ run *jinjaRun }

// layouts are its members without the zone at their end.
var layouts = map[string]string{
	"current_date":     time.DateOnly,
	"current_time":     time.TimeOnly,
	"current_datetime": time.DateTime,
}

func (c *clock) member(name string) (any, bool) {
	for _, zone := range []string{"", "_utc", "_pacific"} {
		for base, layout := range layouts {
			if name == base+zone {
				now := c.run.now()
				if zone == "_pacific" {
					now = pacific(now)
				}
				return now.Format(layout), true
			}
		}
	}
	return nil, false
}

// pacific is the time on the west coast of the United States by the rule since
// 2007: summer time from 2:00 on the second Sunday of March to 2:00 on the first
// Sunday of November. It reads no database of time zones, which a sandbox lacks.
func pacific(utc time.Time) time.Time {
	sunday := func(month time.Month, nth int) int {
		first := time.Date(utc.Year(), month, 1, 0, 0, 0, 0, time.UTC)
		return 1 + (7-int(first.Weekday()))%7 + 7*(nth-1)
	}
	const standard, summer = -8 * time.Hour, -7 * time.Hour
	from := time.Date(utc.Year(), time.March, sunday(time.March, 2), 2, 0, 0, 0, time.UTC).Add(-standard)
	to := time.Date(utc.Year(), time.November, sunday(time.November, 1), 2, 0, 0, 0, time.UTC).Add(-summer)
	if !utc.Before(from) && utc.Before(to) {
		return utc.Add(summer)
	}
	return utc.Add(standard)
}
