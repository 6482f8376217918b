package sluice

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// refKind is what the form of a version reference says.
type refKind string

const (
	refNumber refKind = "version number"
	refLabel  refKind = "label"
	refDigest refKind = "digest"
	refLatest refKind = "reserved word"
	refWord   refKind = "word"         // an environment or alias if there is one, else a version name
	refName   refKind = "version name" // forced by name:
	refEnv    refKind = "environment"  // forced by env:
)

// VersionRef names one version of a component. Exactly one field is set, but a
// bare word sets Word: it is an environment or alias if there is one, else the
// name of a version.
type VersionRef struct {
	Number      int
	Label       Label
	Digest      string // "sha256:" and 8 to 64 hex digits
	Latest      bool
	Word        string
	Name        string
	Environment string
}

// ParseVersionRef reads what stands after the @ of a reference: 4, v1.0.0,
// 1.0.0, sha256:ab12cd34, latest, a word, name:WORD or env:WORD.
func ParseVersionRef(s string) (VersionRef, error) {
	switch formOf(s) {
	case refNumber:
		n, err := strconv.Atoi(s)
		if err != nil || n <= 0 || n > 1<<31 {
			return VersionRef{}, Errorf(Invalid, "version number %q is out of range", clip(s)).Fix("version numbers start at 1")
		}
		return VersionRef{Number: n}, nil
	case refLabel:
		l, err := ParseLabel(s)
		return VersionRef{Label: l}, err
	case refDigest:
		return parseDigestRef(s)
	case refLatest:
		return VersionRef{Latest: true}, nil
	case refName:
		word := strings.TrimPrefix(s, "name:")
		return VersionRef{Name: word}, CheckWord("version name", word)
	case refEnv:
		word := strings.TrimPrefix(s, "env:")
		return VersionRef{Environment: word}, CheckWord("environment", word)
	}
	if err := CheckName("version", s); err != nil {
		return VersionRef{}, AsError(err).Fix("name a version as 4, v1.0.0, sha256:ab12cd34, latest, an environment or a version's name")
	}
	return VersionRef{Word: s}, nil
}

func parseDigestRef(s string) (VersionRef, error) {
	hex := strings.ToLower(strings.TrimPrefix(s, "sha256:"))
	if len(hex) < 8 || len(hex) > 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		return VersionRef{}, Errorf(Invalid, "digest %q is not 8 to 64 hex digits", clip(s)).Fix("write sha256: and at least the first 8 digits")
	}
	return VersionRef{Digest: "sha256:" + hex}, nil
}

func formOf(s string) refKind {
	switch {
	case isDigits(s):
		return refNumber
	case strings.HasPrefix(s, "sha256:"):
		return refDigest
	case strings.EqualFold(s, "latest"):
		return refLatest
	case strings.HasPrefix(s, "name:"):
		return refName
	case strings.HasPrefix(s, "env:"):
		return refEnv
	case labelForm.MatchString(s):
		return refLabel
	}
	if version, _, build := strings.Cut(s, "+"); build && labelForm.MatchString(version) {
		return refLabel // whose parser says what is wrong with it
	}
	return refWord
}

// String returns the reference as it is written.
func (r VersionRef) String() string {
	switch {
	case r.Number > 0:
		return strconv.Itoa(r.Number)
	case r.Label != "":
		return string(r.Label)
	case r.Digest != "":
		return r.Digest
	case r.Latest:
		return "latest"
	case r.Name != "":
		return "name:" + r.Name
	case r.Environment != "":
		return "env:" + r.Environment
	}
	return r.Word
}

// ComponentRef is a component with, after an @, one of its versions.
type ComponentRef struct {
	Component string
	Version   VersionRef
}

// ParseComponentRef reads my-prompt@v1.0.0. Without an @ the version is the latest.
func ParseComponentRef(s string) (ComponentRef, error) {
	name, version, found := strings.Cut(s, "@")
	if err := CheckName("component", name); err != nil {
		return ComponentRef{}, err
	}
	if !found {
		return ComponentRef{Component: name, Version: VersionRef{Latest: true}}, nil
	}
	v, err := ParseVersionRef(version)
	return ComponentRef{Component: name, Version: v}, err
}

// String returns the reference as it is written.
func (r ComponentRef) String() string { return r.Component + "@" + r.Version.String() }

// EnvironmentRef names an environment now, at one of its releases, or at a time.
// With neither At nor Exact it is the latest release.
type EnvironmentRef struct {
	Name    string // a name or an alias
	Release int64  // with Exact: a release number; 0 is the state before the first
	Exact   bool
	At      Time
}

// ParseEnvironmentRef reads production, production#42 or
// production@2024-11-12T14:47:00Z, as requests have it: a time is that instant.
func ParseEnvironmentRef(s string) (EnvironmentRef, error) {
	return environmentRef(s, func(at string) (t Time, err error) {
		if at == "" {
			return 0, Errorf(Invalid, "%s@ names no time", clip(s)).Fix("write the date, the time and the zone: 2024-11-12T14:47:00Z")
		}
		return t, t.UnmarshalText([]byte(at))
	})
}

// WrittenEnvironmentRef reads one as a person writes it: the time may take any
// form that [ParseSpan] knows, in the zone of now, and is the end of what it names.
func WrittenEnvironmentRef(s string, now time.Time) (EnvironmentRef, error) {
	return environmentRef(s, func(at string) (Time, error) {
		span, err := ParseSpan(at, now)
		return span.Last, err
	})
}

func environmentRef(s string, moment func(string) (Time, error)) (EnvironmentRef, error) {
	if name, number, found := strings.Cut(s, "#"); found {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 {
			return EnvironmentRef{}, Errorf(Invalid, "release %q is not a number", clip(number)).Fix("write production#42")
		}
		return EnvironmentRef{Name: name, Release: n, Exact: true}, CheckWord("environment", name)
	}
	if name, at, found := strings.Cut(s, "@"); found {
		t, err := moment(at)
		if err != nil {
			return EnvironmentRef{}, err
		}
		return EnvironmentRef{Name: name, At: t}, CheckWord("environment", name)
	}
	return EnvironmentRef{Name: s}, CheckWord("environment", s)
}

// String returns the reference as it is written.
func (r EnvironmentRef) String() string {
	switch {
	case r.Exact:
		return fmt.Sprintf("%s#%d", r.Name, r.Release)
	case !r.At.IsZero():
		return fmt.Sprintf("%s@%s", r.Name, r.At)
	}
	return r.Name
}
