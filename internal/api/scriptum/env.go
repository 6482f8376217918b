package scriptum

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sluice-dev/sluice"
	pb "github.com/sluice-dev/sluice/internal/api/scriptum/scriptumv1"
)

// mask stands in the place of a secret. This surface reveals none.
const mask = "••••••••"

func envVar(v sluice.Variable) *pb.EnvVar {
	out := &pb.EnvVar{Key: v.Key, Secret: v.Secret || v.Stub}
	switch {
	case v.Value != nil:
		out.Value = *v.Value
	case v.Secret && !v.Shredded && !v.Unavailable:
		out.Value = mask
	}
	return out
}

// configure makes one release of the default environment.
func (s *service) configure(ctx context.Context, changes []sluice.ChangeRequest) (sluice.Outcome, error) {
	environment, err := s.environment(ctx)
	if err != nil {
		return sluice.Outcome{}, err
	}
	return s.Services.Deploy(ctx, sluice.DeployRequest{Environment: environment, Changes: changes, Change: change(ctx)})
}

// SetEnvVar sets a variable of the tenant.
func (s *service) SetEnvVar(ctx context.Context, req *pb.SetEnvVarRequest) (*pb.SetEnvVarResponse, error) {
	if err := sluice.CheckKey(req.GetKey()); err != nil {
		return nil, err
	}
	done, err := s.configure(ctx, []sluice.ChangeRequest{{Variable: req.GetKey(), Value: &req.Value, Secret: req.Secret}})
	if err != nil {
		return nil, err
	}
	v, err := s.variable(ctx, req.GetKey())
	if err != nil {
		return nil, err
	}
	return &pb.SetEnvVarResponse{EnvVar: envVar(v), Release: number(done)}, nil
}

func (s *service) variable(ctx context.Context, key string) (sluice.Variable, error) {
	environment, err := s.environment(ctx)
	if err != nil {
		return sluice.Variable{}, err
	}
	return s.Services.Variable(ctx, sluice.VariableRequest{Environment: sluice.EnvironmentRef{Name: environment}, Key: key})
}

// GetEnvVar shows a variable of the tenant; a secret's value is a mask.
func (s *service) GetEnvVar(ctx context.Context, req *pb.GetEnvVarRequest) (*pb.GetEnvVarResponse, error) {
	v, err := s.variable(ctx, req.GetKey())
	if err != nil {
		return nil, err
	}
	return &pb.GetEnvVarResponse{EnvVar: envVar(v)}, nil
}

// DeleteEnvVar takes a variable of the tenant away. One that is not there is no
// mistake.
func (s *service) DeleteEnvVar(ctx context.Context, req *pb.DeleteEnvVarRequest) (*pb.DeleteEnvVarResponse, error) {
	if err := sluice.CheckKey(req.GetKey()); err != nil {
		return nil, err
	}
	done, err := s.configure(ctx, []sluice.ChangeRequest{{Variable: req.GetKey(), Unset: true}})
	if err != nil {
		return nil, err
	}
	return &pb.DeleteEnvVarResponse{Release: number(done)}, nil
}

// ListEnvVars lists the variables of the tenant, without overlays.
func (s *service) ListEnvVars(ctx context.Context, req *pb.ListEnvVarsRequest) (*pb.ListEnvVarsResponse, error) {
	environment, err := s.environment(ctx)
	if err != nil {
		return nil, err
	}
	page, err := s.Services.Variables(ctx, sluice.VariableQuery{
		Environment: sluice.EnvironmentRef{Name: environment}, Wide: true,
		Paging: sluice.Paging{Limit: int(req.GetPageSize()), Cursor: req.GetPageToken()},
	})
	if err != nil {
		return nil, err
	}
	out := &pb.ListEnvVarsResponse{NextPageToken: page.Next}
	for _, v := range page.Items {
		if !v.None {
			out.EnvVars = append(out.EnvVars, envVar(v))
		}
	}
	return out, nil
}

// ImportEnvVars sets many variables of the tenant, as one release.
func (s *service) ImportEnvVars(ctx context.Context, req *pb.ImportEnvVarsRequest) (*pb.ImportEnvVarsResponse, error) {
	if (req.GetContent() != "") == (len(req.GetVars()) > 0) {
		return nil, sluice.Errorf(sluice.Invalid, "an import has either the text of a file or variables").Fix("give one of content and vars")
	}
	if len(req.GetVars()) > 0 {
		changes, err := overlayChanges("", req.GetVars(), nil)
		if err != nil {
			return nil, err
		}
		done, err := s.configure(ctx, changes)
		if err != nil {
			return nil, err
		}
		out := &pb.ImportEnvVarsResponse{Release: number(done)}
		if done.Release != nil {
			out.Imported = int32(len(done.Release.Changes))
		}
		return out, nil
	}
	environment, err := s.environment(ctx)
	if err != nil {
		return nil, err
	}
	report, err := s.Services.ImportVariables(ctx, sluice.ImportVariablesRequest{Environment: environment, File: "content", Text: req.GetContent(), Change: change(ctx)})
	if err != nil {
		return nil, err
	}
	out := &pb.ImportEnvVarsResponse{Release: number(report.Outcome)}
	for _, d := range report.Variables {
		if d.Status != sluice.DiffSame {
			out.Imported++
		}
	}
	return out, nil
}

// overlayChanges are the changes of an overlay, or without a component of what
// all get, in one order. They are checked, so that the first part of a call does
// nothing when the second would be refused.
func overlayChanges(component string, set map[string]string, remove []string) ([]sluice.ChangeRequest, error) {
	changes := make([]sluice.ChangeRequest, 0, len(set)+len(remove))
	for _, key := range slices.Sorted(maps.Keys(set)) {
		value := set[key]
		if err := sluice.CheckKey(key); err != nil {
			return nil, err
		}
		if err := sluice.CheckValue(key, value); err != nil {
			return nil, err
		}
		changes = append(changes, sluice.ChangeRequest{Component: component, Variable: key, Value: &value})
	}
	for _, key := range slices.Compact(slices.Sorted(slices.Values(remove))) {
		if err := sluice.CheckKey(key); err != nil {
			return nil, err
		}
		changes = append(changes, sluice.ChangeRequest{Component: component, Variable: key, Unset: true})
	}
	return changes, nil
}

// overlay is a script's own entries, masked.
func (s *service) overlay(ctx context.Context, name string) (map[string]string, []string, error) {
	environment, err := s.environment(ctx)
	if err != nil {
		return nil, nil, err
	}
	entries := map[string]string{}
	var secrets []string
	q := sluice.VariableQuery{Environment: sluice.EnvironmentRef{Name: environment}, Component: name}
	for {
		page, err := s.Services.Variables(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		for _, v := range page.Items {
			if v.None || v.Hidden {
				continue
			}
			e := envVar(v)
			if entries[v.Key] = e.GetValue(); e.GetSecret() {
				secrets = append(secrets, v.Key)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return entries, secrets, nil
		}
	}
}

// GetScriptEnv shows a script's overlay.
func (s *service) GetScriptEnv(ctx context.Context, req *pb.GetScriptEnvRequest) (*pb.GetScriptEnvResponse, error) {
	if _, err := s.Services.Component(ctx, req.GetName()); err != nil {
		return nil, err
	}
	entries, secrets, err := s.overlay(ctx, req.GetName())
	return &pb.GetScriptEnvResponse{Name: req.GetName(), Env: entries, Secrets: secrets}, err
}

// UpdateScriptEnv changes a script's overlay, as one release. A key to delete
// that is not there is no mistake.
func (s *service) UpdateScriptEnv(ctx context.Context, req *pb.UpdateScriptEnvRequest) (*pb.UpdateScriptEnvResponse, error) {
	changes, err := overlayChanges(req.GetName(), req.GetSet(), req.GetDelete())
	if err != nil {
		return nil, err
	}
	if req.GetName() == "" {
		return nil, sluice.Errorf(sluice.Invalid, "no script is named").Fix("give its name")
	}
	if len(changes) == 0 {
		return nil, sluice.Errorf(sluice.Invalid, "nothing is set and nothing deleted").Fix("give set, delete or both")
	}
	done, err := s.configure(ctx, changes)
	if err != nil {
		return nil, err
	}
	entries, secrets, err := s.overlay(ctx, req.GetName())
	return &pb.UpdateScriptEnvResponse{Name: req.GetName(), Env: entries, Secrets: secrets, Release: number(done)}, err
}

// HealthCheck says that the server is up.
func (s *service) HealthCheck(context.Context, *pb.HealthCheckRequest) (*pb.HealthCheckResponse, error) {
	return &pb.HealthCheckResponse{Status: "ok", Version: s.Version, UptimeSeconds: int64(time.Since(s.started).Seconds())}, nil
}
