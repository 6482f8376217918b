package sluice

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// PlainWords are those of no surface: operations as phrases, and fields by
// their own names.
var PlainWords = Words{
	Operation: func(o Operation) (string, bool) { return o.String(), true },
	Field: func(f Field, value string) (string, bool) {
		switch f {
		case FieldToken:
			return "give " + cmp.Or(value, "a token"), true
		case FieldData:
			return "a data directory", true
		case FieldPostgres, FieldListen:
			return "the setting " + string(f), true
		case FieldHost:
			return "the server's setting host, for " + value, true
		case FieldOutbound:
			if value == "" {
				return "the server's setting allow_outbound", true
			}
			return "the server's setting allow_outbound, for " + value, true
		}
		return f.Named(string(f), value), true
	},
}

// phrases say what each operation is: for those that only show something what
// is shown, as in "see the versions of bot"; for others what to do.
var phrases = map[OperationName]func(Arguments) string{
	OpSetVariables: func(a Arguments) string {
		return "set " + a.or(ArgKeys, "a variable", "") + a.with(" for ", ArgComponent) + a.with(" in ", ArgEnvironment)
	},
	OpDeleteVariable: func(a Arguments) string {
		return "delete " + a.or(ArgKeys, "a variable", "") + a.with(" of ", ArgComponent) + a.with(" in ", ArgEnvironment)
	},
	OpListVariables: func(a Arguments) string { return "the variables" + a.with(" of ", ArgEnvironment) },
	OpListVersions:  func(a Arguments) string { return "the versions of " + a.or(ArgComponent, "a component", "") },
	OpGetVersion: func(a Arguments) string {
		return a.or(ArgVersion, "a version", "version ") + a.with(" of ", ArgComponent)
	},
	OpPublish: func(a Arguments) string { return "publish a version" + a.with(" of ", ArgComponent) },
	OpQuarantine: func(a Arguments) string {
		return "quarantine " + a.or(ArgComponent, "a version", "") + a.with("@", ArgVersion)
	},
	OpPurge: func(a Arguments) string {
		return "purge " + a.or(ArgComponent, "a version", "") + a.with("@", ArgVersion)
	},
	OpHistory: func(a Arguments) string {
		if a[ArgComponent] == "" {
			return "the history" + a.with(" of ", ArgEnvironment)
		}
		return "the history of " + a.or(ArgComponent, "a component", "") + a.with(" in ", ArgEnvironment)
	},
	OpDeploy: func(a Arguments) string {
		text := "deploy " + a.or(ArgVersion, "a version", "version ") + " of " + a.or(ArgComponent, "a component", "") + a.with(" to ", ArgEnvironment)
		return text + a.with(" and set ", ArgKeys)
	},
	OpUndeploy: func(a Arguments) string {
		return "take " + a.or(ArgComponent, "the component", "") + " away" + a.with(" from ", ArgEnvironment)
	},
	OpRollback: rollbackPhrase,
	OpRestore: func(a Arguments) string {
		return "restore " + a.or(ArgEnvironment, "an environment", "") + a.with(" from ", ArgFrom)
	},
	OpCreateEnvironment: func(a Arguments) string {
		return "create " + a.or(ArgEnvironment, "an environment", "the environment ")
	},
	OpEditEnvironment: func(a Arguments) string {
		if a[ArgChange] == "" {
			return "edit " + a.or(ArgEnvironment, "an environment", "the environment ")
		}
		return "change the " + strings.ReplaceAll(a[ArgChange], "_", " ") + " of " + a.or(ArgEnvironment, "the environment", "") + a.with(" to ", ArgTo)
	},
	OpDeleteEnvironment: func(a Arguments) string {
		return "delete " + a.or(ArgEnvironment, "an environment", "the environment ")
	},
	OpGetEnvironment:   func(a Arguments) string { return "the settings of " + a.or(ArgEnvironment, "the environment", "") },
	OpListEnvironments: func(Arguments) string { return "the list of environments" },
	OpGetComponent:     func(a Arguments) string { return a.or(ArgComponent, "a component", "the component ") },
	OpRevive: func(a Arguments) string {
		return "take " + a.or(ArgComponent, "a component", "") + " out of the archive"
	},
	OpSaveDraft: func(a Arguments) string { return "save a draft of " + a.or(ArgComponent, "a component", "") },
	OpGetDraft:  func(a Arguments) string { return "the draft of " + a.or(ArgComponent, "a component", "") },
	OpListRuns:  func(a Arguments) string { return "the list of runs" + a.with(" whose status is ", ArgStatus) },
	OpGetRun:    func(a Arguments) string { return a.or(ArgRun, "a run", "the run ") },
	OpWatchRun:  func(a Arguments) string { return "watch " + a.or(ArgRun, "a run", "the run ") },
	OpResumeRun: func(a Arguments) string {
		switch a[ArgHow] {
		case "answer":
			return "resume " + a.or(ArgRun, "a run", "the run ") + " with an answer"
		case "retry":
			return "resume " + a.or(ArgRun, "a run", "the run ") + " with another try"
		}
		return "resume " + a.or(ArgRun, "a run", "the run ")
	},
	OpListSteps:   func(a Arguments) string { return "the steps of " + a.or(ArgRun, "a run", "the run ") },
	OpStartRun:    func(a Arguments) string { return "run " + a.or(ArgComponent, "it again", "") },
	OpListTokens:  func(Arguments) string { return "the list of tokens" },
	OpCreateToken: func(a Arguments) string { return "create a token" + a.with(" with the role ", ArgRole) },
	OpRotateToken: func(a Arguments) string { return "rotate " + a.or(ArgToken, "a token", "the token ") },
	OpListAudit:   func(a Arguments) string { return "the audit entries" + a.with(" of ", ArgComponent) },
	OpCheckpoint:  func(Arguments) string { return "the checkpoint of the ledger" },
	OpVerify:      func(Arguments) string { return "the verification of the ledger" },
	OpRotateKey:   func(Arguments) string { return "rotate the data key" },
	OpSyncGit: func(a Arguments) string {
		switch a[ArgHow] {
		case "rebase":
			return "sync with the Git repository and put yours after theirs"
		case "theirs":
			return "sync with the Git repository and take theirs"
		}
		return "sync with the Git repository"
	},
	OpGitStatus:     func(Arguments) string { return "the status of the Git repository" },
	OpPushGit:       func(Arguments) string { return "push to the Git repository" },
	OpHookGit:       func(Arguments) string { return "install the hook of Sluice in the Git repository" },
	OpMakeMasterKey: func(Arguments) string { return "make a new master key where the server runs" },
	OpBackup:        func(Arguments) string { return "make a backup" },
	OpRestoreBackup: func(Arguments) string { return "restore a backup where the server runs" },
	OpServe: func(a Arguments) string {
		switch a[ArgSetting] {
		case "git":
			return "start the server with a Git repository"
		case "runs":
			return "start the server with room for more runs"
		case "run-bytes":
			return "start the server with a higher limit of what a run collects"
		case "run-memory":
			return "start the server with more memory for runs"
		}
		return "a server"
	},
	OpDiagnose: func(Arguments) string { return "the installation's own diagnosis" },
}

func rollbackPhrase(a Arguments) string {
	if a[ArgRelease] != "" {
		text := "take release " + a[ArgRelease] + " back"
		if a[ArgSecrets] == string(SecretsExact) {
			text += ", with the secrets of before"
		}
		return text
	}
	text := "roll " + a.or(ArgComponent, "the component", "") + a.with(" in ", ArgEnvironment) + " back"
	switch to := a[ArgTo]; {
	case strings.HasPrefix(to, "{"): // to be filled in
		text += " to a " + strings.Trim(to, "{}")
	case to != "":
		text += " to " + to
	}
	switch expect := a[ArgExpect]; expect {
	case "":
	case "none":
		text += ", if it is not live"
	default:
		text += ", if " + expect + " is live"
	}
	return text
}

// String is the operation as a phrase in plain words.
func (o Operation) String() string {
	if phrase, ok := phrases[o.Name]; ok {
		return phrase(o.Arguments)
	}
	return strings.ReplaceAll(string(o.Name), "-", " ")
}

// Operations are the names of all operations, sorted.
func Operations() []OperationName { return slices.Sorted(maps.Keys(phrases)) }

func (n OperationName) known() bool { return n != "" && phrases[n] != nil }

// with is an argument behind a word, and nothing when it is not known.
func (a Arguments) with(before string, name Argument) string {
	if a[name] == "" {
		return ""
	}
	if name == ArgKeys {
		return before + Listing(strings.Fields(a[name]), 20)
	}
	return before + a[name]
}

// or is an argument behind a word, and what stands for it when it is not known.
func (a Arguments) or(name Argument, other, before string) string {
	if a[name] == "" {
		return other
	}
	return a.with(before, name)
}
