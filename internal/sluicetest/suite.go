// Package sluicetest is the conformance suite: what every implementation of
// [sluice.Services] does, whichever engine keeps the data and whatever lies
// between the caller and it. Each group of questions is asked of an empty
// installation whose clock stands still, and all answers and refusals are
// written down, so that implementations can be compared to the last field. The
// package is for tests alone.
package sluicetest

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// Open returns an empty installation, in which the administrator alice asks. It
// lives until the test ends and takes the time from now.
type Open func(t *testing.T, now func() time.Time) (sluice.Services, Asker)

// Asker returns the context in which the holder of a token asks; with an empty
// secret, the one in which nobody does. It may find out at once that the secret
// is not good, or leave that to the first question.
type Asker func(ctx context.Context, secret string) (context.Context, error)

// Transcript is what the groups of the suite were answered.
type Transcript map[string][]string

// group is a set of questions to one installation.
type group struct {
	name string
	ask  func(*suite)
}

var groups = []group{
	{"components", components},
	{"drafts", drafts},
	{"versions", versions},
	{"version references", versionReferences},
	{"tracking", tracking},
	{"quarantine and purge", quarantineAndPurge},
	{"environments", environments},
	{"inheritance", inheritance},
	{"deploy", deploy},
	{"splits", splits},
	{"promote", promote},
	{"rollback", rollback},
	{"restore", restore},
	{"imports", imports},
	{"compare and set", compareAndSet},
	{"idempotency", idempotency},
	{"history", history},
	{"time travel", timeTravel},
	{"diff", diff},
	{"watch", watch},
	{"audit", audit},
	{"tokens", tokens},
	{"limits", limits},
	{"every change", everyChange},
	{"roles", roles},
	{"credentials", credentials},
	{"two people", twoPeople},
	{"pages", pages},
	{"bytes", bytesOnTheWire},
	{"ledger tree", ledgerTree},
	{"ambiguity", ambiguity},
	{"resuming a watch", resuming},
	{"deadlines", deadlines},
	{"selection", selection},
	{"stickiness", stickiness},
	{"entries", entries},
	{"the end of an environment", ending},
	{"unchecked", unchecked},
}

// Run asks an implementation everything.
func Run(t *testing.T, open Open) Transcript {
	t.Helper()
	out := Transcript{}
	for _, group := range slices.Concat(groups, variableGroups, runGroups, recordGroups) {
		t.Run(group.name, func(t *testing.T) {
			s := &suite{T: t, open: open, mu: &sync.Mutex{}, clock: time.Date(2024, 11, 12, 14, 0, 0, 0, time.UTC), numbers: map[string]int{}}
			s.Services, s.asker = open(t, s.now)
			s.ctx = sluice.WithActor(t.Context(), sluice.Actor{Name: "alice", Org: "default", Roles: []sluice.Role{sluice.RoleAdmin}})
			group.ask(s)
			s.holds()
			out[group.name] = s.said
		})
	}
	return out
}

// suite is one group's installation.
type suite struct {
	*testing.T
	sluice.Services
	open  Open // to have another installation
	asker Asker
	ctx   context.Context
	mu    *sync.Mutex
	clock time.Time // guarded by mu, since workers look at it too
	said  []string

	sealed  bool           // a fingerprint was seen
	numbers map[string]int // of what is random, by first appearance
}

// holds demands that the ledger explains everything that is stored, whatever was
// asked.
func (s *suite) holds() {
	report, err := s.Verify(s.ctx, sluice.VerifyRequest{})
	if err != nil || !report.Holds {
		s.Errorf("the ledger does not hold: %s, %v", report.Problem, err)
	}
}

// advance moves the clock on.
func (s *suite) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

func (s *suite) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

// note writes an answer down.
func (s *suite) note(v any) {
	s.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		s.Fatal(err)
	}
	s.said = append(s.said, s.normal(string(body)))
}

// ok demands an answer and writes it down.
func ok[T any](s *suite) func(v T, err error) T {
	return func(v T, err error) T {
		s.Helper()
		if err != nil {
			s.Fatalf("%v %v", err, sluice.AsError(err).Fixes)
		}
		s.note(v)
		return v
	}
}

// commandLine is what no error says but on the command line: its commands and
// flags.
var commandLine = regexp.MustCompile("`sluice |[ `(]--[a-z]")

// refused demands an error with a code and a fix, and writes all of it down.
func (s *suite) refused(err error, code sluice.Code, words ...string) {
	s.Helper()
	if sluice.CodeOf(err) != code {
		s.Fatalf("the error is %v, want %s", err, code)
	}
	e := sluice.AsError(err)
	for _, word := range words {
		if !strings.Contains(e.Message+" "+strings.Join(sluice.Texts(e.Fixes), " "), word) {
			s.Errorf("%q with the fixes %q does not say %q", e.Message, e.Fixes, word)
		}
	}
	if said := commandLine.FindString(e.Message + " " + strings.Join(sluice.Texts(e.Fixes), " ")); said != "" {
		s.Errorf("%q with the fixes %q speaks of the command line: %q", e.Message, e.Fixes, said)
	}
	s.note([]any{e.Code, e.Message, e.Fixes})
}

// refusedEarly is refused for what a transport may notice first, in its own words.
func (s *suite) refusedEarly(err error, code sluice.Code) {
	s.Helper()
	if sluice.CodeOf(err) != code {
		s.Fatalf("the error is %v, want %s", err, code)
	}
	s.note(code)
}

// unchanged demands that what is done adds nothing to the ledger.
func (s *suite) unchanged(what string, do func()) {
	s.Helper()
	before := s.epoch()
	do()
	if after := s.epoch(); after != before {
		s.Errorf("%s took the ledger from %d to %d", what, before, after)
	}
}

func (s *suite) epoch() int64 {
	s.Helper()
	info, err := s.Info(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	return info.Epoch
}

// equal compares what a person would read.
func (s *suite) equal(what string, got, want any) {
	s.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("%s: %v, want %v", what, got, want)
	}
}

// The components of most groups, with the versions that publish makes.
const (
	prompt = "my-prompt"
	other  = "router"
)

// publish makes a version with a label whose text is the label's.
func (s *suite) publish(component, label string) sluice.Version {
	s.Helper()
	return ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{
		Component: component, Kind: sluice.KindPrompt, Label: label, Files: text(label),
	})).Version
}

// published makes v1.0.0 … v1.n-1.0 of both components, without development
// following them.
func (s *suite) published(n int) {
	s.Helper()
	none := "none"
	ok[sluice.EnvironmentChange](s)(s.EditEnvironment(s.ctx, sluice.EditEnvironmentRequest{Name: "development", Tracks: &none}))
	for _, component := range []string{prompt, other} {
		for i := range n {
			s.publish(component, fmt.Sprintf("v1.%d.0", i))
		}
	}
}

func text(content string) []sluice.File {
	return []sluice.File{{Path: "prompt.md", Text: "This is " + content + ".\n"}}
}

// set is a change set that sets versions: component, version, …
func set(pairs ...string) []sluice.ChangeRequest {
	var out []sluice.ChangeRequest
	for pair := range slices.Chunk(pairs, 2) {
		out = append(out, sluice.ChangeRequest{Component: pair[0], Version: pair[1]})
	}
	return out
}

func (s *suite) deploy(environment string, pairs ...string) sluice.Outcome {
	s.Helper()
	return ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: environment, Changes: set(pairs...)}))
}

// live demands what is live in an environment: "my-prompt v1.0.0, router none".
func (s *suite) live(environment, want string) sluice.Manifest {
	s.Helper()
	return s.liveAt(sluice.EnvironmentRef{Name: environment}, want)
}

func (s *suite) liveAt(ref sluice.EnvironmentRef, want string) sluice.Manifest {
	s.Helper()
	m := ok[sluice.Manifest](s)(s.State(s.ctx, ref))
	var slots []string
	for _, slot := range m.Slots {
		if slot.Slot.Component() == "" { // a variable
			continue
		}
		line := slot.Slot.Component() + " " + slot.Value.String()
		if slot.Origin != "" {
			line += " from " + slot.Origin
		}
		slots = append(slots, line)
	}
	s.equal("live in "+ref.String(), strings.Join(slots, ", "), want)
	return m
}
