package sluice_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

func TestParseVersionRef(t *testing.T) {
	for in, want := range map[string]sluice.VersionRef{
		"4":                  {Number: 4},
		"2147483648":         {Number: 1 << 31},
		"007":                {Number: 7},
		"v1.0.0":             {Label: "v1.0.0"},
		"1.0.0":              {Label: "v1.0.0"},
		"v1.10.0-rc.1":       {Label: "v1.10.0-rc.1"},
		"sha256:ab12cd34":    {Digest: "sha256:ab12cd34"},
		"sha256:AB12CD34":    {Digest: "sha256:ab12cd34"},
		"latest":             {Latest: true},
		"LATEST":             {Latest: true},
		"production":         {Word: "production"},
		"v1":                 {Word: "v1"},
		"v1.2":               {Word: "v1.2"},
		"add-urgency_2":      {Word: "add-urgency_2"},
		"name:add-urgency":   {Name: "add-urgency"},
		"env:prod":           {Environment: "prod"},
		"sha256:" + hex64():  {Digest: "sha256:" + hex64()},
		"v0.0.0-0A.is.legal": {Label: "v0.0.0-0A.is.legal"},
	} {
		if got, err := sluice.ParseVersionRef(in); err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", " ", "0", "-1", "2147483649", "99999999999999999999", "v1.0.0+build", "sha256:", "sha256:ab12cd3", "sha256:xyz12345",
		"sha256:" + hex64() + "0", "name:", "name:4", "name:v1.0.0", "name:latest", "env:", "env:sha256:ab12cd34", "a b", "a/b", "a@b", "a#1",
		".hidden", "a..b", "a.", "a.lock", "ä", "a\n", strings.Repeat("a", 129),
	} {
		if got, err := sluice.ParseVersionRef(in); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q is %+v, %v; want invalid", in, got, err)
		}
	}
}

func hex64() string { return strings.Repeat("0123456789abcdef", 4) }

func TestParseComponentRef(t *testing.T) {
	for in, want := range map[string]sluice.ComponentRef{
		"my-prompt":        {Component: "my-prompt", Version: sluice.VersionRef{Latest: true}},
		"my-prompt@4":      {Component: "my-prompt", Version: sluice.VersionRef{Number: 4}},
		"my-prompt@v1.0.0": {Component: "my-prompt", Version: sluice.VersionRef{Label: "v1.0.0"}},
		"4@prod":           {Component: "4", Version: sluice.VersionRef{Word: "prod"}},
	} {
		if got, err := sluice.ParseComponentRef(in); err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "@4", "my-prompt@", "my prompt@4", "a@b@c"} {
		if got, err := sluice.ParseComponentRef(in); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q is %+v, %v; want invalid", in, got, err)
		}
	}
}

func TestParseEnvironmentRef(t *testing.T) {
	now := time.Date(2024, 11, 12, 15, 0, 0, 0, time.UTC)
	at := sluice.TimeOf(time.Date(2024, 11, 12, 14, 47, 0, 0, time.UTC))
	for in, want := range map[string]sluice.EnvironmentRef{
		"production":                      {Name: "production"},
		"production#42":                   {Name: "production", Release: 42, Exact: true},
		"production#0":                    {Name: "production", Exact: true},
		"production@2024-11-12T14:47:00Z": {Name: "production", At: at + 999_999}, // the end of that second
		"production@2024-11-12 14:47":     {Name: "production", At: at + 59_999_999},
		"prod@13 minutes ago":             {Name: "prod", At: at},
	} {
		got, err := sluice.WrittenEnvironmentRef(in, now)
		if err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", in, got, err, want)
		}
		if again, err := sluice.ParseEnvironmentRef(got.String()); err != nil || again != got {
			t.Errorf("%q is written as %q, which is read as %+v, %v", in, got, again, err)
		}
	}
	for _, in := range []string{
		"", "#1", "@2024-11-12", "production#", "production#-1", "production#x", "production#1#2", "production@", "production@when",
		"4", "v1.0.0", "latest", "prod#99999999999999999999", "prod@1970-01-01",
	} {
		if got, err := sluice.WrittenEnvironmentRef(in, now); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q is %+v, %v; want invalid", in, got, err)
		}
	}
}

// TestRequestsTakeInstants keeps what depends on who asks out of requests.
func TestRequestsTakeInstants(t *testing.T) {
	at := sluice.TimeOf(time.Date(2024, 11, 12, 14, 47, 0, 0, time.UTC))
	if got, err := sluice.ParseEnvironmentRef("production@2024-11-12T14:47:00Z"); err != nil || got.At != at {
		t.Errorf("at is %s, %v; want %s", got.At, err, at)
	}
	for _, in := range []string{"production@", "production@2024-11-12", "production@2024-11-12 14:47", "production@2h ago", "production@yesterday", "production@now"} {
		if got, err := sluice.ParseEnvironmentRef(in); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q is %+v, %v; want invalid", in, got, err)
		}
	}
}

func TestCovers(t *testing.T) {
	pin := sluice.Pin{Version: 4, Label: "v1.0.0", Digest: sluice.Digest("sha256:" + hex64())}
	for in, want := range map[string]bool{
		"4": true, "5": false, "v1.0.0": true, "1.0.0": true, "v1.0.1": false, "sha256:01234567": true, "sha256:11234567": false,
		"latest": false, "word": false,
	} {
		ref, err := sluice.ParseVersionRef(in)
		if err != nil {
			t.Fatal(err)
		}
		if ref.Covers(pin) != want {
			t.Errorf("%q covers %s: %t", in, pin, !want)
		}
	}
}

func TestPosition(t *testing.T) {
	want := sluice.Position{Ledger: "01a1fb1d-ffce-7b44", Seq: 12}
	if got, err := sluice.ParsePosition(want.String()); err != nil || got != want {
		t.Errorf("%s is read as %+v, %v", want, got, err)
	}
	if got, err := sluice.ParsePosition(""); err != nil || !reflect.DeepEqual(got, sluice.Position{}) {
		t.Errorf("nothing is %+v, %v", got, err)
	}
	for _, in := range []string{"-1", "12", "a-", "a-x", "a--1x", "a-99999999999999999999", strings.Repeat("a", 100) + "-1"} {
		if got, err := sluice.ParsePosition(in); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%q is %+v, %v; want invalid", in, got, err)
		}
	}
}
