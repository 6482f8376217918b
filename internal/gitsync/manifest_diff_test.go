package gitsync

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
)

// TestDiffManifests compares with what a reader of both whole manifests finds.
func TestDiffManifests(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parent, child := aManifest(t), aManifest(t)
		for _, s := range parent.Slots { // some lines are the same
			if rapid.Bool().Draw(t, "keep "+string(s.Slot)) {
				lines, err := LinesOf(child.Encode())
				if err != nil {
					t.Fatal(err)
				}
				lines.Set(s)
				if child, err = ParseManifest(lines.Encode(child.Environment, child.Root)); err != nil {
					t.Fatal(err)
				}
			}
		}
		changes, err := DiffManifests(parent.Encode(), child.Encode())
		if err != nil {
			t.Fatal(err)
		}
		want, got := naiveDiff(parent, child), []string{}
		for _, c := range changes {
			got = append(got, describe(c.Slot, c.From, c.To))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func naiveDiff(parent, child Manifest) (out []string) {
	find := func(m Manifest, slot sluice.Slot) *SlotLine {
		for i, s := range m.Slots {
			if s.Slot == slot {
				return &m.Slots[i]
			}
		}
		return nil
	}
	for _, slot := range []sluice.Slot{"component/A", "component/a", "component/a-b", "component/b", "var/A", "var/A@a", "var/B"} {
		from, to := find(parent, slot), find(child, slot)
		same := from == nil && to == nil || from != nil && to != nil && from.Equal(*to)
		if !same {
			out = append(out, describe(slot, from, to))
		}
	}
	return out
}

func describe(slot sluice.Slot, from, to *SlotLine) string {
	text := string(slot)
	for _, s := range []*SlotLine{from, to} {
		if s == nil {
			text += " -> nothing"
		} else {
			text += fmt.Sprintf(" -> %+v", *s)
		}
	}
	return text
}

func TestDiffWithoutParent(t *testing.T) {
	t.Parallel()
	changes, err := DiffManifests(nil, []byte(example))
	if err != nil || len(changes) != 5 || changes[0].From != nil || changes[0].To.Slot != "component/my-prompt" {
		t.Errorf("got %+v, %v", changes, err)
	}
	if changes, err = DiffManifests([]byte(example), []byte(example)); err != nil || len(changes) > 0 {
		t.Errorf("a manifest differs from itself: %+v, %v", changes, err)
	}
}

func TestDiffOfWhatIsNoManifest(t *testing.T) {
	t.Parallel()
	bad := strings.Replace(example, `{"none": true}`, `{"none": 1}`, 1)
	disorder := strings.Replace(example, `"component/off"`, `"component/a"`, 1)
	for _, tt := range []struct{ name, parent, child string }{
		{"an empty child", example, ""},
		{"a parent that is none", "x", example},
		{"a child that is none", example, "{}"},
		{"a changed line that cannot be read", example, bad},
		{"a replaced line that cannot be read", bad, example},
		{"a child out of order", example, disorder},
		{"a parent out of order", disorder, example},
	} {
		if changes, err := DiffManifests([]byte(tt.parent), []byte(tt.child)); sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("%s: got %+v, %v", tt.name, changes, err)
		}
	}
}

// BenchmarkDiffManifests compares two manifests of 1,000 slots, one of which differs.
func BenchmarkDiffManifests(b *testing.B) {
	m := manyManifest(1_000)
	parent := m.Encode()
	m.Slots[500].Value.Version = 7
	child := m.Encode()
	for b.Loop() {
		if changes, err := DiffManifests(parent, child); err != nil || len(changes) != 1 {
			b.Fatal(changes, err)
		}
	}
}

// BenchmarkLines changes one slot of 1,000 and writes the manifest.
func BenchmarkLines(b *testing.B) {
	m := manyManifest(1_000)
	lines, err := LinesOf(m.Encode())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		lines.Set(m.Slots[500])
		lines.Encode(m.Environment, m.Root)
	}
}

// BenchmarkParseManifest reads a manifest of 1,000 slots.
func BenchmarkParseManifest(b *testing.B) {
	text := manyManifest(1_000).Encode()
	for b.Loop() {
		if _, err := ParseManifest(text); err != nil {
			b.Fatal(err)
		}
	}
}

// manyManifest is an environment with that many components.
func manyManifest(n int) Manifest {
	m := exampleManifest()
	like := m.Slots[0]
	m.Slots = nil
	for i := range n {
		like.Slot = sluice.ComponentSlot(fmt.Sprintf("component-%05d", i))
		like.Path = fmt.Sprintf("components/prompts/component-%05d.md", i)
		m.Slots = append(m.Slots, like)
	}
	return m
}
