package sluice

import (
	"strconv"
	"strings"
)

// OperationName names something that a caller can do.
type OperationName string

// The operations that advice names. Each surface has a table of them: the
// command line's commands, the API's requests, the calls of other wire formats.
const (
	OpSetVariables      OperationName = "set-variables"
	OpDeleteVariable    OperationName = "delete-variable"
	OpListVariables     OperationName = "list-variables"
	OpListVersions      OperationName = "list-versions"
	OpGetVersion        OperationName = "get-version"
	OpPublish           OperationName = "publish-version"
	OpQuarantine        OperationName = "quarantine-version"
	OpPurge             OperationName = "purge-version"
	OpHistory           OperationName = "history"
	OpDeploy            OperationName = "deploy"
	OpUndeploy          OperationName = "undeploy"
	OpRollback          OperationName = "rollback"
	OpRestore           OperationName = "restore"
	OpCreateEnvironment OperationName = "create-environment"
	OpEditEnvironment   OperationName = "edit-environment"
	OpDeleteEnvironment OperationName = "delete-environment"
	OpGetEnvironment    OperationName = "get-environment"
	OpListEnvironments  OperationName = "list-environments"
	OpGetComponent      OperationName = "get-component"
	OpRevive            OperationName = "revive-component"
	OpSaveDraft         OperationName = "save-draft"
	OpGetDraft          OperationName = "get-draft"
	OpListRuns          OperationName = "list-runs"
	OpGetRun            OperationName = "get-run"
	OpWatchRun          OperationName = "watch-run"
	OpResumeRun         OperationName = "resume-run"
	OpListSteps         OperationName = "list-steps"
	OpStartRun          OperationName = "start-run"
	OpListTokens        OperationName = "list-tokens"
	OpCreateToken       OperationName = "create-token"
	OpRotateToken       OperationName = "rotate-token"
	OpListAudit         OperationName = "list-audit"
	OpCheckpoint        OperationName = "checkpoint"
	OpVerify            OperationName = "verify"
	OpRotateKey         OperationName = "rotate-key"
	OpSyncGit           OperationName = "sync-git"
	OpGitStatus         OperationName = "git-status"
	OpPushGit           OperationName = "push-git"
	OpHookGit           OperationName = "hook-git"
	OpMakeMasterKey     OperationName = "make-master-key"
	OpBackup            OperationName = "backup"
	OpRestoreBackup     OperationName = "restore-backup"
	OpServe             OperationName = "serve"
	OpDiagnose          OperationName = "diagnose"
)

// Argument names an argument of an operation.
type Argument string

// The arguments of operations.
const (
	ArgComponent   Argument = "component"
	ArgEnvironment Argument = "environment"
	ArgVersion     Argument = "version"
	ArgKeys        Argument = "keys" // of variables, with a blank between
	ArgFrom        Argument = "from"
	ArgTo          Argument = "to"
	ArgExpect      Argument = "expect"
	ArgRelease     Argument = "release" // such as production#42
	ArgSecrets     Argument = "secrets"
	ArgParent      Argument = "parent"
	ArgChange      Argument = "change" // what of an environment is to be edited
	ArgRun         Argument = "run"
	ArgHow         Argument = "how" // answer, retry, skip, result, rebase or theirs
	ArgStatus      Argument = "status"
	ArgRole        Argument = "role"
	ArgToken       Argument = "token"
	ArgSetting     Argument = "setting" // of a server: git, runs, run-bytes, run-memory or sandbox
)

// Arguments are the arguments that are known. What lacks one is for the caller
// to fill in.
type Arguments map[Argument]string

// Operation is something that a caller can do, with what is known of how.
type Operation struct {
	Name      OperationName `json:"operation,omitempty"`
	Arguments Arguments     `json:"arguments,omitempty"`
}

// Keys are the keys of variables that the operation is about.
func (o Operation) Keys() []string { return strings.Fields(o.Arguments[ArgKeys]) }

// operation leaves out what is not known. Pairs are arguments and values.
func operation(name OperationName, pairs ...string) Operation {
	op := Operation{Name: name}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if op.Arguments == nil {
			op.Arguments = Arguments{}
		}
		op.Arguments[Argument(pairs[i])] = pairs[i+1]
	}
	return op
}

// SetVariables sets variables, in the overlay of a component when one is named.
func SetVariables(environment, component string, keys ...string) Operation {
	return operation(OpSetVariables, "environment", environment, "component", component, "keys", strings.Join(keys, " "))
}

// SetVariable sets the variable of a slot.
func SetVariable(environment string, of Slot) Operation {
	key, component, _ := of.Variable()
	return SetVariables(environment, component, key)
}

// DeleteVariable takes a variable, or an overlay of it, away.
func DeleteVariable(environment, component, key string) Operation {
	return operation(OpDeleteVariable, "environment", environment, "component", component, "keys", key)
}

// ListVariables shows the variables of an environment, with their fingerprints.
func ListVariables(environment string) Operation {
	return operation(OpListVariables, "environment", environment)
}

// ListVersions shows the versions of a component.
func ListVersions(component string) Operation {
	return operation(OpListVersions, "component", component)
}

// GetVersion shows one version and its files.
func GetVersion(component, version string) Operation {
	return operation(OpGetVersion, "component", component, "version", version)
}

// PublishVersion publishes a version.
func PublishVersion(component string) Operation { return operation(OpPublish, "component", component) }

// QuarantineVersion keeps a version from going live.
func QuarantineVersion(component, version string) Operation {
	return operation(OpQuarantine, "component", component, "version", version)
}

// PurgeVersion removes the content of a version for good.
func PurgeVersion(component, version string) Operation {
	return operation(OpPurge, "component", component, "version", version)
}

// SeeHistory shows the history of a component, of an environment or of one in
// the other.
func SeeHistory(component, environment string) Operation {
	return operation(OpHistory, "component", component, "environment", environment)
}

// DeployVersion makes a version live; with keys, it sets those variables in the
// same release.
func DeployVersion(component, version, environment string, keys ...string) Operation {
	return operation(OpDeploy, "component", component, "version", version, "environment", environment, "keys", strings.Join(keys, " "))
}

// Undeploy takes a component away from an environment.
func Undeploy(component, environment string) Operation {
	return operation(OpUndeploy, "component", component, "environment", environment)
}

// RollbackTo takes a component back, to a version or a point such as
// production#41, if expect is live now.
func RollbackTo(component, environment, to, expect string) Operation {
	return operation(OpRollback, "component", component, "environment", environment, "to", to, "expect", expect)
}

// RevertRelease takes back what one release changed.
func RevertRelease(environment string, release int64, secrets SecretPolicy) Operation {
	return operation(OpRollback, "environment", environment, "release", environment+"#"+strconv.FormatInt(release, 10), "secrets", string(secrets))
}

// RestoreFrom makes an environment hold what another held.
func RestoreFrom(from, environment string) Operation {
	return operation(OpRestore, "from", from, "environment", environment)
}

// MakeEnvironment makes an environment.
func MakeEnvironment(name string) Operation {
	return operation(OpCreateEnvironment, "environment", name)
}

// EditEnvironment changes what an environment is: its alias, parent or
// promotes_from, to a value that may be open.
func EditEnvironment(name, change, value string) Operation {
	return operation(OpEditEnvironment, "environment", name, "change", change, "to", value)
}

// DropEnvironment deletes an environment.
func DropEnvironment(name string) Operation {
	return operation(OpDeleteEnvironment, "environment", name)
}

// GetEnvironment shows an environment.
func GetEnvironment(name string) Operation { return operation(OpGetEnvironment, "environment", name) }

// ListEnvironments shows all environments.
func ListEnvironments() Operation { return operation(OpListEnvironments) }

// GetComponent shows a component.
func GetComponent(name string) Operation { return operation(OpGetComponent, "component", name) }

// ReviveComponent brings an archived component back.
func ReviveComponent(name string) Operation { return operation(OpRevive, "component", name) }

// PutDraft saves a draft.
func PutDraft(component string) Operation { return operation(OpSaveDraft, "component", component) }

// GetDraft shows a draft.
func GetDraft(component string) Operation { return operation(OpGetDraft, "component", component) }

// ListRuns shows runs, of one status when it is named.
func ListRuns(status RunStatus) Operation { return operation(OpListRuns, "status", string(status)) }

// GetRun shows a run.
func GetRun(id string) Operation { return operation(OpGetRun, "run", id) }

// FollowRun follows a run.
func FollowRun(id string) Operation { return operation(OpWatchRun, "run", id) }

// GoOn lets a run go on: with an answer, by trying again ("retry"), or as it is.
func GoOn(id, how string) Operation { return operation(OpResumeRun, "run", id, "how", how) }

// ListSteps shows the steps of a run.
func ListSteps(run string) Operation { return operation(OpListSteps, "run", run) }

// RunComponent starts a run.
func RunComponent(component string) Operation { return operation(OpStartRun, "component", component) }

// ListTokens shows all tokens.
func ListTokens() Operation { return operation(OpListTokens) }

// MakeToken makes a token.
func MakeToken(role Role) Operation { return operation(OpCreateToken, "role", string(role)) }

// RenewToken makes a token's secret anew.
func RenewToken(id string) Operation { return operation(OpRotateToken, "token", id) }

// ListAudit shows the ledger's entries about a component.
func ListAudit(component string) Operation { return operation(OpListAudit, "component", component) }

// MakeCheckpoint signs the state of the ledger.
func MakeCheckpoint() Operation { return operation(OpCheckpoint) }

// VerifyLedger checks the ledger.
func VerifyLedger() Operation { return operation(OpVerify) }

// NewDataKey makes a new data key and seals all values with it.
func NewDataKey() Operation { return operation(OpRotateKey) }

// SyncGit takes over what others released: appending what was released here
// after it ("rebase"), letting it stand ("theirs"), or asking.
func SyncGit(how string) Operation { return operation(OpSyncGit, "how", how) }

// LookAtGit shows how things stand with the Git repository.
func LookAtGit() Operation { return operation(OpGitStatus) }

// PushGit sends releases and versions to the Git repository.
func PushGit() Operation { return operation(OpPushGit) }

// InstallGitHook has Git check what is pushed.
func InstallGitHook() Operation { return operation(OpHookGit) }

// MakeMasterKey makes a master key.
func MakeMasterKey() Operation { return operation(OpMakeMasterKey) }

// MakeBackup backs the installation up.
func MakeBackup() Operation { return operation(OpBackup) }

// RestoreBackup restores a backup.
func RestoreBackup() Operation { return operation(OpRestoreBackup) }

// StartServer starts a server, with a setting: git, runs (the longest queue), or
// none.
func StartServer(setting string) Operation { return operation(OpServe, "setting", setting) }

// Diagnose looks for what is wrong with an installation, and how to get to it.
func Diagnose() Operation { return operation(OpDiagnose) }
