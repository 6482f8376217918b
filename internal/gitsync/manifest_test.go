package gitsync

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

const someCommit = gitrepo.OID("0123456789abcdef0123456789abcdef01234567")

// example is what the contract between clones shows.
const example = `{
  "format": 1,
  "environment": {"name": "production", "alias": "prod", "parent": "base", "tracks": "", "promotes_from": ["staging"]},
  "root": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  "slots": {
    "component/my-prompt": {"kind": "prompt", "path": "components/prompts/my-prompt.md", "version": 3, "label": "v1.0.0", "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "commit": "0123456789abcdef0123456789abcdef01234567", "under": {"version": 2, "label": "v0.9.0", "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}, "origin": "base", "pinned": true},
    "component/off": {"none": true},
    "component/split": {"kind": "prompt", "path": "a \"b\"\u0009ü/", "version": 1, "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "split": [{"version": 2, "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "weight": 500}, {"version": 1, "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "weight": 9500}]},
    "var/KEY@my-prompt": {"hidden": true},
    "var/LLM_MODEL": {"fingerprint": "0123456789abcdef0123456789abcdef", "secret": true}
  }
}
`

func exampleManifest() Manifest {
	pin := func(n int, l sluice.Label) sluice.Pin { return sluice.Pin{Version: n, Label: l, Digest: someDigest} }
	return Manifest{
		Environment: EnvironmentHead{Name: "production", Alias: "prod", Parent: "base", PromotesFrom: []string{"staging"}},
		Root:        someDigest,
		Slots: []SlotLine{
			{
				Slot: "component/my-prompt", Value: sluice.Settle(pin(3, "v1.0.0")), Kind: "prompt", Path: "components/prompts/my-prompt.md",
				Commit: someCommit, Under: sluice.Settle(pin(2, "v0.9.0")), Origin: "base", Pinned: true,
			},
			{Slot: "component/off", Value: sluice.Value{None: true}},
			{Slot: "component/split", Kind: "prompt", Path: "a \"b\"\tü/", Value: sluice.Value{
				Pin: pin(1, ""), Split: []sluice.Share{{Pin: pin(2, ""), Weight: 500}, {Pin: pin(1, ""), Weight: 9500}},
			}},
			{Slot: "var/KEY@my-prompt", Value: sluice.Value{Sealed: sluice.Sealed{Hidden: true}}},
			{Slot: "var/LLM_MODEL", Value: sluice.Value{Sealed: sluice.Sealed{Fingerprint: "0123456789abcdef0123456789abcdef", Secret: true}}},
		},
	}
}

func TestManifestIsWrittenAsAgreed(t *testing.T) {
	t.Parallel()
	if got := string(exampleManifest().Encode()); got != example {
		t.Errorf("got\n%s\nwant\n%s", got, example)
	}
	m, err := ParseManifest([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	sameManifest(t, m, exampleManifest())
	empty := Manifest{Environment: EnvironmentHead{Name: "base"}, Root: sluice.RootHash(nil)}
	if m, err = ParseManifest(empty.Encode()); err != nil || len(m.Slots) > 0 || m.Environment.Name != "base" {
		t.Errorf("the empty manifest is read as %+v, %v", m, err)
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func sameManifest(t fataler, got, want Manifest) {
	t.Helper()
	same := got.Root == want.Root && fmt.Sprint(got.Environment) == fmt.Sprint(want.Environment) && slices.EqualFunc(got.Slots, want.Slots, SlotLine.Equal)
	if !same {
		t.Fatalf("got\n%+v\nwant\n%+v", got, want)
	}
}

// TestManifestIsReadBack: whatever an environment holds comes back, it is valid JSON,
// and its order does not matter.
func TestManifestIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := aManifest(t)
		text := want.Encode()
		got, err := ParseManifest(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		sameManifest(t, got, want)
		if !json.Valid(text) {
			t.Fatalf("not JSON: %s", text)
		}
		shuffled := want
		shuffled.Slots = rapid.Permutation(want.Slots).Draw(t, "order")
		if string(shuffled.Encode()) != string(text) {
			t.Fatalf("in another order it is\n%s\nnot\n%s", shuffled.Encode(), text)
		}
		var settings []sluice.Setting
		for _, s := range want.Slots {
			settings = append(settings, sluice.Setting{Slot: s.Slot, Value: s.Value, Origin: s.Origin})
		}
		if got, want := RootOf(got), sluice.RootHash(settings); got != want {
			t.Fatalf("the root is %s, want %s", got, want)
		}
	})
}

// TestLinesAreAManifest: changing some slots of lines that were cut from a manifest is
// the same as writing it anew.
func TestLinesAreAManifest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := aManifest(t)
		lines, err := LinesOf(m.Encode())
		if err != nil || lines.Len() != len(m.Slots) {
			t.Fatalf("%d lines of %d: %v", lines.Len(), len(m.Slots), err)
		}
		for _, s := range aManifest(t).Slots {
			i, found := slices.BinarySearchFunc(m.Slots, s, func(a, b SlotLine) int { return strings.Compare(string(a.Slot), string(b.Slot)) })
			switch rapid.IntRange(0, 2).Draw(t, "what to do with "+string(s.Slot)) {
			case 0:
				lines.Set(s)
				if m.Slots = slices.Clone(m.Slots); found {
					m.Slots[i] = s
				} else {
					m.Slots = slices.Insert(m.Slots, i, s)
				}
			case 1:
				lines.Remove(s.Slot)
				if found {
					m.Slots = slices.Delete(slices.Clone(m.Slots), i, i+1)
				}
			}
		}
		if got, want := string(lines.Encode(m.Environment, m.Root)), string(m.Encode()); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// refusals are the example with one thing replaced, and what is said about it.
var refusals = []struct {
	name, old, text string
	want            string
}{
	{"another format", `"format": 1`, `"format": 2`, "has format 2; this Sluice reads format 1"},
	{"no format", `  "format": 1,` + "\n", "", "does not begin as Sluice begins it"},
	{"cut off", "  }\n}\n", "", "does not end"},
	{"more after it", "  }\n}\n", "  }\n}\n{}\n", "does not end"},
	{"an end in a line", "true}\n  }\n", "true}  }\n", "does not end"},
	{"a field of the environment", `"tracks": ""`, `"tracks": "", "colour": "red"`, `line 3 of sluice.manifest.json: the environment cannot be read: unknown field "colour"`},
	{"a field of the environment left out", `"tracks": "", `, ``, `line 3 of sluice.manifest.json: the environment is not as Sluice writes it, from "promotes_from`},
	{"a field of the environment twice", `"tracks": ""`, `"tracks": "", "tracks": ""`, `line 3 of sluice.manifest.json: the environment is not as Sluice writes it`},
	{"null for a list", `["staging"]`, `null`, "line 3"},
	{"an environment that is a number", `"name": "production"`, `"name": 7`, "line 3"},
	{"a name that no environment has", `"name": "production"`, `"name": "v1.0.0"`, `line 3 of sluice.manifest.json: environment "v1.0.0" reads as a label`},
	{"a parent that no environment has", `"parent": "base"`, `"parent": "a/b"`, "line 3"},
	{"no parent", `"parent": "base"`, `"parent": ""`, "needs a parent"},
	{"from one environment twice", `["staging"]`, `["staging", "staging"]`, "twice"},
	{"a root that is none", `"root": "sha256:9f`, `"root": "sha256:9F`, "line 4 of sluice.manifest.json: the root is not"},
	{"a root with an escape", `"root": "sha256`, `"root": "\u0073ha256`, "line 4"},
	{"no root", `  "root": "`, `  "rood": "`, "line 3"},
	{"no slots", `"slots"`, `"slits"`, "line 4"},
	{"a field of a slot", `{"none": true}`, `{"none": true, "why": 1}`, `line 7 of sluice.manifest.json: "component/off" cannot be read: unknown field "why"`},
	{"a field of a slot twice", `{"none": true}`, `{"none": true, "none": true}`, `"component/off" is not as Sluice writes it, from ", \"none`},
	{"a field that is empty", `{"none": true}`, `{"none": true, "pinned": false}`, "line 7"},
	{"a field in other letters", `{"none": true}`, `{"None": true}`, "line 7"},
	{"other blanks", `{"none": true}`, `{"none":true}`, "line 7"},
	{"a string for a number", `"version": 3`, `"version": "3"`, `line 6 of sluice.manifest.json: "component/my-prompt" cannot be read`},
	{"a number that is too large", `"version": 3`, `"version": 30000000000000000000`, "line 6"},
	{"version 0", `"version": 3, "label": "v1.0.0", `, `"label": "v1.0.0", `, "line 6"},
	{"a negative version", `"version": 3`, `"version": -3`, "line 6"},
	{"a version out of range", `"version": 3`, `"version": 3000000000`, "line 6"},
	{"a label without its v", `"label": "v1.0.0"`, `"label": "1.0.0"`, "lacks its v"},
	{"a label that is none", `"label": "v1.0.0"`, `"label": "prod"`, "not a version label"},
	{"a digest that is none", `"digest": "sha256:9f86`, `"digest": "sha256:xx86`, "digest"},
	{"a commit that is none", `"commit": "0123456789`, `"commit": "HEAD456789`, `commit "HEAD456789`},
	{"a path out of the tree", `"components/prompts/my-prompt.md"`, `"../my-prompt.md"`, "does not stay inside"},
	{"a path into .git", `"components/prompts/my-prompt.md"`, `"x/.GIT/hooks"`, "does not stay inside"},
	{"an absolute path", `"components/prompts/my-prompt.md"`, `"/etc/passwd"`, "does not stay inside"},
	{"a path that is not clean", `"components/prompts/my-prompt.md"`, `"components//my-prompt.md"`, "does not stay inside"},
	{"a kind that is none", `"kind": "prompt", "path": "components`, `"kind": "a b", "path": "components`, "kind"},
	{"an origin that is none", `"origin": "base"`, `"origin": "7"`, "environment"},
	{"a split under it", `"under": {"version": 2, "label": "v0.9.0", `, `"under": {"none": true, "version": 2, "label": "v0.9.0", `, "line 6"},
	{"nothing under it that is said", `"under": {"version": 2, "label": "v0.9.0", "digest": "` + string(someDigest) + `"}`, `"under": {}`, "line 6"},
	{"nothing is under it", `"under": {"version": 2, "label": "v0.9.0", "digest": "` + string(someDigest) + `"}`, `"under": {"none": true}`, "not settled"},
	{"weights that do not add up", `"weight": 500`, `"weight": 501`, "add up"},
	{"a component with a fingerprint", `{"none": true}`, `{"fingerprint": "0123456789abcdef0123456789abcdef"}`, "cannot hold"},
	{"a variable with a version", `{"hidden": true}`, `{"version": 1, "digest": "` + string(someDigest) + `"}`, "cannot hold"},
	{"a variable with a path", `{"hidden": true}`, `{"path": "x", "hidden": true}`, "is a variable"},
	{"two values at once", `{"hidden": true}`, `{"none": true, "hidden": true}`, "several values"},
	{"a fingerprint that is none", `"0123456789abcdef0123456789abcdef"`, `"hunter2"`, "32 hex digits"},
	{"a secret without fingerprint", `{"fingerprint": "0123456789abcdef0123456789abcdef", "secret": true}`, `{"secret": true}`, "32 hex digits"},
	{"a slot that holds nothing", `{"hidden": true}`, `{}`, "holds nothing"},
	{"a slot that is none", `"var/LLM_MODEL"`, `"vars/LLM_MODEL"`, `line 10 of sluice.manifest.json: "vars/LLM_MODEL" is not a slot`},
	{"a slot with an escape", `"var/LLM_MODEL"`, `"var/\u004cLM_MODEL"`, "line 10"},
	{"a slot twice", `"component/off"`, `"component/my-prompt"`, `line 7 of sluice.manifest.json: "component/my-prompt" is there twice`},
	{"slots out of order", `"component/off"`, `"component/a"`, `line 7 of sluice.manifest.json: "component/a" comes after "component/my-prompt"`},
	{"no comma", `{"none": true},`, `{"none": true}`, "comma"},
	{"a comma too many", "\"secret\": true}\n", "\"secret\": true},\n", "comma"},
	{"two slots in a line", "\"secret\": true}\n", `"secret": true}, "var/X": {"stub": true}` + "\n", "line 10"},
	{"an empty line", "{\"none\": true},\n", "{\"none\": true},\n\n", "line 8"},
	{"carriage returns", "\n", "\r\n", "does not begin"},
	{"a byte order mark", "{\n  \"format\"", "\ufeff{\n  \"format\"", "does not begin"},
	{"what is no text", `"components/prompts/my-prompt.md"`, "\"\xff\"", "line 6"},
	{"a line that is too long", `"components/prompts/my-prompt.md"`, `"` + strings.Repeat("x", maxLineBytes) + `"`, "the limit is 65536"},
}

func TestManifestsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(example, tt.old, tt.text, 1)
			if tt.old == "\n" {
				text = strings.ReplaceAll(example, tt.old, tt.text)
			}
			if text == example {
				t.Fatalf("%q is not in the example", tt.old)
			}
			m, err := ParseManifest([]byte(text))
			if err == nil {
				t.Fatalf("it is read as %+v", m)
			}
			if e := sluice.AsError(err); e.Code != sluice.Invalid || !strings.Contains(e.Message, tt.want) || len(e.Message) > 600 {
				t.Errorf("got %s %q, want %q", e.Code, e.Message, tt.want)
			}
		})
	}
}

func TestManifestsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	m := exampleManifest()
	m.Slots = nil
	for i := range MaxManifestSlots + 1 {
		m.Slots = append(m.Slots, SlotLine{Slot: sluice.ComponentSlot(fmt.Sprintf("c%05d", i)), Value: sluice.Value{None: true}})
	}
	for what, text := range map[string][]byte{"slots": m.Encode(), "bytes": make([]byte, MaxManifestBytes+1)} {
		if _, err := ParseManifest(text); sluice.CodeOf(err) != sluice.LimitExceeded {
			t.Errorf("too many %s: %v", what, err)
		}
		if _, err := LinesOf(text); sluice.CodeOf(err) != sluice.LimitExceeded {
			t.Errorf("too many %s: %v", what, err)
		}
		if _, err := DiffManifests(nil, text); sluice.CodeOf(err) != sluice.LimitExceeded {
			t.Errorf("too many %s: %v", what, err)
		}
	}
	m.Slots = m.Slots[1:]
	if got, err := ParseManifest(m.Encode()); err != nil || len(got.Slots) != MaxManifestSlots {
		t.Errorf("%d slots are read as %d, %v", MaxManifestSlots, len(got.Slots), err)
	}
}

// aManifest is some environment: few names, so that two of them share slots.
func aManifest(t *rapid.T) Manifest {
	m := Manifest{Environment: EnvironmentHead{Name: aWord(t, "environment"), Parent: "base"}, Root: aDigest(t, "root")}
	if rapid.Bool().Draw(t, "has more settings") {
		m.Environment.Alias, m.Environment.Tracks, m.Environment.PromotesFrom = "e", "latest", []string{"staging", "qa"}
	}
	if m.Environment.Name == "base" {
		m.Environment = EnvironmentHead{Name: "base"}
	}
	for _, slot := range []sluice.Slot{"component/A", "component/a", "component/a-b", "component/b", "var/A", "var/A@a", "var/B"} {
		if rapid.Bool().Draw(t, "has "+string(slot)) {
			m.Slots = append(m.Slots, aSlotLine(t, slot))
		}
	}
	return m
}

func aSlotLine(t *rapid.T, slot sluice.Slot) SlotLine {
	s := SlotLine{Slot: slot, Value: aValue(t, slot, true), Pinned: rapid.Bool().Draw(t, "pinned")}
	if rapid.Bool().Draw(t, "inherited") {
		s.Origin = aWord(t, "origin")
	}
	if rapid.Bool().Draw(t, "has something under it") {
		s.Under = aValue(t, slot, false)
	}
	if !s.Under.IsZero() && rapid.Bool().Draw(t, "is empty above it") {
		s.Value = sluice.Value{}
	}
	if slot.Component() != "" && s.Value.Live() {
		s.Kind = aName(t, "kind")
		s.Path = rapid.StringMatching(`([a-zé "'<>&{}:,]{1,9}/){0,3}[a-zA-Z0-9_ü]{1,20}\.?[a-z]/?`).Draw(t, "path")
		s.Commit = gitrepo.OID(rapid.StringMatching(`[0-9a-f]{40}|[0-9a-f]{64}`).Draw(t, "commit"))
	}
	return s
}

// aValue is what a slot may hold; unsettled ones too when any is true.
func aValue(t *rapid.T, slot sluice.Slot, any bool) sluice.Value {
	pin := func(n int) sluice.Pin {
		p := sluice.Pin{Version: n, Digest: aDigest(t, "digest")}
		if rapid.Bool().Draw(t, "labelled") {
			p.Label = aLabel(t, "label")
		}
		return p
	}
	if slot.Component() == "" {
		return sluice.Value{Sealed: rapid.SampledFrom([]sluice.Sealed{
			{Fingerprint: "0123456789abcdef0123456789abcdef", Secret: true},
			{Fingerprint: "00000000000000000000000000000000"},
			{Stub: true},
			{Hidden: true},
		}).Draw(t, "sealed")}
	}
	base := pin(rapid.IntRange(1, 9).Draw(t, "version"))
	if !any {
		return sluice.Settle(base)
	}
	switch rapid.IntRange(0, 4).Draw(t, "sort of value") {
	case 0:
		return sluice.Value{None: true}
	case 1:
		v, err := sluice.Allocate(base, []sluice.Share{{Pin: base, Weight: 5000}, {Pin: pin(11), Weight: 1}, {Pin: pin(10), Weight: 4999}})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	return sluice.Settle(base)
}
