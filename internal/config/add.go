package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"github.com/sluice-dev/sluice"
	"go.yaml.in/yaml/v3"
)

// AddComponents returns a project file with components more, behind those that it
// has. All else stays as it is, byte by byte: order, comments, line ends. Invalid
// when a name is taken, or when the file is written in a way in which nothing can be
// put; then the fix has the lines to be written by hand.
func AddComponents(content []byte, added []Component) ([]byte, error) {
	before, err := ParseProject(ProjectFile, content)
	if err != nil {
		return nil, err
	}
	var byHand []string
	for _, c := range added {
		if _, taken := before.Component(c.Name); taken {
			return nil, sluice.Errorf(sluice.Conflict, "%s has a component %s already", ProjectFile, c.Name).Fix("correct its path there, or choose another name")
		}
		byHand = append(byHand, componentLine(c))
	}
	refused := sluice.Errorf(sluice.Invalid, "%s is written in a way in which no component can be put by a program", ProjectFile).
		Fix("write below components: %s", strings.Join(byHand, " and "))
	out, ok := insert(content, byHand)
	if !ok {
		return nil, refused
	}
	after, err := ParseProject(ProjectFile, out)
	want := *before
	want.Components = append(want.Components[:len(want.Components):len(want.Components)], added...)
	if err != nil || !reflect.DeepEqual(*after, want) {
		return nil, refused.Because(err)
	}
	return out, nil
}

func componentLine(c Component) string {
	return quote(c.Name) + ": " + flow("path", c.Path, "kind", c.Kind)
}

// insert puts lines at the end of the mapping of components.
func insert(content []byte, lines []string) ([]byte, bool) {
	end := "\n"
	if bytes.Contains(content, []byte("\r\n")) {
		end = "\r\n"
	}
	at, indent, head, ok := insertion(content)
	if !ok {
		return nil, false
	}
	var b bytes.Buffer
	b.Write(content[:at])
	if at > 0 && content[at-1] != '\n' {
		b.WriteString(end)
	}
	if head {
		b.WriteString(end + "components:" + end)
	}
	for _, line := range lines {
		fmt.Fprintf(&b, "%*s%s%s", indent, "", line, end)
	}
	b.Write(content[at:])
	return b.Bytes(), true
}

// insertion is where lines of components go, how far they are indented, and whether
// the key itself is missing.
func insertion(content []byte) (at, indent int, head, ok bool) {
	var doc yaml.Node
	if yaml.Unmarshal(content, &doc) != nil {
		return 0, 0, false, false
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return len(content), 2, true, true
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode || top.Style&yaml.FlowStyle != 0 {
		return 0, 0, false, false
	}
	next := 0 // the line of the key behind components
	var components *yaml.Node
	for i := 0; i+1 < len(top.Content); i += 2 {
		if components != nil {
			next = top.Content[i].Line
			break
		}
		if top.Content[i].Value == "components" {
			components = top.Content[i+1]
		}
	}
	last := before(content, next)
	switch {
	case components == nil:
		return before(content, 0), 2, true, true
	case isNull(components):
		return last, top.Column + 1, false, components.Value == ""
	case components.Style&yaml.FlowStyle != 0 || len(components.Content) == 0:
		return 0, 0, false, false
	}
	return last, components.Content[0].Column - 1, false, true
}

// before is where what stands before a line ends, without blank lines and without
// comments at the margin, which belong to what follows; of the whole file for 0,
// where only blank lines and the marks at a document's end are left out.
func before(content []byte, line int) int {
	lines := bytes.SplitAfter(content, []byte("\n"))
	whole := line == 0
	if whole {
		line = len(lines) + 1
	}
	lines = lines[:line-1]
	for len(lines) > 0 {
		text := bytes.TrimRight(lines[len(lines)-1], " \t\r\n")
		comment := bytes.HasPrefix(text, []byte("#"))
		if len(text) > 0 && !(comment && !whole) && string(text) != "..." {
			break
		}
		lines = lines[:len(lines)-1]
	}
	return len(bytes.Join(lines, nil))
}
