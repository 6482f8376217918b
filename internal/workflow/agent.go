package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/declare"
)

// readAgent looks at the files of an agent. Another program runs it, so that what its
// files mean is not judged: YAML and JSON are well-formed, and so is the front
// matter of a text, which is a map. Declarations are read by package declare.
func readAgent(files []sluice.File) (found []sluice.Mistake) {
	for _, f := range files {
		p := &problems{file: f.Path}
		switch strings.ToLower(path.Ext(f.Path)) {
		case ".yaml", ".yml":
			p.documents(f.Bytes(), 1, func(yaml.Node) {})
		case ".json":
			p.json(f.Bytes())
		default:
			if front, line, _, has := declare.FrontMatter(f.Bytes()); has && utf8.Valid(f.Bytes()) {
				p.documents(front, line, func(doc yaml.Node) {
					if len(doc.Content) > 0 && doc.Content[0].Kind != yaml.MappingNode {
						p.wrongAt(doc.Content[0].Line+line-1, doc.Content[0].Column, "the front matter of a text is a map").fix("write name: value")
					}
				})
			}
		}
		found = append(found, p.mistakes()...)
	}
	return found
}

// isAgentFile reports whether the only file of an agent defines one as ensembles do: by
// its operation. Other agents are run by other programs.
func isAgentFile(files []sluice.File) bool {
	if len(files) != 1 {
		return false
	}
	switch strings.ToLower(path.Ext(files[0].Path)) {
	case ".yaml", ".yml", ".json":
	default:
		return false
	}
	top := (&problems{file: files[0].Path}).parse(files[0].Bytes(), 1)
	return top.get("operation") != nil && top.get("block") == nil
}

// documents reads all documents of a YAML text, whose first line is that of a file.
func (p *problems) documents(text []byte, first int, visit func(yaml.Node)) {
	if !p.isText(text) {
		return
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			p.notYAML(err, text, first)
			return
		}
		visit(doc)
	}
}

// json checks that a text is JSON.
func (p *problems) json(text []byte) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if p.isText(text) && !json.Valid(text) {
		p.notJSON(text)
	}
}

// isText notes the first byte that is none, by its place in what is a whole file.
func (p *problems) isText(text []byte) bool {
	bad, found := sluice.FindBadText(string(text))
	if found {
		p.wrongAt(bad.Line, bad.Column, "%s", bad.What).fix("save it as UTF-8")
	}
	return !found
}
