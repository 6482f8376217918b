package scout

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/sluice-dev/sluice"
)

// environment is an environment and what of one workflow is live in it.
type environment struct {
	ID            string            `json:"environment_id"`
	Config        environmentConfig `json:"environment_config"`
	Deployments   []deployment      `json:"deployments"`
	CreatedAt     sluice.Time       `json:"created_at"`
	CreatedBy     identity          `json:"created_by"`
	LastUpdatedAt sluice.Time       `json:"last_updated_at"`
	LastUpdatedBy identity          `json:"last_updated_by"`

	// What Scout does not tell.
	InheritedFrom string `json:"inherited_from,omitempty"` // the environment that the workflow's revision comes from
}

type environmentConfig struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// deployment is one revision that is live.
type deployment struct {
	ID          string           `json:"deployment_id"`
	Environment string           `json:"environment_id"`
	Config      deploymentConfig `json:"deployment_config"`
	CreatedAt   sluice.Time      `json:"created_at"`
	CreatedBy   identity         `json:"created_by"`
}

// deployed is the release that a change made, which Scout does not tell.
type deployed struct {
	Environment string   `json:"environment"`
	Release     int64    `json:"release,omitempty"` // absent when nothing changed
	Undo        string   `json:"undo,omitempty"`
	Warnings    []string `json:"warnings,omitempty"`
	Replayed    bool     `json:"replayed,omitempty"`
	// Unchecked are the revisions that are marked.
	Unchecked []sluice.Marked `json:"unchecked,omitempty"`
}

func deploymentOf(e sluice.Environment, done sluice.Outcome) deployed {
	out := deployed{Environment: e.Name, Undo: said(done.Undo), Warnings: sluice.InWords(done.Warnings, speech), Replayed: done.Replayed, Unchecked: done.Unchecked}
	if done.Release != nil {
		out.Release = done.Release.Number
	}
	return out
}

// environment finds an environment by name or alias, production when none is
// named. One that does not exist is a mistake of the request.
func (a *Adapter) environment(ctx context.Context, name string, where ...any) (sluice.Environment, error) {
	if name == "" {
		name = production
	}
	e, err := a.Services.Environment(ctx, name)
	return e, invalid(err, where...)
}

// listEnvironments tells for each environment what of a workflow is live there.
func (a *Adapter) listEnvironments(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	c, err := a.find(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	all, err := a.Services.Environments(ctx, false)
	if err != nil {
		return err
	}
	list := []environment{}
	for _, e := range all {
		if e.Name == sluice.Base {
			continue // which holds what the others share
		}
		one, err := a.show(ctx, e, c)
		if err != nil {
			return err
		}
		list = append(list, one)
	}
	return data(w, list)
}

// show is an environment as Scout tells it.
func (a *Adapter) show(ctx context.Context, e sluice.Environment, c sluice.Component) (environment, error) {
	nobody := who(ctx, "")
	out := environment{
		ID: e.Name, Config: environmentConfig{Name: e.Name}, Deployments: []deployment{},
		CreatedAt: e.CreatedAt, CreatedBy: nobody, LastUpdatedAt: e.CreatedAt, LastUpdatedBy: nobody,
	}
	s, err := a.Services.Setting(ctx, sluice.EnvironmentRef{Name: e.Name}, c.Name)
	if err != nil || !s.Value.Live() {
		return out, err
	}
	out.InheritedFrom = s.Origin
	setter, err := a.Services.Releases(ctx, sluice.ReleaseQuery{Environment: e.Name, Component: c.Name, Paging: sluice.Paging{Limit: 1}})
	if err != nil {
		return out, err
	}
	if len(setter.Items) > 0 {
		out.LastUpdatedAt, out.LastUpdatedBy = setter.Items[0].At, who(ctx, setter.Items[0].Actor)
	}
	shares := s.Value.Split
	if len(shares) == 0 {
		shares = []sluice.Share{{Pin: s.Value.Pin, Weight: sluice.Whole}}
	}
	for _, share := range shares {
		d := deploymentConfig{Lookup: lookupRevision, Revision: strconv.Itoa(share.Version), Traffic: percent(share.Weight), Label: share.Label}
		if e.Tracks == sluice.TracksLatest && share.Version == c.Latest {
			d.Lookup = lookupLatest
		}
		out.Deployments = append(out.Deployments, deployment{
			ID: fmt.Sprintf("%s#%d@%d", e.Name, s.Since, share.Version), Environment: e.Name, Config: d,
			CreatedAt: out.LastUpdatedAt, CreatedBy: out.LastUpdatedBy,
		})
	}
	return out, nil
}

// updated is an environment with the release that changed it.
type updated struct {
	environment
	Deployed deployed `json:"sluice"`
}

// updateEnvironment makes one release of what an environment is to run. Its name
// and description are not the workflow's to change, and are let be.
func (a *Adapter) updateEnvironment(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Deployments     *[]deploymentConfig `json:"deployments"`
		ExpectedRelease *int64              `json:"expected_release"`
	}
	if err := decode(r, &in); err != nil {
		return err
	}
	if in.Deployments == nil {
		return wrong("give the deployments, [] for none", []any{"body", "deployments"}, "the deployments are missing")
	}
	ctx := r.Context()
	c, err := a.find(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	e, err := a.Services.Environment(ctx, r.PathValue("environment"))
	if err != nil {
		return err
	}
	ask, found, err := a.split(ctx, c.Name, *in.Deployments)
	if err != nil {
		return err
	}
	done, err := a.Services.Deploy(ctx, sluice.DeployRequest{
		Environment: e.Name, Changes: []sluice.ChangeRequest{ask}, ExpectedRelease: in.ExpectedRelease, Change: change(r),
	})
	if err != nil {
		return err
	}
	one, err := a.show(ctx, e, c)
	if err != nil {
		return err
	}
	asked := func(d deployment) int {
		return slices.IndexFunc(found, func(f deploymentConfig) bool { return f.Revision == d.Config.Revision })
	}
	slices.SortStableFunc(one.Deployments, func(x, y deployment) int { return asked(x) - asked(y) })
	for i, d := range one.Deployments {
		if at := asked(d); at >= 0 {
			one.Deployments[i].Config.Lookup, one.Deployments[i].Config.Asked = lookupRevision, found[at].Asked
		}
	}
	return data(w, updated{one, deploymentOf(e, done)})
}

// liveIn are the environments in which a version is live, also as a share.
func (a *Adapter) liveIn(ctx context.Context, v sluice.Version) ([]string, error) {
	all, err := a.Services.Environments(ctx, false)
	if err != nil {
		return nil, err
	}
	var live []string
	for _, e := range all {
		s, err := a.Services.Setting(ctx, sluice.EnvironmentRef{Name: e.Name}, v.Component)
		if err != nil {
			return nil, err
		}
		for _, pin := range s.Value.Pins() {
			if pin.Version == v.Number {
				live = append(live, e.Name)
			}
		}
	}
	return live, nil
}
