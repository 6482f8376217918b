package scriptum

import (
	"context"
	"fmt"
	"path"
	"strconv"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

// The suffixes tell the two forms of a script apart.
const (
	dslSuffix  = ".scriptum"
	yamlSuffix = ".yaml"
)

func draftInfo(d sluice.Draft) *pb.DraftInfo {
	out := &pb.DraftInfo{
		Name: d.Component, Digest: string(d.Digest), SavedAtMs: d.SavedAt.Std().UnixMilli(), SavedBy: d.SavedBy, PublishedVersion: int32(d.Published),
	}
	for _, f := range d.Files {
		out.Files = append(out.Files, f.Path)
	}
	return out
}

// content is a script's text in its form: that of its first file.
func content(files []sluice.File) (dsl, yaml string) {
	if len(files) == 0 {
		return "", ""
	}
	text := string(files[0].Bytes())
	if path.Ext(files[0].Path) == dslSuffix {
		return text, ""
	}
	return "", text
}

// SaveScriptDraft replaces a script's draft.
func (s *service) SaveScriptDraft(ctx context.Context, req *pb.SaveScriptDraftRequest) (*pb.SaveScriptDraftResponse, error) {
	file, text := req.GetName()+dslSuffix, req.GetDslContent()
	switch dsl, yaml := req.GetDslContent() != "", req.GetYamlContent() != ""; {
	case dsl == yaml:
		return nil, sluice.Errorf(sluice.Invalid, "a draft has either DSL or YAML").Fix("give one of dsl_content and yaml_content")
	case yaml:
		file, text = req.GetName()+yamlSuffix, req.GetYamlContent()
	}
	if err := sluice.CheckName("component", req.GetName()); err != nil {
		return nil, err
	}
	if _, err := s.Services.Component(ctx, req.GetName()); err != nil {
		return nil, err // a slip in the name must not make another script
	}
	d, err := s.Services.SaveDraft(ctx, sluice.SaveDraftRequest{
		Component: req.GetName(), Files: []sluice.File{sluice.NewFile(file, []byte(text))}, Change: change(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &pb.SaveScriptDraftResponse{Draft: draftInfo(d)}, nil
}

// GetDraftInfo shows a script's draft.
func (s *service) GetDraftInfo(ctx context.Context, req *pb.GetDraftInfoRequest) (*pb.GetDraftInfoResponse, error) {
	d, err := s.Services.Draft(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	out := &pb.GetDraftInfoResponse{Draft: draftInfo(d)}
	out.DslContent, out.YamlContent = content(d.Files)
	return out, nil
}

// CompileScriptDraft is not carried out: Sluice releases scripts and does not
// compile them.
func (s *service) CompileScriptDraft(context.Context, *pb.CompileScriptDraftRequest) (*pb.CompileScriptDraftResponse, error) {
	return nil, &unsupported{"Sluice does not compile scripts: publish the draft, and let the runtime compile it"}
}

// PublishScriptDraft publishes a script's draft. Which version is active is
// another decision: of the environment, when it follows the latest, else of who
// deploys.
func (s *service) PublishScriptDraft(ctx context.Context, req *pb.PublishScriptDraftRequest) (*pb.PublishScriptDraftResponse, error) {
	p, err := s.Services.PublishDraft(ctx, sluice.PublishDraftRequest{Component: req.GetName(), Unchecked: req.GetUnchecked(), Change: change(ctx)})
	if err != nil {
		return nil, err
	}
	environment, err := s.environment(ctx)
	if err != nil {
		return nil, err
	}
	live, err := s.Services.Setting(ctx, sluice.EnvironmentRef{Name: environment}, p.Version.Component)
	if err != nil {
		return nil, err
	}
	out := &pb.PublishScriptDraftResponse{ActiveVersion: int32(live.Value.Version)}
	out.Version = version(p.Version, statusIn(live.Value, p.Version, nil))
	if live.Value.Version != p.Version.Number {
		out.Message = said(next(p.Version, environment))
	}
	for _, r := range p.Refused {
		if r.Environment == environment {
			out.Message = fmt.Sprintf("published, and refused by %s: %s", environment, r.Reason)
		}
	}
	return out, nil
}

// next is what makes a version active that was published and is not.
func next(v sluice.Version, environment string) *sluice.Advice {
	deploy := sluice.DeployVersion(v.Component, strconv.Itoa(v.Number), environment)
	advice := sluice.Do(deploy, "published, and not active in %s; next", environment)
	return &advice
}
