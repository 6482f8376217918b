package sluice

import (
	"regexp"
	"slices"
	"strings"
)

// shown are the operations whose phrase names what they show. The phrases of all
// others say what to do.
var shown = []OperationName{
	OpListVariables, OpListVersions, OpGetVersion, OpHistory, OpGetEnvironment, OpListEnvironments, OpGetComponent, OpGetDraft, OpListRuns, OpGetRun,
	OpListSteps, OpListTokens, OpListAudit, OpCheckpoint, OpVerify, OpGitStatus, OpDiagnose,
}

// introduced is how a form ends that introduces its operation.
const introduced = ": {}"

var (
	// pointing are introductions that say no more than the phrase of the operation
	// does: "set it", "publish one", "or take some away".
	pointing = regexp.MustCompile(`^(or )?[a-z]+ (it|one|them|some|another)( away| back| again)?$`)
	// ahead are introductions that say besides that the operation comes first.
	ahead = regexp.MustCompile(`^(or )?[a-z]+( [a-z]+){0,3} first$`)
)

// natural is a form for surfaces that say operations in phrases. An introduction and a
// colon, which suit a command, would say the same twice there: "set it: set MODEL".
func natural(form string, op *Operation) string {
	intro, ends := strings.CutSuffix(form, introduced)
	if !ends || op == nil || strings.Contains(intro, "{") || op.Name == OpServe && op.Arguments[ArgSetting] == "" { // which is no deed, but a server
		return form
	}
	or := ""
	if strings.HasPrefix(intro, "or ") {
		or = "or "
	}
	bare := strings.TrimPrefix(intro, or)
	switch views := slices.Contains(shown, op.Name); {
	case views && bare == "see it":
		return or + "see {}"
	case views && strings.HasPrefix(bare, "see "):
		return intro + " in {}"
	case views:
		return intro + ": see {}"
	case pointing.MatchString(intro):
		return or + "{}"
	case ahead.MatchString(intro):
		return or + "first {}"
	}
	return form
}
