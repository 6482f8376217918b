package scriptum

import (
	"context"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

// ListTools lists none: blocks bring what they do, and import no tools.
func (s *service) ListTools(context.Context, *pb.ListToolsRequest) (*pb.ListToolsResponse, error) {
	return &pb.ListToolsResponse{}, nil
}

// ListTemplates lists none.
func (s *service) ListTemplates(context.Context, *pb.ListTemplatesRequest) (*pb.ListTemplatesResponse, error) {
	return &pb.ListTemplatesResponse{}, nil
}

// GetTemplate finds none.
func (s *service) GetTemplate(_ context.Context, req *pb.GetTemplateRequest) (*pb.GetTemplateResponse, error) {
	return nil, sluice.Errorf(sluice.NotFound, "there is no template %.40q: this server has none", req.GetId()).
		Fix("make a script with CreateScript, and save a draft")
}
