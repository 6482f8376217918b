package gitsync

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// registryFile is where Edgit keeps which file is which component.
const registryFile = ".edgit/components.json"

// places say where the components of tags are in their commits. What was read of
// one commit serves for others.
type places struct {
	im       *importer
	projects map[gitrepo.OID][]Found // by the blob that says so
	seen     map[string][]Found      // by component: where scans found it
	scanned  map[gitrepo.OID]bool    // trees
}

// of is where a component is in a commit: as the commit's own sluice.yaml or
// registry says, else the project here, else where it was in another commit, else
// where a scan of this one finds it.
func (p *places) of(commit, tree gitrepo.OID, tag TagName) (place, kind string, err error) {
	named, err := p.named(tree)
	if err != nil {
		return "", "", err
	}
	key := sluice.FoldName(tag.Component)
	all := slices.Concat(called(named, key), called(p.im.o.Here, key), p.seen[key])
	for range 2 {
		for _, f := range all {
			if tag.Kind != "" && f.Kind != "" && tag.Kind != f.Kind && !sluice.IsWorkflow(tag.Kind) {
				continue
			}
			if place, err := p.in(tree, f.Path); err != nil || place != "" {
				return place, firstWord(tag.Kind, f.Kind, kindOf(place), p.im.o.Kind), err
			}
		}
		if err := p.scan(commit, tree); err != nil {
			return "", "", err
		}
		all = p.seen[key]
	}
	return "", "", sluice.Errorf(sluice.NotFound, "nothing says where the files of %s are in commit %s", tag.Component, commit.Short()).
		Fix("give it a path in sluice.yaml: `%s: {path: components/prompts/%s.md, kind: prompt}`", tag.Component, tag.Component)
}

// called are those with a name, folded.
func called(all []Found, key string) (out []Found) {
	for _, f := range all {
		if sluice.FoldName(f.Name) == key && f.Path != "" {
			out = append(out, f)
		}
	}
	return out
}

// in is a path as it is in a tree, with a slash at its end when it is a directory
// there; "" when it is not there.
func (p *places) in(tree gitrepo.OID, at string) (string, error) {
	at = strings.Trim(at, "/")
	f, err := p.im.find(tree, at)
	if err == nil && f.Mode == gitrepo.ModeTree {
		at += "/"
	}
	if f.ID == "" {
		at = ""
	}
	return at, err
}

// named are the components that files of a tree itself name.
func (p *places) named(tree gitrepo.OID) ([]Found, error) {
	var out []Found
	for _, file := range []struct {
		path string
		read func([]byte) ([]Found, error)
	}{{"sluice.yaml", p.im.o.Project}, {registryFile, ReadRegistry}} {
		f, err := p.im.find(tree, file.path)
		if err != nil {
			return nil, err
		}
		if !f.Mode.Regular() || file.read == nil {
			continue
		}
		if _, known := p.projects[f.ID]; !known {
			if p.projects[f.ID], err = p.readProject(f.ID, file.read); err != nil {
				return nil, err
			}
		}
		out = append(out, p.projects[f.ID]...)
	}
	return out, nil
}

// readProject reads a file that names components. A broken one says nothing.
func (p *places) readProject(id gitrepo.OID, read func([]byte) ([]Found, error)) ([]Found, error) {
	_, _, size, _, err := p.im.reader.Info(string(id))
	if err != nil || size > maxRegistry {
		return nil, err
	}
	o, _, err := p.im.reader.Object(string(id))
	if err != nil {
		return nil, err
	}
	list, err := read(o.Bytes)
	if err != nil {
		return nil, nil
	}
	return list, nil
}

// scan looks through a commit for components. What it finds is kept for other commits.
func (p *places) scan(commit, tree gitrepo.OID) error {
	if p.scanned[tree] || p.im.o.Scan == nil {
		return nil
	}
	p.scanned[tree] = true
	files, err := p.im.reader.Files(commit, "")
	if err != nil {
		return err
	}
	paths := make([]string, 0, len(files))
	for _, f := range files {
		if f.Mode.Regular() {
			paths = append(paths, f.Path)
		}
	}
	list, err := p.im.o.Scan(newTreeFS(paths))
	if refuse(err) {
		if p.im.once("scan") {
			p.im.out.Notes = append(p.im.out.Notes, "components were not looked for in commit "+commit.Short()+": "+sluice.AsError(err).Message)
		}
		return nil
	}
	for _, f := range list {
		p.keep(f.Name, f)
		// Edgit calls the component of prompts/refund.md refund-prompt.
		p.keep(f.Name+"-"+f.Kind, f)
	}
	return err
}

func (p *places) keep(name string, f Found) {
	key := sluice.FoldName(name)
	if !slices.Contains(p.seen[key], f) {
		p.seen[key] = append(p.seen[key], f)
	}
}

// maxRegistry bounds what is read of a registry or a project file, in bytes.
const maxRegistry = 4 << 20

// ReadRegistry reads the components of Edgit's registry, .edgit/components.json.
// [sluice.Invalid] when it is none.
func ReadRegistry(text []byte) ([]Found, error) {
	var file struct {
		Components map[string]struct {
			Path string `json:"path"`
			Type string `json:"type"`
		} `json:"components"`
	}
	if err := sluice.CheckJSONText(registryFile, text); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, sluice.Errorf(sluice.Invalid, "%s is not a registry of Edgit", registryFile).Because(err)
	}
	var out []Found
	for name, c := range file.Components {
		kind := c.Type
		switch kind {
		case "agent-definition":
			kind = sluice.KindAgent
		case "sql":
			kind = "query"
		}
		if sluice.CheckName("component", name) == nil && sluice.CheckKind(kind) == nil {
			out = append(out, Found{name, path.Clean(c.Path), kind})
		}
	}
	slices.SortFunc(out, func(a, b Found) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// kindOf is the kind that the directories of a path say it has, the innermost
// first, or its double extension; "" when they say nothing.
func kindOf(file string) string {
	for dir := path.Dir(file); dir != "." && dir != "/"; dir = path.Dir(dir) {
		switch name := path.Base(dir); {
		case kindsOf[name] != "":
			return kindsOf[name]
		case name == "workflows":
			return sluice.KindWorkflow
		case name == "instructions":
			return sluice.KindPrompt
		}
	}
	base := path.Base(file)
	double := strings.TrimPrefix(path.Ext(strings.TrimSuffix(base, path.Ext(base))), ".")
	if double == sluice.KindWorkflow || kindsOf[double+"s"] == double && double != "" {
		return double
	}
	return ""
}
