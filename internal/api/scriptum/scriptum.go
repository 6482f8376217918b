// Package scriptum speaks the wire format of Scriptum's service: gRPC with
// reflection, and its HTTP paths under /v1/scriptum. A script is a component, a
// tenant the organization, and the active version what the default environment
// runs. It translates, and must hold no rule and no state of its own.
package scriptum

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/api"
	"github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

// maxMessage bounds one request: a version, or an import, with what is around it.
const maxMessage = 6 << 20

// maxAnswer bounds one message of an answer: the largest chunk of an output.
const maxAnswer = maxChunk + 64<<10

// Config says what the adapter speaks for.
type Config struct {
	Services sluice.Services
	Log      *slog.Logger
	Version  string // of the program
}

// Adapter serves the wire format. It implements the API's adapter.
type Adapter struct {
	grpc  *grpc.Server
	http  *http.ServeMux
	calls map[string]string // by pattern of the paths, the name of the call
}

// service answers the calls.
type service struct {
	scriptumv1.UnimplementedScriptumServiceServer
	Config
	started time.Time
	codec   *codec
}

// New returns the adapter.
func New(cfg Config) *Adapter {
	s := &service{Config: cfg, started: time.Now(), codec: newCodec()}
	a := &Adapter{
		grpc: grpc.NewServer(
			grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxAnswer),
			grpc.UnaryInterceptor(s.intercept), grpc.StreamInterceptor(s.interceptStream), grpc.NumStreamWorkers(0),
			grpc.ForceServerCodecV2(s.codec),
		),
		http:  http.NewServeMux(),
		calls: map[string]string{},
	}
	scriptumv1.RegisterScriptumServiceServer(a.grpc, s)
	reflection.Register(a.grpc)
	s.paths(routes{a.http, a.calls})
	return a
}

const httpPrefix = "/v1/scriptum/"

// isGRPC reports whether a request is a call of gRPC's.
func isGRPC(r *http.Request) bool {
	return r.ProtoMajor == 2 && r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}

// Route says what a request is. Reflection and what is public need no token.
func (a *Adapter) Route(r *http.Request) api.Route {
	switch {
	case isGRPC(r):
		service, method, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch {
		case strings.HasPrefix(service, "grpc.reflection."):
			return api.Route{Pattern: "gRPC reflection", Public: true}
		case service != scriptumv1.ScriptumService_ServiceDesc.ServiceName || !known(method):
			return api.Route{Pattern: "gRPC none", Public: true} // which has nothing to protect
		}
		return api.Route{Pattern: "gRPC " + service + "/" + method, Public: public[method], Needs: needs[method], Body: maxMessage, Cost: costs[method]}
	case strings.HasPrefix(r.URL.Path, httpPrefix):
		_, pattern := a.http.Handler(r)
		if pattern == "" {
			pattern = httpPrefix
		}
		method := a.calls[pattern]
		return api.Route{Pattern: pattern, Public: public[method], Needs: needs[method], Body: maxMessage, Cost: costs[method]}
	}
	return api.Route{}
}

// public are the calls that need no token, by name and by path. They tell nothing
// of the organization.
var public = map[string]bool{"HealthCheck": true, "ListTemplates": true, "GetTemplate": true}

// needs is what calls need that change something.
var needs = map[string]sluice.Permission{
	"CreateScript": sluice.MayPublish, "DeleteScript": sluice.MayPublish, "SaveScriptDraft": sluice.MayPublish, "PublishScriptDraft": sluice.MayPublish,
	"RollbackScript": sluice.MayDeploy, "SetEnvVar": sluice.MayDeploy, "DeleteEnvVar": sluice.MayDeploy, "ImportEnvVars": sluice.MayDeploy,
	"UpdateScriptEnv": sluice.MayDeploy, "TestScriptDraft": sluice.MayRun, "CreateThread": sluice.MayRun, "CancelThread": sluice.MayRun, "ResumeThread": sluice.MayRun,
}

// costs are the memory that the answers of calls take that may be large.
var costs = map[string]int64{
	"ListScripts": listCost, "ListScriptVersions": listCost, "ListEnvVars": listCost, "GetScriptEnv": listCost, "ListThreads": listCost,
	"GetDraftInfo": listCost, "GetScriptCode": listCost,
}

// listCost is that of a page, or of one message.
const listCost = 2 * sluice.MaxPageBytes

func known(method string) bool {
	desc := scriptumv1.ScriptumService_ServiceDesc
	return slices.ContainsFunc(desc.Methods, func(m grpc.MethodDesc) bool { return m.MethodName == method }) ||
		slices.ContainsFunc(desc.Streams, func(m grpc.StreamDesc) bool { return m.StreamName == method })
}

// ServeHTTP answers a request whose context knows the actor.
func (a *Adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isGRPC(r) {
		a.grpc.ServeHTTP(w, r)
		return
	}
	a.http.ServeHTTP(w, r)
}

// intercept turns the errors of calls into those of gRPC.
func (s *service) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
		if err != nil {
			s.log(ctx, info.FullMethod, err)
			out, err = nil, statusOf(err)
		}
	}()
	if err := s.codec.check(req); err != nil {
		return nil, err
	}
	return handle(withKey(ctx), req)
}
