package workflow

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/sluice-dev/sluice/internal/value"
)

// parseJSON reads what is valid JSON. YAML would read most of it as well, and not
// all: a tab, a long key or an escaped pair of surrogates are none of its own.
func (p *problems) parseJSON(text []byte) *node {
	j := jsonReader{problems: p, text: text, dec: json.NewDecoder(bytes.NewReader(text)), line: 1, column: 1}
	j.dec.UseNumber()
	n := j.read(0)
	if j.count > maxNodes {
		p.found = nil
		p.wrongAt(0, 0, "it has more than %d values", maxNodes).fix("split it into several workflows that call each other")
		return nil
	}
	return n
}

// jsonReader goes through the text once and counts lines and columns on the way.
type jsonReader struct {
	*problems
	text         []byte
	dec          *json.Decoder
	at           int // where line and column are
	line, column int
	count        int
}

// next is a node where the next token begins.
func (j *jsonReader) next() *node {
	to := int(j.dec.InputOffset())
	for to < len(j.text) && strings.IndexByte(" \t\r\n,:", j.text[to]) >= 0 {
		to++
	}
	for ; j.at < to; j.at++ {
		switch c := j.text[j.at]; {
		case c == '\n':
			j.line, j.column = j.line+1, 1
		case utf8.RuneStart(c): // columns are in characters
			j.column++
		}
	}
	return &node{line: j.line, column: j.column}
}

func (j *jsonReader) read(level int) *node {
	j.count++
	out := j.next()
	if level > maxLevel {
		j.wrong(out, "it is nested more than %d levels deep", maxLevel).fix("make it flatter")
		_ = j.dec.Decode(new(json.RawMessage))
		return out
	}
	token, err := j.dec.Token()
	if err != nil {
		return out
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '[' {
			out.shape = list
			for j.dec.More() {
				out.items = append(out.items, j.read(level+1))
			}
		} else {
			out.shape = object
			j.object(out, level)
		}
		_, _ = j.dec.Token()
	case json.Number:
		if out.value, err = value.ParseNumber(string(v)); err != nil {
			j.wrong(out, "%s", err).fix("write it as text")
		}
	case string:
		out.value, out.style = j.whole(out, v), quoted
	default:
		out.value, out.style = v, quoted
	}
	return out
}

// whole is a string that the library has read. Where it has replaced something that
// is no character, that is a mistake.
func (j *jsonReader) whole(at *node, read string) string {
	if strings.ContainsRune(read, utf8.RuneError) {
		end := int(j.dec.InputOffset())
		if _, err := value.Decode(j.text[j.at:end]); err != nil {
			j.wrong(at, "%s", err).fix("write the character itself")
		}
	}
	return read
}

func (j *jsonReader) object(out *node, level int) {
	seen := map[string]int{}
	for j.dec.More() {
		key := j.next()
		token, err := j.dec.Token()
		if err != nil {
			return
		}
		name, _ := token.(string)
		key.value = j.whole(key, name)
		item := j.read(level + 1)
		if line, twice := seen[name]; twice {
			j.wrong(key, "the key %s is there twice; the first is on line %d", quote(name), line).fix("remove one of them")
			continue
		}
		seen[name] = key.line
		out.keys, out.items = append(out.keys, key), append(out.items, item)
	}
}
