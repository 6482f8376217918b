package sluicetest

import (
	"fmt"
	"regexp"
	"strings"
)

// identifier is the id of a ledger, before an epoch, or of a token.
var identifier = regexp.MustCompile(`"[0-9a-f]{8}-|"[0-9a-f]{10}"`)

// runID is the id of a run.
var runID = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b`)

// fingerprint is that of a value: whole, or its beginning behind its sort.
var fingerprint = regexp.MustCompile(`\b[0-9a-f]{32}\b|\b(secret|plain):[0-9a-f]{8}\b`)

// root is that of a manifest.
var root = regexp.MustCompile(`"root":"sha256:[0-9a-f]{64}"`)

// normal is an answer as all installations give it. Each has a fingerprint key of
// its own, so fingerprints, and the roots that are made of them, are numbered in
// the order in which they turn up: which are equal can still be seen.
func (s *suite) normal(answer string) string {
	answer = runID.ReplaceAllStringFunc(answer, func(id string) string { return s.numbered("run", id) })
	answer = identifier.ReplaceAllString(answer, "ID")
	answer = fingerprint.ReplaceAllStringFunc(answer, func(found string) string {
		s.sealed = true
		sort, digits, short := strings.Cut(found, ":")
		if !short {
			return s.numbered("value", found[:8])
		}
		return sort + ":" + s.numbered("value", digits)
	})
	if !s.sealed { // without variables roots are the same everywhere
		return answer
	}
	return root.ReplaceAllStringFunc(answer, func(found string) string { return `"root":"` + s.numbered("root", found) + `"` })
}

func (s *suite) numbered(sort, random string) string {
	known := s.numbers[sort+random]
	if known == 0 {
		known = len(s.numbers) + 1
		s.numbers[sort+random] = known
	}
	return fmt.Sprintf("%s-%d", sort, known)
}
