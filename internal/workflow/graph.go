package workflow

import (
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// link turns names into places: what blocks need, and what conditions choose. It
// comes after the texts, which say what is used.
func (r *reader) link() {
	for _, d := range r.order {
		r.needs(d)
		d.OnTrue = r.chosen(d, d.onTrue, "block_on_true")
		d.OnFalse = r.chosen(d, d.onFalse, "block_on_false")
	}
	siblings := map[*draft][]*draft{}
	for _, d := range r.order {
		for other := range d.uses {
			d.Needs = append(d.Needs, other.Index)
		}
		slices.Sort(d.Needs)
		siblings[d.parent] = append(siblings[d.parent], d)
	}
	for _, d := range append([]*draft{nil}, r.order...) {
		r.cycle(siblings[d])
	}
	r.idle()
}

// needs resolves the blocks that a block names.
func (r *reader) needs(d *draft) {
	for _, n := range d.needs {
		id, _ := n.text()
		other := r.blocks[id]
		switch {
		case other == nil && r.dropped[id]:
		case other == nil:
			r.noBlock(n, "needs", id, d.parent)
		case other.parent == d.parent:
			d.uses[other] = true
		default:
			r.elsewhere(n, "needs", other, d)
		}
	}
}

// chosen resolves the blocks that a condition chooses, which wait for it.
func (r *reader) chosen(d *draft, names []*node, setting string) []int {
	var out []int
	for _, n := range names {
		id, _ := n.text()
		other := r.blocks[id]
		switch {
		case other == nil:
			r.noBlock(n, setting, id, d.parent)
		case other.parent != d.parent:
			r.elsewhere(n, setting, other, d)
		default:
			other.uses[d] = true
			out = append(out, other.Index)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *reader) noBlock(n *node, setting, id string, parent *draft) {
	var ids []string
	for _, d := range r.order {
		if d.parent == parent {
			ids = append(ids, d.ID)
		}
	}
	if r.words == ensembleWords && n.value != nil && setting == "needs" {
		setting = "the flow"
	}
	p := r.wrong(n, "%s names the %s %s, and there is none", setting, r.words.block, quote(id))
	if near := sluice.Suggest(id, ids); near != "" {
		p.fix("did you mean %s?", near)
	} else {
		p.fix("the %ss beside it are %s", r.words.block, sluice.Listing(ids, 12))
	}
}

func (r *reader) elsewhere(n *node, setting string, other, d *draft) {
	switch {
	case other == d.parent || other.parent == nil:
		r.wrong(n, "%s names %s, which is outside of this foreach", setting, other.ID).
			fix("leave it out: the foreach as a whole waits for what its body uses; to wait for more, write needs beside its items")
	default:
		r.wrong(n, "%s names %s, which is within the foreach %s", setting, other.ID, other.parent.ID).fix("write %s: %s", setting, other.parent.ID)
	}
}

// cycle notes one cycle among the blocks of a list.
func (r *reader) cycle(list []*draft) {
	const open, done = 1, 2
	state := make(map[*draft]int, len(list))
	var path []*draft
	var visit func(d *draft) bool
	visit = func(d *draft) bool {
		state[d] = open
		path = append(path, d)
		next := slices.SortedFunc(maps.Keys(d.uses), func(a, b *draft) int { return a.Index - b.Index })
		for _, other := range next {
			switch state[other] {
			case open:
				r.noteCycle(append(path[slices.Index(path, other):], other))
				return true
			case 0:
				if visit(other) {
					return true
				}
			}
		}
		path = path[:len(path)-1]
		state[d] = done
		return false
	}
	for _, d := range list {
		if state[d] == 0 && visit(d) {
			return
		}
	}
}

// noteCycle notes blocks that wait for each other; the first is also the last.
func (r *reader) noteCycle(path []*draft) {
	d := path[0]
	if len(path) == 2 {
		r.wrongAt(d.Line, d.Column, "%s refers to itself, and would wait for ever", d.ID).fix("let it refer to blocks that end before it begins")
		return
	}
	ids := make([]string, len(path))
	for i, one := range path {
		ids[i] = one.ID
	}
	if len(ids) > 12 {
		ids = append(append(ids[:6:6], "…"), ids[len(ids)-5:]...)
	}
	p := r.wrongAt(d.Line, d.Column, "%ss wait for each other in a circle: %s", r.words.block, strings.Join(ids, " -> "))
	if r.words == ensembleWords {
		p.fix("each arrow is the order of the flow, a `needs` or a reference: remove one of them")
	} else {
		p.fix("each arrow is a `needs`, a reference or a condition that chooses: remove one of them")
	}
}

// idle notes blocks whose only sense is what comes after them, and nothing does.
// Blocks run as soon as what they refer to has ended, and not in their order.
func (r *reader) idle() {
	if !r.mixed || len(r.found) > 0 {
		return
	}
	used := map[*draft]bool{}
	for _, d := range r.order {
		for other := range d.uses {
			used[other] = true
		}
	}
	if r.out.Output != nil { // which waits for all that it refers to
		for _, name := range r.out.Output.Roots {
			if d := r.blocks[name]; d != nil {
				used[d] = true
			}
		}
	}
	for _, d := range r.order {
		last := d.Index == len(r.beside(d))-1
		switch {
		case used[d] || len(r.beside(d)) == 1:
		case d.Kind == ContinueIf || d.Kind == StopIf || !last && (d.Kind == Delay || d.Kind == Ask):
			r.wrongAt(d.Line, d.Column, "no block waits for %s, so it holds nothing up: blocks run when what they refer to has ended, not in their order", d.ID).
				fix("write needs: %s in the blocks that come after it", d.ID)
		}
	}
}

func (r *reader) beside(d *draft) []*Block {
	if d.parent == nil {
		return r.out.Blocks
	}
	return d.parent.Body
}
