package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// OfVariable is the path of one variable.
type OfVariable struct {
	Key string `path:"key" maxLength:"128" doc:"The variable's key."`
}

// OfComponent says whose variables are meant.
type OfComponent struct {
	Component string `query:"component" maxLength:"128" doc:"As this component gets it: its overlay before what all get."`
}

// SetVariableRequest sets one variable.
type SetVariableRequest struct {
	Component       string  `json:"component,omitempty"`
	Value           *string `json:"value"`
	Secret          *bool   `json:"secret,omitempty"`
	Expect          string  `json:"expect,omitempty"`
	Create          string  `json:"create,omitempty"`
	ExpectedRelease *int64  `json:"expected_release,omitempty"`
	sluice.Change
}

func (h *handler) variables() {
	const tag, path = "variables", "/v1/environments/{environment}/variables"
	route(h, tag, spec{
		method: http.MethodGet, path: path, id: "list-variables", cost: pageCost, summary: "List an environment's variables and overlays, now or then",
		description: "The values of secrets are left out.",
	}, func(ctx context.Context, in *struct {
		InPast
		Paging
		Component string `query:"component" maxLength:"128" doc:"Only the overlay of this component."`
		Wide      bool   `query:"wide" doc:"Without overlays."`
	},
	) (out sluice.Page[sluice.Variable], err error) {
		q := sluice.VariableQuery{Component: in.Component, Wide: in.Wide, Paging: in.page()}
		if q.Environment, err = in.ref(); err != nil {
			return out, err
		}
		return h.Services.Variables(ctx, q)
	})
	h.oneVariable(tag, path+"/{key}")
	h.effective(tag)
	route(h, tag, spec{
		method: http.MethodPost, path: path + "/import", id: "import-variables", needs: sluice.MayDeploy, cost: pageCost, summary: "Set variables from a dotenv file, as one release",
		description: "An invalid line refuses the whole file, with its line and column.", body: maxContentBody,
	}, func(ctx context.Context, in *struct {
		OnTarget
		Body sluice.ImportVariablesRequest
	},
	) (out sluice.ImportReport, err error) {
		in.Body.Environment, in.Body.IdempotencyKey = in.Environment, in.Key
		if in.Body.ExpectedRelease, err = in.expected(in.Body.ExpectedRelease); err != nil {
			return out, err
		}
		return h.Services.ImportVariables(ctx, in.Body)
	})
	route(h, tag, spec{method: http.MethodGet, path: "/v1/diff/variables", id: "diff-variables", summary: "Compare the variables of two environments, each now or then"},
		func(ctx context.Context, in *struct {
			From      string `query:"from" required:"true" maxLength:"300" example:"staging"`
			To        string `query:"to" required:"true" maxLength:"300" example:"production"`
			Component string `query:"component" maxLength:"128" doc:"What this component gets."`
		},
		) (sluice.VariablesDiff, error) {
			return h.Services.DiffVariables(ctx, sluice.DiffVariablesRequest{From: in.From, To: in.To, Component: in.Component})
		})
	route(h, tag, spec{
		method: http.MethodPost, path: "/v1/keys/rotate", id: "rotate-key", needs: sluice.MayAdminister, patience: -1, summary: "Seal all values with a new data key",
		description: "Work goes on meanwhile. A rotation that was broken off is finished by the next.",
	}, func(ctx context.Context, in *struct {
		Retry
		Body *sluice.RotateKeyRequest
	},
	) (sluice.KeyReport, error) {
		req := given(in.Body)
		req.IdempotencyKey = in.Key
		return h.Services.RotateKey(ctx, req)
	})
}

func (h *handler) oneVariable(tag, path string) {
	route(h, tag, spec{method: http.MethodGet, path: path, id: "get-variable", summary: "Show one variable; a secret's value is left out"},
		func(ctx context.Context, in *struct {
			InPast
			OfVariable
			OfComponent
		},
		) (sluice.Variable, error) {
			ref, err := in.ref()
			if err != nil {
				return sluice.Variable{}, err
			}
			return h.Services.Variable(ctx, sluice.VariableRequest{Environment: ref, Key: in.Key, Component: in.Component})
		})
	route(h, tag, spec{method: http.MethodPost, path: path + "/reveal", id: "reveal-variable", summary: "Show one variable with its value, and record that"},
		func(ctx context.Context, in *struct {
			InPast
			OfVariable
			OfComponent
		},
		) (sluice.Variable, error) {
			ref, err := in.ref()
			if err != nil {
				return sluice.Variable{}, err
			}
			return h.Services.Variable(ctx, sluice.VariableRequest{Environment: ref, Key: in.Key, Component: in.Component, Reveal: true})
		})
	route(h, tag, spec{method: http.MethodPut, path: path, id: "set-variable", needs: sluice.MayDeploy, summary: "Set one variable, as one release"},
		func(ctx context.Context, in *struct {
			InEnvironment
			Retry
			Matching
			Variable string `path:"key" maxLength:"128" doc:"The variable's key."`
			Body     SetVariableRequest
		},
		) (out sluice.Outcome, err error) {
			change := sluice.ChangeRequest{Component: in.Body.Component, Variable: in.Variable, Value: in.Body.Value, Secret: in.Body.Secret, Expect: in.Body.Expect}
			req := sluice.DeployRequest{Environment: in.Environment, Changes: []sluice.ChangeRequest{change}, Create: in.Body.Create, Change: in.Body.Change}
			req.IdempotencyKey = in.Key
			if req.ExpectedRelease, err = in.expected(in.Body.ExpectedRelease); err != nil {
				return out, err
			}
			return h.Services.Deploy(ctx, req)
		})
	route(h, tag, spec{method: http.MethodDelete, path: path, id: "delete-variable", needs: sluice.MayDeploy, summary: "Take the environment's own value away, as one release"},
		func(ctx context.Context, in *struct {
			InEnvironment
			Retry
			Matching
			OfComponent
			Variable string `path:"key" maxLength:"128" doc:"The variable's key."`
			Hide     bool   `query:"hide" doc:"Hide what the parent holds, or from a component what all get."`
			Expect   string `query:"expect" maxLength:"128" doc:"The fingerprint that must be live now; another is a conflict."`
			Reason   string `query:"reason" maxLength:"4096"`
			Ticket   string `query:"ticket" maxLength:"256"`
			DryRun   bool   `query:"dry_run"`
		},
		) (out sluice.Outcome, err error) {
			change := sluice.ChangeRequest{Component: in.Component, Variable: in.Variable, Unset: !in.Hide, Hide: in.Hide, Expect: in.Expect}
			req := sluice.DeployRequest{
				Environment: in.Environment, Changes: []sluice.ChangeRequest{change},
				Change: sluice.Change{Reason: in.Reason, Ticket: in.Ticket, DryRun: in.DryRun, IdempotencyKey: in.Key},
			}
			if req.ExpectedRelease, err = in.expected(nil); err != nil {
				return out, err
			}
			return h.Services.Deploy(ctx, req)
		})
	route(h, tag, spec{method: http.MethodPost, path: path + "/shred", id: "shred-variable", needs: sluice.MayAdminister, summary: "Make past values unrecoverable; that they were there stays known"},
		func(ctx context.Context, in *struct {
			InEnvironment
			Retry
			Variable string `path:"key" maxLength:"128" doc:"The variable's key."`
			Body     *sluice.ShredRequest
		},
		) (sluice.ShredReport, error) {
			req := given(in.Body)
			req.Environment, req.Key, req.IdempotencyKey = in.Environment, in.Variable, in.Key
			return h.Services.ShredVariable(ctx, req)
		})
}

func (h *handler) effective(tag string) {
	const path = "/v1/environments/{environment}/effective"
	route(h, tag, spec{
		method: http.MethodGet, path: path, id: "effective-variables", summary: "All variables that a component gets, with the layers that each hides",
		description: "The values of secrets are left out.",
	}, func(ctx context.Context, in *struct {
		InPast
		OfComponent
	},
	) (sluice.EffectiveSet, error) {
		ref, err := in.ref()
		if err != nil {
			return sluice.EffectiveSet{}, err
		}
		return h.Services.Effective(ctx, sluice.EffectiveRequest{Environment: ref, Component: in.Component})
	})
	route(h, tag, spec{method: http.MethodPost, path: path + "/reveal", id: "reveal-effective", summary: "The same with the values of secrets, and record that"},
		func(ctx context.Context, in *struct {
			InPast
			OfComponent
		},
		) (sluice.EffectiveSet, error) {
			ref, err := in.ref()
			if err != nil {
				return sluice.EffectiveSet{}, err
			}
			return h.Services.Effective(ctx, sluice.EffectiveRequest{Environment: ref, Component: in.Component, Reveal: true})
		})
}
