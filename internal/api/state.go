package api

import (
	"context"
	"net/http"

	"github.com/sluice-dev/sluice"
)

// History is what GET /v1/history answers: releases, or with a time the
// components as they were live then.
type History struct {
	Releases   []sluice.Release   `json:"releases,omitzero"`
	Components []sluice.Component `json:"components,omitzero"`
	Next       string             `json:"next,omitempty"`
}

// InPast is an environment at some moment.
type InPast struct {
	InEnvironment
	At      string `query:"at" maxLength:"40" doc:"RFC 3339: the state at that time."`
	Release Number `query:"release" doc:"The state after that release; 0 is before the first."`
}

func (in InPast) ref() (ref sluice.EnvironmentRef, err error) {
	ref.Name = in.Environment
	if ref.At, err = moment(in.At); err != nil {
		return ref, err
	}
	if in.Release.Given {
		if ref.At != 0 {
			return ref, sluice.Errorf(sluice.Invalid, "a state is at a time or at a release").Fix("give one of at and release")
		}
		ref.Release, ref.Exact = in.Release.Value, true
	}
	return ref, nil
}

func (h *handler) state() {
	const tag = "state"
	route(h, tag, spec{method: http.MethodGet, path: "/v1/environments/{environment}/state", id: "get-state", cost: pageCost, summary: "What is live in an environment, now or then"},
		func(ctx context.Context, in *struct{ InPast }) (sluice.Manifest, error) {
			ref, err := in.ref()
			if err != nil {
				return sluice.Manifest{}, err
			}
			return h.Services.State(ctx, ref)
		})
	route(h, tag, spec{method: http.MethodGet, path: "/v1/environments/{environment}/state/{component}", id: "get-setting", summary: "What one component has in an environment, now or then"},
		func(ctx context.Context, in *struct {
			InPast
			Component string `path:"component" maxLength:"128"`
		},
		) (sluice.Setting, error) {
			ref, err := in.ref()
			if err != nil {
				return sluice.Setting{}, err
			}
			return h.Services.Setting(ctx, ref, in.Component)
		})
	route(h, tag, spec{
		method: http.MethodGet, path: "/v1/environments/{environment}/resolve/{component}", id: "resolve", cost: contentCost, whole: "content", summary: "Which version of a component runs, for a key",
		description: "Answered from memory. With at_least, once that epoch is applied here.",
	}, func(ctx context.Context, in *struct {
		InEnvironment
		Component string `path:"component" maxLength:"128"`
		Key       string `query:"key" maxLength:"256" doc:"Sticky key for a split."`
		Content   bool   `query:"content" doc:"With the files."`
		AtLeast   int64  `query:"at_least" minimum:"0"`
	},
	) (sluice.Resolution, error) {
		return h.Services.Resolve(ctx, sluice.ResolveRequest{
			Environment: in.Environment, Component: in.Component, Key: in.Key, Content: in.Content, AtLeast: in.AtLeast,
		})
	})
	route(h, tag, spec{method: http.MethodGet, path: "/v1/diff", id: "diff", cost: contentCost, whole: "contents", summary: "Compare two environments, each now or then, or two versions"},
		func(ctx context.Context, in *struct {
			From     string `query:"from" required:"true" maxLength:"300" example:"production@2024-11-12T14:47:00Z"`
			To       string `query:"to" required:"true" maxLength:"300" example:"production"`
			Contents bool   `query:"contents" doc:"Between environments: with the text of what changed."`
		},
		) (sluice.Diff, error) {
			return h.Services.Diff(ctx, sluice.DiffRequest{From: in.From, To: in.To, Contents: in.Contents})
		})
	route(h, tag, spec{
		method: http.MethodGet, path: "/v1/history", id: "history", cost: pageCost, summary: "Releases of all environments, or with a time the components as they were live then",
	}, func(ctx context.Context, in *struct {
		Listing
		Environment string `query:"environment" maxLength:"128"`
		At          string `query:"at" maxLength:"40" doc:"RFC 3339."`
		Kind        string `query:"kind" maxLength:"128" doc:"With at: only components of this kind."`
		Archived    bool   `query:"archived" doc:"With at: with archived components."`
		Versions    bool   `query:"versions" doc:"With at: with the components' versions."`
	},
	) (History, error) {
		at, err := moment(in.At)
		if err != nil {
			return History{}, err
		}
		if at == 0 {
			page, err := h.list(ctx, in.Environment, in.Listing)
			return History{Releases: page.Items, Next: page.Next}, err
		}
		page, err := h.Services.Components(ctx, sluice.ComponentQuery{
			At: at, Kind: in.Kind, Archived: in.Archived, Versions: in.Versions, Paging: in.page(),
		})
		return History{Components: page.Items, Next: page.Next}, err
	})
}
