package scout

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"

	"github.com/sluice-dev/sluice"
)

// maxConfigs bounds the bytes of configs in one list of revisions.
const maxConfigs = 32 << 20

// production is the environment that is meant when none is named.
const production = "production"

// createRevision publishes a version of a workflow that exists.
func (a *Adapter) createRevision(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	id, key := q.Get("workflow_id"), q.Get("workflow_key")
	switch {
	case id == "" && key == "":
		return wrong("give workflow_id or workflow_key", []any{"query", "workflow_id"}, "no workflow is named")
	case id == "":
		id = key
	case key != "" && sluice.FoldName(id) != sluice.FoldName(key):
		return wrong("give one of workflow_id and workflow_key: they are the same", []any{"query", "workflow_key"}, "two workflows are named")
	}
	return a.revise(w, r, id)
}

// revise publishes the body of a request.
func (a *Adapter) revise(w http.ResponseWriter, r *http.Request, id string) error {
	raw, err := body(r)
	if err != nil {
		return err
	}
	c, err := readConfig(raw, "body")
	if err != nil {
		return err
	}
	found, err := a.find(r.Context(), id)
	if err != nil {
		return err
	}
	return a.publish(w, r, found, c)
}

// publish makes a version and answers with it. Description and tags of the
// component follow the config, where it has any.
func (a *Adapter) publish(w http.ResponseWriter, r *http.Request, component sluice.Component, c config) error {
	ctx, ch := r.Context(), change(r)
	key := ch.IdempotencyKey
	ch.IdempotencyKey = step(key, "publish")
	all, err := unchecked(r)
	if err != nil {
		return err
	}
	p, err := a.Services.Publish(ctx, sluice.PublishRequest{Component: component.Name, Files: []sluice.File{c.file}, Unchecked: all, Change: ch})
	if err != nil {
		return c.inBody(err)
	}
	edit := sluice.EditComponentRequest{Name: component.Name, Change: ch}
	edit.IdempotencyKey = step(key, "describe")
	if c.Description != "" && c.Description != component.Description {
		edit.Description = &c.Description
	}
	if tags, err := sluice.CheckTags(c.Tags); err != nil {
		return at(err, "body", "tags")
	} else if len(tags) > 0 && !slices.Equal(tags, component.Tags) {
		edit.Tags = &tags
	}
	if edit.Description != nil || edit.Tags != nil {
		if _, err := a.Services.EditComponent(ctx, edit); err != nil {
			return err
		}
	}
	out, err := a.revision(ctx, p.Version)
	if err != nil {
		return err
	}
	return data(w, out)
}

// unchecked reports whether a request asks for its config to be published although it
// has mistakes, which Scout does not know.
func unchecked(r *http.Request) (bool, error) {
	text := r.URL.Query().Get("unchecked")
	if text == "" {
		return false, nil
	}
	all, err := strconv.ParseBool(text)
	if err != nil {
		return false, wrong("write unchecked=true", []any{"query", "unchecked"}, "unchecked is neither true nor false")
	}
	return all, nil
}

// step is the idempotency key of one step of a request that takes several.
func step(key, name string) string {
	if key == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(name + "\n" + key))
	return "scout-" + name + "-" + hex.EncodeToString(sum[:])
}

// listRevisions lists versions, newest first. Scout does not page here; what is
// too much for one answer goes on with cursor.
func (a *Adapter) listRevisions(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := page(q, sluice.DefaultPage)
	if err != nil {
		return err
	}
	ask := sluice.VersionQuery{Component: r.PathValue("id"), Paging: sluice.Paging{Limit: 1, Cursor: q.Get("cursor")}}
	list, bytes := []workflow{}, 0
	for len(list) < limit && bytes < maxConfigs {
		found, err := a.Services.Versions(r.Context(), ask)
		if err != nil {
			return err
		}
		for _, v := range found.Items {
			one, err := a.revision(r.Context(), v)
			if err != nil {
				return err
			}
			list, bytes = append(list, one), bytes+len(one.Config)
		}
		if ask.Cursor = found.Next; ask.Cursor == "" {
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

// nameRevision names a version and says what it is.
func (a *Adapter) nameRevision(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Name        *string `json:"name"`
		Description *string `json:"description"`
	}
	if err := decode(r, &in); err != nil {
		return err
	}
	if in.Name == nil {
		return wrong("give name, and description if there is more to say", []any{"body", "name"}, "the name is missing")
	}
	v, err := a.Services.Version(r.Context(), r.PathValue("id"), r.PathValue("rid"))
	if err != nil {
		return err
	}
	if v, err = a.rename(r.Context(), v, *in.Name, in.Description, change(r)); err != nil {
		return err
	}
	if v, err = a.Services.Version(r.Context(), v.Component, strconv.Itoa(v.Number)); err != nil {
		return err
	}
	out, err := a.revision(r.Context(), v)
	if err != nil {
		return err
	}
	return data(w, out)
}

// promoted is a revision with the release that made it live.
type promoted struct {
	workflow
	Deployed deployed `json:"sluice"`
}

// promoteRevision makes a version live: in production, unless the query names
// another environment.
func (a *Adapter) promoteRevision(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := a.Services.Version(ctx, r.PathValue("id"), r.PathValue("rid"))
	if err != nil {
		return err
	}
	e, err := a.environment(ctx, r.URL.Query().Get("environment"), "query", "environment")
	if err != nil {
		return err
	}
	done, err := a.Services.Deploy(ctx, sluice.DeployRequest{
		Environment: e.Name, Changes: []sluice.ChangeRequest{{Component: v.Component, Version: strconv.Itoa(v.Number)}}, Change: change(r),
	})
	if err != nil {
		return err
	}
	out, err := a.revision(ctx, v)
	if err != nil {
		return err
	}
	return data(w, promoted{out, deploymentOf(e, done)})
}

// deleteRevision refuses: versions are what history is made of.
func (a *Adapter) deleteRevision(_ http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := a.Services.Version(ctx, r.PathValue("id"), r.PathValue("rid"))
	if err != nil {
		return err
	}
	live, err := a.liveIn(ctx, v)
	if err != nil {
		return err
	}
	if len(live) > 0 {
		return sluice.Errorf(sluice.Conflict, "%s is live in %s", v.Ref(), sluice.Listing(live, 8)).
			Fix("promote another revision there first")
	}
	return &refusal{http.StatusMethodNotAllowed, sluice.Errorf(sluice.Conflict, "%s cannot be deleted: revisions are immutable, and history refers to them", v.Ref()).
		Do(sluice.QuarantineVersion(v.Component, v.Pin().String()), "to keep it from going live").
		Do(sluice.PurgeVersion(v.Component, v.Pin().String()), "to remove its content for good")}
}
