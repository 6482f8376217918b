package gitsync

import (
	"regexp"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Layout says how the name of a tag is made up. Edgit, whose tags Sluice reads,
// changed it twice.
type Layout string

// The layouts.
const (
	LayoutPlain  Layout = "plain"  // components/NAME/SLOT: Sluice, and Edgit to 0.4.0
	LayoutTyped  Layout = "typed"  // prompts/NAME/SLOT: Edgit 0.4.1 to 0.4.4, and agents before
	LayoutRooted Layout = "rooted" // components/prompts/NAME/SLOT or logic/scripts/NAME/SLOT: Edgit from 0.5.0
)

// TagName is the name of a tag of one component, read.
type TagName struct {
	Layout    Layout
	Kind      string // as the name says it, "" in the plain layout
	Component string
	Slot      string // the last part as it stands
	// Label is the slot as a label, with its v, when it is a semantic version.
	Label sluice.Label
	// Environment is the slot when it may be the name or alias of an environment;
	// whether there is one of that name is not known here. A slot that is neither
	// this nor a label is a tag of somebody's own.
	Environment string
}

// kindsOf are the kinds that the parts of tag names stand for.
var kindsOf = map[string]string{
	"prompts": "prompt", "schemas": "schema", "templates": "template", "queries": "query", "configs": "config",
	"scripts": "script", "ensembles": "ensemble", "tools": "tool", "agents": "agent",
}

// versionLike is what Edgit takes for a version. Only some of it is one.
var versionLike = regexp.MustCompile(`^v?\d+\.\d+\.\d+`)

// ParseTagName reads the name of a tag, with or without refs/tags/ before it, in any
// of the layouts. The number of its parts decides: components/prompts/v1.0.0 is a
// component called prompts, components/prompts/x/v1.0.0 a prompt called x. It is
// not ok when the tag belongs to no component.
func ParseTagName(ref string) (name TagName, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(ref, "refs/tags/"), "/", 5)
	switch len(parts) {
	case 3:
		name.Layout, name.Kind = LayoutTyped, kindsOf[parts[0]]
		if parts[0] == "components" {
			name.Layout = LayoutPlain
		} else if name.Kind == "" {
			return TagName{}, false
		}
	case 4:
		name.Layout, name.Kind = LayoutRooted, kindsOf[parts[1]]
		if name.Kind == "" || parts[0] != "components" && parts[0] != "logic" {
			return TagName{}, false
		}
	default:
		return TagName{}, false
	}
	name.Component, name.Slot = parts[len(parts)-2], parts[len(parts)-1]
	if name.Slot == "" || sluice.CheckName("component", name.Component) != nil {
		return TagName{}, false
	}
	if label, err := sluice.ParseLabel(name.Slot); err == nil {
		name.Label = label
	} else if !versionLike.MatchString(name.Slot) && sluice.CheckWord("environment", name.Slot) == nil {
		name.Environment = name.Slot
	}
	return name, true
}

// Deed is what the subject of an environment tag says was done.
type Deed struct {
	Action      sluice.Action // deploy, promote or rollback
	Component   string
	Version     string // bare text; "" of a promotion, which does not say it
	From        string // the environment that a promotion was from
	Environment string // as it was named
}

var deedForms = []struct {
	action sluice.Action
	form   *regexp.Regexp
}{
	{sluice.ActionDeploy, regexp.MustCompile(`^Deploy (?P<component>\S+?)@(?P<version>\S+) to (?P<environment>\S+)$`)},
	{sluice.ActionPromote, regexp.MustCompile(`^Promote (?P<component>\S+) from (?P<from>\S+) to (?P<environment>\S+)$`)},
	{sluice.ActionRollback, regexp.MustCompile(`^Rollback (?P<component>\S+) in (?P<environment>\S+) to (?P<version>\S+)$`)},
}

// ParseDeployMessage reads the first line of the message of an environment tag, as
// Edgit and Sluice write it: "Deploy X@v1.0.0 to prod", "Promote X from A to B",
// "Rollback X in prod to v1.0.0". It is not ok when it says anything else.
func ParseDeployMessage(message string) (deed Deed, ok bool) {
	subject, _, _ := strings.Cut(message, "\n")
	if len(subject) > maxSubjectBytes {
		return Deed{}, false
	}
	for _, f := range deedForms {
		m := f.form.FindStringSubmatch(strings.TrimSpace(subject))
		if m == nil {
			continue
		}
		part := func(name string) string {
			if i := f.form.SubexpIndex(name); i > 0 {
				return m[i]
			}
			return ""
		}
		deed = Deed{f.action, part("component"), part("version"), part("from"), part("environment")}
		return deed, deed.check()
	}
	return Deed{}, false
}

// check reports whether all names in it may be what they stand for.
func (d Deed) check() bool {
	if d.Version != "" {
		if _, err := sluice.ParseVersionRef(d.Version); err != nil {
			return false
		}
	}
	return sluice.CheckName("component", d.Component) == nil && sluice.CheckWord("environment", d.Environment) == nil &&
		(d.From == "" || sluice.CheckWord("environment", d.From) == nil)
}
