package scriptum

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

// Bounds on an answer, in bytes. Clients take messages of 4 MiB unless they are
// told otherwise, so that an answer with all that belongs to it stays below.
const (
	maxResult      = 4<<20 - 16<<10
	maxSteps       = 1 << 20 // of it, the list of steps
	maxDetailInput = 1 << 18 // of it, the settings of a step
	minChunk       = 64 << 10
	maxChunk       = 16 << 20
	defaultChunk   = 2 << 20
)

// GetThreadResult shows what a run gave, as far as it has come, in one message.
func (s *service) GetThreadResult(ctx context.Context, req *pb.GetThreadResultRequest) (*pb.GetThreadResultResponse, error) {
	if req.GetOutputOnly() && req.GetMetadataOnly() {
		return nil, sluice.Errorf(sluice.Invalid, "nothing is left with output_only and metadata_only").Fix("give one of the two")
	}
	r, err := s.Services.Run(ctx, req.GetThreadId())
	if err != nil {
		return nil, err
	}
	out := &pb.GetThreadResultResponse{Thread: thread(r), OutputTotalBytes: int64(len(r.Output))}
	if !req.GetOutputOnly() {
		if err := s.addSteps(ctx, r.ID, out); err != nil {
			return nil, err
		}
	}
	var details *pb.StepDetail
	if path := req.GetStepPath(); path != "" {
		found, err := s.step(ctx, r.ID, path)
		if err != nil {
			return nil, err
		}
		details = detail(found)
		out.StepDetails = []*pb.StepDetail{details}
		if !req.GetMetadataOnly() {
			details.OutputData, details.OutputTruncated = fitting(found.Output, (maxResult-proto.Size(out))/2)
		}
	}
	if !req.GetMetadataOnly() {
		out.OutputData, out.OutputTruncated = fitting(r.Output, maxResult-proto.Size(out))
	}
	return out, nil
}

// addSteps adds the steps of a run, as many as there is room for.
func (s *service) addSteps(ctx context.Context, id string, out *pb.GetThreadResultResponse) error {
	room := maxSteps
	for r, err := range s.Services.Steps(ctx, sluice.StepQuery{Run: id}) {
		if err != nil {
			return err
		}
		next := step(r)
		if room -= proto.Size(next) + 8; room < 0 { // 8: the tag and the length
			out.StepsTruncated = true
			break
		}
		out.Steps = append(out.Steps, next)
	}
	return nil
}

// step finds one step with what it was given and gave.
func (s *service) step(ctx context.Context, id, path string) (sluice.RunStep, error) {
	for step, err := range s.Services.Steps(ctx, sluice.StepQuery{Run: id, Path: path, Detail: true}) {
		return step, err
	}
	return sluice.RunStep{}, noStep(id, path)
}

// detail is a step without its output.
func detail(r sluice.RunStep) *pb.StepDetail {
	input, cut := fitting(r.Settings, maxDetailInput)
	return &pb.StepDetail{
		Step: step(r), InputJson: strings.ToValidUTF8(string(input), ""), InputTruncated: cut, OutputTotalBytes: int64(len(r.Output)),
	}
}

// fitting is the beginning of data that there is room for.
func fitting(data []byte, room int) (begin []byte, cut bool) {
	if room = max(room, 0); len(data) > room {
		return data[:room], true
	}
	return data, false
}

// StreamThreadResult gives the whole output of a run in chunks.
func (s *service) StreamThreadResult(req *pb.StreamThreadResultRequest, stream grpc.ServerStreamingServer[pb.ThreadResultPart]) error {
	return s.streamThreadResult(stream.Context(), req, stream.Send)
}

func (s *service) streamThreadResult(ctx context.Context, req *pb.StreamThreadResultRequest, send func(*pb.ThreadResultPart) error) error {
	r, err := s.Services.Run(ctx, req.GetThreadId())
	if err != nil {
		return err
	}
	meta := &pb.ThreadOutputMeta{Thread: thread(r), OutputTotalBytes: int64(len(r.Output))}
	if err := send(&pb.ThreadResultPart{Part: &pb.ThreadResultPart_Meta{Meta: meta}}); err != nil {
		return err
	}
	return chunks(r.Output, req.GetMaxChunkBytes(), func(c *pb.OutputChunk) error {
		return send(&pb.ThreadResultPart{Part: &pb.ThreadResultPart_Chunk{Chunk: c}})
	})
}

// StreamStepResult gives the whole outputs of one step or of all.
func (s *service) StreamStepResult(req *pb.StreamStepResultRequest, stream grpc.ServerStreamingServer[pb.StepResultPart]) error {
	return s.streamStepResult(stream.Context(), req, stream.Send)
}

func (s *service) streamStepResult(ctx context.Context, req *pb.StreamStepResultRequest, send func(*pb.StepResultPart) error) error {
	q := sluice.StepQuery{Run: req.GetThreadId(), Path: req.GetStepPath(), Detail: true}
	for found, err := range s.Services.Steps(ctx, q) { // one at a time: all outputs together may be large
		if err != nil {
			return err
		}
		if err := send(&pb.StepResultPart{Part: &pb.StepResultPart_Step{Step: detail(found)}}); err != nil {
			return err
		}
		err = chunks(found.Output, req.GetMaxChunkBytes(), func(c *pb.OutputChunk) error {
			return send(&pb.StepResultPart{Part: &pb.StepResultPart_Chunk{Chunk: c}})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// chunks gives data in pieces, of which the last is marked; of nothing, one that
// is empty.
func chunks(data []byte, size int32, give func(*pb.OutputChunk) error) error {
	if size == 0 {
		size = defaultChunk
	}
	most := int(min(max(size, minChunk), maxChunk))
	for i := int32(0); ; i++ {
		piece, more := fitting(data, most)
		data = data[len(piece):]
		if err := give(&pb.OutputChunk{Data: piece, ChunkIndex: i, IsFinal: !more}); err != nil || !more {
			return err
		}
	}
}
