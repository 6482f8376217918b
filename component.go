package sluice

import (
	"slices"
	"strings"
)

// The kinds of component that have behaviour. Any other word is a free label.
const (
	KindPrompt   = "prompt"
	KindWorkflow = "workflow"
	KindScript   = "script"
	KindAgent    = "agent"
	KindConfig   = "config"
	// KindEnsemble is a workflow by the name of those who keep ensembles.
	KindEnsemble = "ensemble"
)

// CheckKind checks the kind of a component. Any word is one, but for those that look
// like a slip for a kind with behaviour: such a component would never run.
func CheckKind(kind string) error {
	if err := CheckName("kind", kind); err != nil {
		return AsError(err).Fix("choose prompt, workflow, ensemble, script, agent, config or a word of your own")
	}
	known := []string{KindPrompt, KindWorkflow, KindEnsemble, KindScript, KindAgent, KindConfig}
	if slices.Contains(known, kind) || IsWorkflow(kind) {
		return nil
	}
	for _, k := range known {
		alike := Suggest(kind, []string{k}) != "" && FoldName(kind)[0] == k[0]
		if alike || strings.EqualFold(kind, k) {
			return Errorf(Invalid, "kind %q looks like a slip for %s", kind, k).Fix("write %s, or a word that is less like it", k)
		}
	}
	return nil
}

// IsWorkflow reports whether components of a kind are workflows: by our name for
// it, or by that of those who keep ensembles.
func IsWorkflow(kind string) bool {
	return strings.EqualFold(kind, KindWorkflow) || strings.EqualFold(kind, KindEnsemble)
}

// Component is a named thing that is versioned. It is archived, never deleted, and
// adding one of its name brings it back.
type Component struct {
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Description string `json:"description,omitempty"`
	// Tags are words to find it by, sorted; some have the form key=value.
	Tags      []string `json:"tags,omitempty"`
	Archived  bool     `json:"archived,omitempty"`
	CreatedAt Time     `json:"created_at"`
	CreatedBy string   `json:"created_by"`
	// Latest is the highest version number, 0 when nothing was published.
	Latest int `json:"latest"`
	// Environments maps an environment's alias, or its name when it has none, to
	// the bare version that is live there: of a split, the settled one.
	Environments map[string]string `json:"environments"`
	// Versions are newest first, and present only when asked for.
	Versions []Version `json:"versions,omitempty"`
}

// AddComponentRequest makes a component without a version.
type AddComponentRequest struct {
	Name        string   `json:"name"`
	Kind        string   `json:"kind"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Change
}

// EditComponentRequest changes what is set and leaves the rest. Archiving takes the
// component out of environments that only track every publish. One that was deployed
// somewhere cannot be archived. Reviving gives those that track it its latest version.
type EditComponentRequest struct {
	Name        string    `json:"-"`
	Kind        *string   `json:"kind,omitempty"`
	Description *string   `json:"description,omitempty"`
	Tags        *[]string `json:"tags,omitempty"` // in the place of all that it has
	Archived    *bool     `json:"archived,omitempty"`
	Change
}

// ComponentQuery selects components, sorted by name.
type ComponentQuery struct {
	Kind     string
	Tags     []string // all of these
	AnyTag   []string // at least one of these
	Archived bool     // include archived ones
	Versions bool     // with their versions, newest first
	At       Time     // the environments as they were then; components neither known nor live then are left out
	Paging
}

// CheckTags checks the tags of a component and returns them sorted, each once.
func CheckTags(tags []string) ([]string, error) {
	out := slices.Compact(slices.Sorted(slices.Values(tags)))
	if len(out) > MaxTags {
		return nil, Errorf(LimitExceeded, "%d tags; the limit is %d", len(out), MaxTags)
	}
	for _, tag := range out {
		if tag == "" || tag != strings.TrimSpace(tag) || strings.ContainsAny(tag, ",\n\t") {
			return nil, Errorf(Invalid, "tag %q is not valid", clip(tag)).Fix("use a word or key=value, without commas and without blanks around it")
		}
		if err := CheckText("a tag", tag, MaxTagBytes); err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// Draft is the one mutable working copy of a component.
type Draft struct {
	Component string `json:"component"`
	Digest    Digest `json:"digest"`
	Files     []File `json:"files"`
	SavedAt   Time   `json:"saved_at"`
	SavedBy   string `json:"saved_by"`
	// Published is the newest version with the same content, 0 when there is none.
	Published int `json:"published"`
	// Unchecked, in the answer to a save, says that it cannot be published as it is.
	Unchecked *Unchecked `json:"unchecked,omitempty"`
}

// SaveDraftRequest replaces a component's draft. Expect is the digest of the
// draft that it replaces: "" does not check, "none" demands that there is none.
type SaveDraftRequest struct {
	Component string `json:"-"`
	Kind      string `json:"kind,omitempty"` // of a component that is made by saving
	Files     []File `json:"files"`
	Expect    string `json:"expect,omitempty"`
	Change
}

// PublishDraftRequest publishes a component's draft as it stands.
type PublishDraftRequest struct {
	Component string `json:"-"`
	Expect    string `json:"expect,omitempty"` // the digest of the draft that was looked at
	Label     string `json:"label,omitempty"`
	Name      string `json:"name,omitempty"`
	Note      string `json:"note,omitempty"`
	Unchecked bool   `json:"unchecked,omitempty"` // as in [PublishRequest]
	Change
}
