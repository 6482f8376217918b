package workflow

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// move says that a part of a rewritten text stood elsewhere: what begins at the byte
// now stood at the byte then.
type move struct{ now, then int }

// unmoved turns a place in a rewritten text, which the node holds now, into the place
// in the text as it was written. Lines and columns are from 1; a column of 0 stays.
func (n *node) unmoved(now string, line, column int) (int, int) {
	if n.moves == nil || line == 0 || column == 0 {
		return line, column
	}
	at := offsetOf(now, line, column)
	i := sort.Search(len(n.moves), func(i int) bool { return n.moves[i].now > at }) - 1
	then := 0
	if i >= 0 {
		then = n.moves[i].then + at - n.moves[i].now
		if i+1 < len(n.moves) { // what was put in stands for what was taken out
			then = min(then, n.moves[i+1].then)
		}
	}
	then = max(0, min(then, len(n.written)))
	before := n.written[:then]
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

// offsetOf is the byte at which a place in a text stands.
func offsetOf(s string, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		i := strings.IndexByte(s[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	for ; column > 1 && at < len(s); column-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}
