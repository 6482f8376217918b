package sluice_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
)

func setting(name string, v sluice.Value) sluice.Setting {
	return sluice.Setting{Slot: sluice.ComponentSlot(name), Value: v, Since: 1}
}

// TestRootHash works the hash out from its definition.
func TestRootHash(t *testing.T) {
	split := sluice.Value{Pin: pin(1, ""), Split: []sluice.Share{share(2, 500), share(1, 9500)}}
	slots := []sluice.Setting{
		setting("a", sluice.Settle(pin(3, "v1.0.0"))), setting("b", sluice.Value{None: true}), setting("c", split),
	}
	want := sha(fmt.Sprintf("sluice-manifest-1\ncomponent/a\t3 %s\ncomponent/c\t2*500 %s,1*9500 %s\n", sha("3"), sha("2"), sha("1")))
	if got := sluice.RootHash(slots); got != want {
		t.Errorf("root is %s, want %s", got, want)
	}
	if got := sluice.RootHash(nil); got != sha("sluice-manifest-1\n") {
		t.Errorf("root of nothing is %s", got)
	}
	same := slices.Clone(slots)
	same[0].Origin, same[0].Since, same[0].Under, same[0].PinnedBy = "base", 9, 8, 7
	same[0].Value.Label = ""
	if got := sluice.RootHash(same); got != want {
		t.Error("where a value is from is in the root, or its label")
	}
}

// settings are the slots of some environment.
func settings(t *rapid.T, what string) []sluice.Setting {
	var out []sluice.Setting
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		switch n := rapid.IntRange(0, 4).Draw(t, what+" "+name); n {
		case 0:
		case 1:
			out = append(out, setting(name, sluice.Value{None: true}))
		case 2:
			out = append(out, setting(name, sluice.Value{Pin: pin(1, ""), Split: []sluice.Share{share(2, 500), share(1, 9500)}}))
		default:
			out = append(out, setting(name, sluice.Settle(pin(n, ""))))
		}
	}
	return out
}

// TestDiff: what differs is exactly what turns one into the other, and nothing
// differs exactly when the roots are the same.
func TestDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := &sluice.Manifest{Slots: settings(t, "from")}, &sluice.Manifest{Slots: settings(t, "to")}
		changes := sluice.DiffManifests(a, b)
		turned := a.Apply(sluice.Release{Number: 2, Changes: changes})
		if len(sluice.DiffManifests(turned, b)) > 0 || sluice.RootHash(turned.Slots) != sluice.RootHash(b.Slots) {
			t.Fatalf("%+v and %+v give %+v", a.Slots, turned.Slots, b.Slots)
		}
		if (len(changes) == 0) != (sluice.RootHash(a.Slots) == sluice.RootHash(b.Slots)) {
			t.Fatalf("%d differences between %s and %s", len(changes), sluice.RootHash(a.Slots), sluice.RootHash(b.Slots))
		}
		back := sluice.DiffManifests(b, a)
		for i, c := range changes {
			if back[i].Slot != c.Slot || !back[i].From.Equal(c.To) || !back[i].To.Equal(c.From) {
				t.Fatalf("backwards %+v is %+v", c, back[i])
			}
		}
		if !slices.IsSortedFunc(changes, func(a, b sluice.SlotChange) int { return slices.Compare([]byte(a.Slot), []byte(b.Slot)) }) {
			t.Fatalf("not sorted: %+v", changes)
		}
	})
}

func TestApplyLeavesTheManifestAsItIs(t *testing.T) {
	m := &sluice.Manifest{Release: 1, Slots: []sluice.Setting{setting("a", sluice.Settle(pin(1, ""))), setting("c", sluice.Settle(pin(1, "")))}}
	before := slices.Clone(m.Slots)
	next := m.Apply(sluice.Release{Number: 2, Epoch: 9, Root: "r", Changes: []sluice.SlotChange{
		{Slot: sluice.ComponentSlot("a")}, {Slot: sluice.ComponentSlot("b"), To: sluice.Settle(pin(2, "")), Under: 1, Origin: "base", PinnedBy: 2},
	}})
	if !slices.EqualFunc(m.Slots, before, func(a, b sluice.Setting) bool { return a.Slot == b.Slot && a.Value.Equal(b.Value) }) || m.Release != 1 {
		t.Errorf("the manifest became %+v", m)
	}
	if _, found := next.Find(sluice.ComponentSlot("a")); found || next.Release != 2 || next.Epoch != 9 || next.Root != "r" {
		t.Errorf("the next is %+v", next)
	}
	if b, found := next.Find(sluice.ComponentSlot("b")); !found || b.Since != 2 || b.Under != 1 || b.Origin != "base" || b.PinnedBy != 2 {
		t.Errorf("b is %+v, %t", b, found)
	}
	if c, found := next.Find(sluice.ComponentSlot("c")); !found || c.Since != 1 || len(next.Components()) != 2 || len(next.Pinned()) != 1 {
		t.Errorf("c is %+v, %t in %+v", c, found, next)
	}
}

func TestDiffFiles(t *testing.T) {
	file := func(path, text string) sluice.FileInfo {
		return sluice.FileInfo{Path: path, Digest: sha(text), Size: int64(len(text))}
	}
	got := sluice.DiffFiles("x", []sluice.FileInfo{file("a", "1"), file("b", "1"), file("d", "1")}, []sluice.FileInfo{file("b", "2"), file("c", "1"), file("d", "1")})
	want := []sluice.FileDiff{
		{Component: "x", Path: "a", Status: sluice.FileRemoved, From: sha("1")},
		{Component: "x", Path: "b", Status: sluice.FileChanged, From: sha("1"), To: sha("2")},
		{Component: "x", Path: "c", Status: sluice.FileAdded, To: sha("1")},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}
