package scout

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

// Bounds on lists.
const (
	standardPage = 50
	maxPages     = 20 // that one request looks through
	maxTries     = 50 // of names for a workflow
)

// workflow is a workflow, or one revision of it: Scout has one form for both.
type workflow struct {
	Config        json.RawMessage `json:"workflow_config"`
	Key           string          `json:"workflow_key"`
	ID            string          `json:"workflow_id"`
	Revision      string          `json:"revision_id"`
	CreatedAt     sluice.Time     `json:"created_at"`
	LastUpdatedAt sluice.Time     `json:"last_updated_at"`
	CreatedBy     identity        `json:"created_by"`
	LastUpdatedBy identity        `json:"last_updated_by"`
	IsDraft       bool            `json:"is_draft"`

	// What Scout does not tell.
	Name        string             `json:"name,omitempty"`
	Description string             `json:"description,omitempty"`
	Label       sluice.Label       `json:"label,omitempty"`
	Digest      sluice.Digest      `json:"digest,omitempty"`
	Quarantine  *sluice.Quarantine `json:"quarantine,omitempty"`
	Purged      bool               `json:"purged,omitempty"`
	Unchecked   *sluice.Unchecked  `json:"unchecked,omitempty"`
}

// identity is who did something.
type identity struct {
	Type    string          `json:"type"`
	Details identityDetails `json:"details"`
}

type identityDetails struct {
	User  string `json:"user_id"`
	Org   string `json:"org_id"`
	Scout string `json:"scout_organization_id"`
	Email string `json:"email"`
}

func who(ctx context.Context, name string) identity {
	org := sluice.ActorOf(ctx).Org
	d := identityDetails{User: name, Org: org, Scout: org}
	if strings.Contains(name, "@") {
		d.Email = name
	}
	return identity{"user", d}
}

// revision is a version as Scout tells it.
func (a *Adapter) revision(ctx context.Context, v sluice.Version) (workflow, error) {
	raw, err := a.configOf(ctx, v)
	by := who(ctx, v.Author)
	name, description := nameOf(v)
	return workflow{
		Config: raw, Key: v.Component, ID: v.Component, Revision: strconv.Itoa(v.Number), CreatedAt: v.At, LastUpdatedAt: v.At,
		CreatedBy: by, LastUpdatedBy: by, Name: name, Description: description, Label: v.Label, Digest: v.Digest, Quarantine: v.Quarantine, Purged: v.Purged, Unchecked: v.Unchecked,
	}, err
}

// workflow is a component as Scout tells it: with its latest revision, so that
// who reads, changes and writes it builds on what was written last.
func (a *Adapter) workflow(ctx context.Context, c sluice.Component) (workflow, error) {
	out := workflow{Config: json.RawMessage("{}"), Key: c.Name, ID: c.Name, LastUpdatedAt: c.CreatedAt, LastUpdatedBy: who(ctx, c.CreatedBy)}
	if c.Latest > 0 {
		v, err := a.Services.Version(ctx, c.Name, strconv.Itoa(c.Latest))
		if err != nil {
			return out, err
		}
		if out, err = a.revision(ctx, v); err != nil {
			return out, err
		}
	}
	out.CreatedAt, out.CreatedBy = c.CreatedAt, who(ctx, c.CreatedBy)
	return out, nil
}

// find returns a workflow's component. What was deleted is archived, and not found.
func (a *Adapter) find(ctx context.Context, id string) (sluice.Component, error) {
	c, err := a.Services.Component(ctx, id)
	if err == nil && c.Archived {
		err = sluice.Errorf(sluice.NotFound, "workflow %s is archived", c.Name).Do(sluice.ReviveComponent(c.Name), "")
	}
	return c, err
}

// listWorkflows lists workflows by name.
func (a *Adapter) listWorkflows(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := page(q, standardPage)
	if err != nil {
		return err
	}
	ask := sluice.ComponentQuery{Kind: sluice.KindWorkflow, Paging: sluice.Paging{Cursor: q.Get("start_at")}}
	for _, tags := range q["tags"] {
		for tag := range strings.SplitSeq(tags, ",") {
			ask.Tags = append(ask.Tags, strings.TrimSpace(tag))
		}
	}
	ask.Tags = slices.DeleteFunc(ask.Tags, func(tag string) bool { return tag == "" })
	list := []workflow{}
	for range maxPages {
		ask.Limit = limit - len(list)
		found, err := a.Services.Components(r.Context(), ask)
		if err != nil {
			return at(err, "query")
		}
		ask.Cursor = found.Next
		for _, c := range found.Items {
			one, err := a.workflow(r.Context(), c)
			if err != nil {
				return err
			}
			if one.matches(q.Get("query"), c) {
				list = append(list, one)
			}
		}
		if ask.Cursor == "" || len(list) == limit {
			break
		}
	}
	out := map[string]any{"data": list, "has_more": ask.Cursor != ""}
	if ask.Cursor != "" {
		out["next_cursor"] = ask.Cursor
	}
	answer(w, http.StatusOK, out)
	return nil
}

// matches reports whether a text stands in what a workflow is called.
func (o workflow) matches(text string, c sluice.Component) bool {
	if text == "" {
		return true
	}
	var named config
	_ = json.Unmarshal(o.Config, &named) // in another form it is known by its key alone
	return strings.Contains(strings.ToLower(strings.Join([]string{c.Name, c.Description, named.DisplayName}, "\n")), strings.ToLower(text))
}

// createWorkflow makes a component and its first version.
func (a *Adapter) createWorkflow(w http.ResponseWriter, r *http.Request) error {
	raw, err := body(r)
	if err != nil {
		return err
	}
	c, err := readConfig(raw, "body")
	if err != nil {
		return err
	}
	name, derived := r.URL.Query().Get("workflow_key"), false
	if name == "" {
		if name, derived = keyOf(c.DisplayName), true; c.DisplayName == "" {
			return wrong("give workflow_key, or a workflow_display_name to derive it from", []any{"query", "workflow_key"}, "the workflow has neither a key nor a name")
		} else if name == "" {
			name = unnamed
		}
	}
	made, err := a.create(r, name, derived, c)
	if err != nil {
		return err
	}
	return a.publish(w, r, made, c)
}

// create makes the component. That the version can be published is tried first,
// so that no component is left behind without one.
func (a *Adapter) create(r *http.Request, name string, derived bool, c config) (sluice.Component, error) {
	ctx, ch := r.Context(), change(r)
	all, err := unchecked(r)
	if err != nil {
		return sluice.Component{}, err
	}
	trial := sluice.PublishRequest{
		Component: name, Kind: sluice.KindWorkflow, Files: []sluice.File{c.file}, Unchecked: all, Change: sluice.Change{DryRun: true},
	}
	req := sluice.AddComponentRequest{Name: name, Kind: sluice.KindWorkflow, Description: c.Description, Tags: c.Tags, Change: ch}
	req.IdempotencyKey = step(ch.IdempotencyKey, "create")
	for n := 2; ; n++ {
		if _, err := a.Services.Publish(ctx, trial); err != nil && sluice.CodeOf(err) != sluice.Conflict {
			return sluice.Component{}, c.inBody(err)
		}
		made, err := a.Services.AddComponent(ctx, req)
		if sluice.CodeOf(err) != sluice.Conflict || !derived || n > maxTries {
			return made, err
		}
		req.Name = fmt.Sprintf("%s-%d", name, n)
		trial.Component = req.Name
	}
}

// getWorkflow shows one workflow.
func (a *Adapter) getWorkflow(w http.ResponseWriter, r *http.Request) error {
	c, err := a.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	out, err := a.workflow(r.Context(), c)
	if err != nil {
		return err
	}
	return data(w, out)
}

// updateWorkflow makes a revision: nothing is overwritten.
func (a *Adapter) updateWorkflow(w http.ResponseWriter, r *http.Request) error {
	return a.revise(w, r, r.PathValue("id"))
}

// deleteWorkflow archives: what history refers to stays.
func (a *Adapter) deleteWorkflow(w http.ResponseWriter, r *http.Request) error {
	archived := true
	c, err := a.Services.EditComponent(r.Context(), sluice.EditComponentRequest{Name: r.PathValue("id"), Archived: &archived, Change: change(r)})
	if err != nil {
		return err
	}
	back := sluice.Do(sluice.ReviveComponent(c.Name), "workflow %s is archived, and its revisions and history stay; to have it back, {}", c.Name)
	answer(w, http.StatusOK, map[string]string{"detail": said(&back)})
	return nil
}
