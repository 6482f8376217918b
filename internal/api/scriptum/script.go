package scriptum

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

// environment is where active versions and variables are looked for.
func (s *service) environment(ctx context.Context) (string, error) {
	info, err := s.Services.Info(ctx)
	return info.DefaultEnvironment, err
}

// labelTags are labels as a component keeps them: each value is a tag.
func labelTags(labels []*pb.Label) []string {
	var tags []string
	for _, l := range labels {
		for _, v := range l.GetValues() {
			tags = append(tags, l.GetKey()+"="+v)
		}
	}
	return tags
}

// split tells tags from labels.
func split(tags []string) (plain []string, labels []*pb.Label) {
	byKey := map[string]*pb.Label{}
	for _, tag := range tags {
		key, value, isLabel := strings.Cut(tag, "=")
		if !isLabel {
			plain = append(plain, tag)
			continue
		}
		if byKey[key] == nil {
			byKey[key] = &pb.Label{Key: key}
		}
		byKey[key].Values = append(byKey[key].Values, value)
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		labels = append(labels, byKey[key])
	}
	return plain, labels
}

// script is a component as this service tells it.
func (s *service) script(ctx context.Context, c sluice.Component) (*pb.Script, sluice.Draft, error) {
	environment, err := s.environment(ctx)
	if err != nil {
		return nil, sluice.Draft{}, err
	}
	out := &pb.Script{
		Name: c.Name, Description: c.Description, LatestVersion: int32(c.Latest), CreatedAtMs: c.CreatedAt.Std().UnixMilli(), Environment: environment, Kind: c.Kind,
	}
	out.Tags, out.Labels = split(c.Tags)
	live, err := s.Services.Setting(ctx, sluice.EnvironmentRef{Name: environment}, c.Name)
	if err != nil {
		return nil, sluice.Draft{}, err
	}
	draft, err := s.Services.Draft(ctx, c.Name)
	if code := sluice.CodeOf(err); err != nil && code != sluice.NotFound && code != sluice.Denied { // which is for those who publish
		return nil, draft, err
	}
	out.ActiveVersion, out.HasDraft = int32(live.Value.Version), err == nil
	switch {
	case c.Archived:
		out.Status = pb.ScriptStatus_SCRIPT_STATUS_ARCHIVED
	case out.ActiveVersion > 0:
		out.Status = pb.ScriptStatus_SCRIPT_STATUS_ACTIVE
	case out.HasDraft || c.Latest > 0:
		out.Status = pb.ScriptStatus_SCRIPT_STATUS_DRAFT
	default:
		out.Status = pb.ScriptStatus_SCRIPT_STATUS_CREATED
	}
	return out, draft, nil
}

// CreateScript makes a component, and its overlay when one is given.
func (s *service) CreateScript(ctx context.Context, req *pb.CreateScriptRequest) (*pb.CreateScriptResponse, error) {
	if req.GetFromTemplate() != "" {
		return nil, sluice.Errorf(sluice.Invalid, "there are no templates").Fix("leave from_template out, and save a draft")
	}
	changes, err := overlayChanges(req.GetName(), req.GetEnv(), nil)
	if err != nil { // before anything is made
		return nil, err
	}
	c, err := s.Services.AddComponent(ctx, sluice.AddComponentRequest{
		Name: req.GetName(), Kind: cmp.Or(req.GetKind(), sluice.KindScript), Description: req.GetDescription(),
		Tags: append(slices.Clone(req.GetTags()), labelTags(req.GetLabels())...), Change: change(ctx),
	})
	if err != nil {
		return nil, err
	}
	if len(changes) > 0 {
		if _, err := s.configure(ctx, changes); err != nil {
			return nil, sluice.AsError(err).Fix("%s was made, without its variables: set them with UpdateScriptEnv", c.Name)
		}
	}
	out, _, err := s.script(ctx, c)
	return &pb.CreateScriptResponse{Script: out}, err
}

// ListScripts lists components by name.
func (s *service) ListScripts(ctx context.Context, req *pb.ListScriptsRequest) (*pb.ListScriptsResponse, error) {
	page, err := s.Services.Components(ctx, sluice.ComponentQuery{
		Tags: req.GetTags(), AnyTag: labelTags(req.GetLabels()), Paging: sluice.Paging{Limit: int(req.GetPageSize()), Cursor: req.GetPageToken()},
	})
	if err != nil {
		return nil, err
	}
	out := &pb.ListScriptsResponse{NextPageToken: page.Next}
	for _, c := range page.Items {
		script, _, err := s.script(ctx, c)
		if err != nil {
			return nil, err
		}
		out.Scripts = append(out.Scripts, script)
	}
	return out, nil
}

// GetScript shows a component with its active version and its draft.
func (s *service) GetScript(ctx context.Context, req *pb.GetScriptRequest) (*pb.GetScriptResponse, error) {
	c, err := s.Services.Component(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	script, draft, err := s.script(ctx, c)
	if err != nil {
		return nil, err
	}
	out := &pb.GetScriptResponse{Script: script}
	for _, v := range c.Versions {
		if int32(v.Number) == script.ActiveVersion {
			out.Active = version(v, pb.VersionStatus_VERSION_STATUS_ACTIVE)
		}
	}
	if script.HasDraft {
		out.Draft = draftInfo(draft)
	}
	return out, nil
}

// DeleteScript archives a component: what history refers to stays.
func (s *service) DeleteScript(ctx context.Context, req *pb.DeleteScriptRequest) (*pb.DeleteScriptResponse, error) {
	archived := true
	c, err := s.Services.EditComponent(ctx, sluice.EditComponentRequest{Name: req.GetName(), Archived: &archived, Change: change(ctx)})
	if err != nil {
		return nil, err
	}
	out, _, err := s.script(ctx, c)
	return &pb.DeleteScriptResponse{Script: out}, err
}
