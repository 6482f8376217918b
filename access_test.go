package sluice_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestMay(t *testing.T) {
	all := []sluice.Permission{
		sluice.MayRead, sluice.MayPublish, sluice.MayDeploy, sluice.MayImport, sluice.MayQuarantine, sluice.MayAdminister, sluice.MayPublishUnchecked,
	}
	for role, allowed := range map[sluice.Role][]sluice.Permission{
		sluice.RoleViewer:    {sluice.MayRead},
		sluice.RolePublisher: {sluice.MayRead, sluice.MayPublish, sluice.MayQuarantine},
		sluice.RoleDeployer:  {sluice.MayRead, sluice.MayDeploy, sluice.MayQuarantine},
		sluice.RoleImporter:  {sluice.MayRead, sluice.MayPublish, sluice.MayDeploy, sluice.MayImport},
		sluice.RoleOverrider: {sluice.MayRead, sluice.MayPublish, sluice.MayPublishUnchecked},
		sluice.RoleAdmin:     all,
		"unknown":            {},
	} {
		a := sluice.Actor{Name: "alice", Roles: []sluice.Role{role}}
		for _, p := range all {
			want := sluice.Denied
			if slices.Contains(allowed, p) {
				want = ""
			}
			if err := a.May(p, "production"); sluice.CodeOf(err) != want {
				t.Errorf("%s may %s: %v; want %q", role, p, err, want)
			}
		}
	}
}

func TestMayIsLimitedToEnvironments(t *testing.T) {
	a := sluice.Actor{Name: "alice", Roles: []sluice.Role{sluice.RoleViewer, sluice.RoleDeployer}, Environments: []string{"staging", "debug"}}
	for environment, want := range map[string]sluice.Code{"staging": "", "debug": "", "production": sluice.Denied, "": sluice.Denied} {
		if err := a.May(sluice.MayDeploy, environment); sluice.CodeOf(err) != want {
			t.Errorf("in %q: %v; want %q", environment, err, want)
		}
	}
	if err := a.May(sluice.MayRead, "production"); err != nil {
		t.Errorf("reading production: %v", err)
	}
	if err := a.May(sluice.MayDeploy, "production"); !strings.Contains(err.Error(), "only staging, debug") {
		t.Errorf("the message does not say what is allowed: %v", err)
	}
	a.Roles = append(a.Roles, sluice.RoleAdmin)
	if err := a.May(sluice.MayDeploy, "production"); err != nil {
		t.Errorf("an administrator: %v", err)
	}
	if err := (sluice.Actor{Roles: []sluice.Role{sluice.RoleAdmin}}).May(sluice.MayRead, ""); sluice.CodeOf(err) != sluice.Unauthenticated {
		t.Errorf("nobody: %v", err)
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("disk is full")
	err := sluice.Errorf(sluice.Conflict, "%s moved: %w", "x", cause).Fix("look at %s", "x")
	wrapped := fmt.Errorf("in between: %w", err)
	if got := sluice.AsError(wrapped); got != err || got.Error() != "x moved: disk is full" || got.Fixes[0].Text != "look at x" || !errors.Is(wrapped, cause) {
		t.Errorf("an error became %+v", got)
	}
	for in, want := range map[error]sluice.Code{
		cause: sluice.Internal, context.Canceled: sluice.TimedOut, fmt.Errorf("x: %w", context.DeadlineExceeded): sluice.TimedOut, wrapped: sluice.Conflict,
	} {
		if got := sluice.CodeOf(in); got != want {
			t.Errorf("%v is %s, want %s", in, got, want)
		}
	}
	if got := sluice.AsError(cause); strings.Contains(got.Error(), "disk") || !errors.Is(got, cause) {
		t.Errorf("a stranger's error is shown as %q", got)
	}
	if sluice.AsError(nil) != nil || sluice.CodeOf(nil) != "" {
		t.Error("no error is an error")
	}
}
