package scriptum

import (
	"context"
	"strconv"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

func version(v sluice.Version, status pb.VersionStatus) *pb.Version {
	out := &pb.Version{
		Name: v.Component, Version: int32(v.Number), Status: status, Label: string(v.Label), Digest: string(v.Digest),
		Note: v.Note, Author: v.Author, CreatedAtMs: v.At.Std().UnixMilli(),
	}
	if v.Unchecked != nil {
		out.Unchecked = v.Unchecked.String()
	}
	return out
}

// statusIn is what became of a version in the environment: active, active once,
// or neither yet.
func statusIn(live sluice.Value, v sluice.Version, once map[int]bool) pb.VersionStatus {
	for _, p := range live.Pins() {
		if p.Version == v.Number {
			return pb.VersionStatus_VERSION_STATUS_ACTIVE
		}
	}
	switch {
	case v.Quarantine != nil || v.Purged:
		return pb.VersionStatus_VERSION_STATUS_FAILED
	case once[v.Number]:
		return pb.VersionStatus_VERSION_STATUS_SUPERSEDED
	}
	return pb.VersionStatus_VERSION_STATUS_COMPILED
}

// past is what is live of a component, and which versions were.
func (s *service) past(ctx context.Context, name string) (sluice.Value, map[int]bool, error) {
	environment, err := s.environment(ctx)
	if err != nil {
		return sluice.Value{}, nil, err
	}
	live, err := s.Services.Setting(ctx, sluice.EnvironmentRef{Name: environment}, name)
	if err != nil {
		return sluice.Value{}, nil, err
	}
	once := map[int]bool{}
	q := sluice.ReleaseQuery{Environment: environment, Component: name, Paging: sluice.Paging{Limit: sluice.MaxPage}}
	for {
		page, err := s.Services.Releases(ctx, q)
		if err != nil {
			return live.Value, nil, err
		}
		for _, r := range page.Items {
			for _, c := range r.Changes {
				for _, p := range c.To.Pins() {
					once[p.Version] = true
				}
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return live.Value, once, nil
		}
	}
}

// ListScriptVersions lists a script's versions, newest first.
func (s *service) ListScriptVersions(ctx context.Context, req *pb.ListScriptVersionsRequest) (*pb.ListScriptVersionsResponse, error) {
	live, once, err := s.past(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	page, err := s.Services.Versions(ctx, sluice.VersionQuery{
		Component: req.GetName(), Paging: sluice.Paging{Limit: int(req.GetPageSize()), Cursor: req.GetPageToken()},
	})
	if err != nil {
		return nil, err
	}
	out := &pb.ListScriptVersionsResponse{NextPageToken: page.Next}
	for _, v := range page.Items {
		out.Versions = append(out.Versions, version(v, statusIn(live, v, once)))
	}
	return out, nil
}

// GetScriptVersion shows one version.
func (s *service) GetScriptVersion(ctx context.Context, req *pb.GetScriptVersionRequest) (*pb.GetScriptVersionResponse, error) {
	live, once, err := s.past(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	v, err := s.numbered(ctx, req.GetName(), req.GetVersion(), live)
	if err != nil {
		return nil, err
	}
	return &pb.GetScriptVersionResponse{Version: version(v, statusIn(live, v, once))}, nil
}

// numbered finds a version; 0 is the active one, else the latest.
func (s *service) numbered(ctx context.Context, name string, number int32, live sluice.Value) (sluice.Version, error) {
	ref := strconv.Itoa(int(number))
	switch {
	case number < 0:
		return sluice.Version{}, sluice.Errorf(sluice.Invalid, "version %d does not exist", number).Fix("versions begin at 1; 0 is the active one")
	case number == 0 && live.Version > 0:
		ref = strconv.Itoa(live.Version)
	case number == 0:
		ref = "latest"
	}
	return s.Services.Version(ctx, name, ref)
}

// GetScriptCode returns the text of a version.
func (s *service) GetScriptCode(ctx context.Context, req *pb.GetScriptCodeRequest) (*pb.GetScriptCodeResponse, error) {
	environment, err := s.environment(ctx)
	if err != nil {
		return nil, err
	}
	live, err := s.Services.Setting(ctx, sluice.EnvironmentRef{Name: environment}, req.GetName())
	if err != nil {
		return nil, err
	}
	v, err := s.numbered(ctx, req.GetName(), req.GetVersion(), live.Value)
	if err != nil {
		return nil, err
	}
	f, err := s.Services.File(ctx, v.Component, strconv.Itoa(v.Number), v.Files[0].Path)
	if err != nil {
		return nil, err
	}
	out := &pb.GetScriptCodeResponse{Version: int32(v.Number)}
	out.DslContent, out.YamlContent = content([]sluice.File{f})
	return out, nil
}

// RollbackScript goes back in the default environment.
func (s *service) RollbackScript(ctx context.Context, req *pb.RollbackScriptRequest) (*pb.RollbackScriptResponse, error) {
	if req.GetVersion() < 0 {
		return nil, sluice.Errorf(sluice.Invalid, "version %d does not exist", req.GetVersion()).Fix("0 is the previously active version")
	}
	environment, err := s.environment(ctx)
	if err != nil {
		return nil, err
	}
	rollback := sluice.RollbackRequest{Environment: environment, Components: []string{req.GetName()}, Change: change(ctx)}
	rollback.Reason, rollback.Ticket = req.GetReason(), req.GetTicket()
	if req.GetVersion() > 0 {
		rollback.To = strconv.Itoa(int(req.GetVersion()))
	}
	done, err := s.Services.Rollback(ctx, rollback)
	if err != nil {
		return nil, err
	}
	out := &pb.RollbackScriptResponse{Environment: done.Environment, Undo: said(done.Undo), Release: number(done)}
	live, once, err := s.past(ctx, req.GetName())
	if err != nil || live.Version == 0 {
		return out, err
	}
	v, err := s.Services.Version(ctx, req.GetName(), strconv.Itoa(live.Version))
	out.Version = version(v, statusIn(live, v, once))
	return out, err
}

// number is that of the release that a change made, 0 when it made none.
func number(o sluice.Outcome) int64 {
	if o.Release == nil {
		return 0
	}
	return o.Release.Number
}
