package sluice_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// refused checks what an outsider may see of a refusal: a code that says it is
// the input, and a message that does not echo a megabyte.
func refused(t *testing.T, err error) {
	t.Helper()
	var e *sluice.Error
	if !errors.As(err, &e) || e.Code != sluice.Invalid && e.Code != sluice.LimitExceeded {
		t.Fatalf("the error is %#v", err)
	}
	if len(e.Message) > 1000 {
		t.Fatalf("the message has %d bytes", len(e.Message))
	}
}

// roundTrip demands that what was read is written as something that is read as
// the same.
func roundTrip[T comparable](t *testing.T, v T, text string, parse func(string) (T, error)) {
	t.Helper()
	if again, err := parse(text); err != nil || again != v {
		t.Fatalf("%+v is written as %q, which is read as %+v, %v", v, text, again, err)
	}
}

func FuzzParseVersionRef(f *testing.F) {
	for _, s := range []string{"4", "v1.0.0", "1.0.0-rc.1", "sha256:ab12cd34", "latest", "prod", "name:add-urgency", "env:prod", "v1.0.0+x", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := sluice.ParseVersionRef(s)
		if err != nil {
			refused(t, err)
			return
		}
		roundTrip(t, r, r.String(), sluice.ParseVersionRef)
	})
}

func FuzzParseComponentRef(f *testing.F) {
	for _, s := range []string{"my-prompt", "my-prompt@4", "my-prompt@v1.0.0", "@", "a@@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := sluice.ParseComponentRef(s)
		if err != nil {
			refused(t, err)
			return
		}
		roundTrip(t, r, r.String(), sluice.ParseComponentRef)
	})
}

func FuzzParseEnvironmentRef(f *testing.F) {
	for _, s := range []string{"production", "production#42", "production@2024-11-12T14:47:00Z", "prod@2h ago", "prod@yesterday 15:00", "#", "@"} {
		f.Add(s)
	}
	now := time.Date(2024, 11, 12, 15, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		r, err := sluice.WrittenEnvironmentRef(s, now)
		if err != nil {
			refused(t, err)
			return
		}
		roundTrip(t, r, r.String(), sluice.ParseEnvironmentRef)
	})
}

func FuzzParseSpan(f *testing.F) {
	for _, s := range []string{"2024-11-12T14:47:00Z", "2024-11-12", "2h ago", "last tuesday at 14:47", "yesterday", "now", "9999-12-31T23:59:59-12:00"} {
		f.Add(s, int64(1731420000))
	}
	f.Fuzz(func(t *testing.T, s string, now int64) {
		span, err := sluice.ParseSpan(s, time.Unix(now%(1<<36), 0))
		if err != nil {
			refused(t, err)
			return
		}
		if at := span.Last; at < span.First {
			t.Fatalf("%q ends at %s, before it begins at %s", s, at, span.First)
		}
		at := span.Last
		var back sluice.Time
		if err := back.UnmarshalText([]byte(at.String())); err != nil || back != at {
			t.Fatalf("%q is %s, which is read as %s, %v", s, at, back, err)
		}
	})
}

func FuzzParseLabel(f *testing.F) {
	f.Add("v1.0.0", "v1.0.0-rc.1")
	f.Add("1.10.0", "1.9.0")
	f.Add("v1.0.0-1", "v1.0.0-a")
	f.Fuzz(func(t *testing.T, s, other string) {
		a, err := sluice.ParseLabel(s)
		if err != nil {
			refused(t, err)
			return
		}
		roundTrip(t, a, string(a), sluice.ParseLabel)
		b, err := sluice.ParseLabel(other)
		if err != nil {
			return
		}
		if a.Compare(b) != -b.Compare(a) || (a.Compare(b) == 0) != (a == b) || a.Compare(a) != 0 {
			t.Fatalf("%s against %s is %d, and the other way %d", a, b, a.Compare(b), b.Compare(a))
		}
	})
}

func FuzzParseSlot(f *testing.F) {
	for _, s := range []string{"component/my-prompt", "var/KEY", "var/KEY@my-prompt", "var/", "component/a/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		slot, err := sluice.ParseSlot(s)
		if err != nil {
			refused(t, err)
			return
		}
		if name := slot.Component(); string(slot) != s || name != "" && sluice.ComponentSlot(name) != slot {
			t.Fatalf("%q became %q of %q", s, slot, name)
		}
	})
}

func FuzzDecodeValue(f *testing.F) {
	for _, s := range []string{
		"", "none", "3 sha256:ab v1.0.0", "3 sha256:ab ", `{"version":1,"split":[{"version":2,"weight":500},{"version":1,"weight":9500}]}`, "{", "x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := sluice.DecodeValue(s)
		if err != nil {
			refused(t, err)
			return
		}
		again, err := sluice.DecodeValue(v.Encode())
		if err != nil || again.Encode() != v.Encode() {
			t.Fatalf("%q is %+v, stored as %q and read as %+v, %v", s, v, v.Encode(), again, err)
		}
		v.Pick("my-prompt", s) // whatever the weights are
		_ = v.String() + string(sluice.RootHash([]sluice.Setting{{Slot: "component/x", Value: v}}))
	})
}

func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{"", "01a1fb1d-ffce-7b44-b801-27450ea1e405-12", "a-0", "-1", "a--1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := sluice.ParsePosition(s)
		if err != nil {
			refused(t, err)
			return
		}
		if s != "" {
			roundTrip(t, p, p.String(), sluice.ParsePosition)
		}
	})
}

// FuzzChangeSet reads the body of a deploy as a client may send it and puts what
// it asks for through the checks that need no store.
func FuzzChangeSet(f *testing.F) {
	f.Add([]byte(`{"changes":[{"component":"a","version":"v1.0.0","expect":"none"}],"expected_release":3,"at":"2024-11-12T14:47:00Z"}`))
	f.Add([]byte(`{"changes":[{"component":"a","split":[{"version":"1","weight":9000},{"version":"2","weight":1000}]}],"reason":"x"}`))
	f.Add([]byte(`{"changes":[{"component":"a","unset":true},{"component":"b","hide":true}],"ticket":"INC-123"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var req sluice.DeployRequest
		if json.Unmarshal(body, &req) != nil {
			return
		}
		if err := req.Change.Check(); err != nil {
			refused(t, err)
		}
		for _, ch := range req.Changes {
			if _, err := sluice.Matches(sluice.Value{}, ch.Expect); ch.Expect != "" && err != nil {
				refused(t, err)
			}
			shares := make([]sluice.Share, 0, len(ch.Split))
			for i, s := range ch.Split {
				if _, err := sluice.ParseVersionRef(s.Version); err != nil {
					refused(t, err)
				}
				shares = append(shares, sluice.Share{Pin: sluice.Pin{Version: i + 1}, Weight: s.Weight})
			}
			v, err := sluice.Allocate(sluice.Pin{}, shares)
			if err != nil {
				refused(t, err)
				continue
			}
			whole := sluice.Weight(0)
			for _, s := range v.Split {
				whole += s.Weight
			}
			if whole != sluice.Whole || len(v.Split) != len(shares) {
				t.Fatalf("%s was admitted as %+v", body, v)
			}
		}
	})
}
