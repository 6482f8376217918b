package cli

import (
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// commands is the one table from operations to commands.
var commands = map[sluice.OperationName]func(known) []string{
	sluice.OpSetVariables: func(k known) []string {
		keys := k.assignments()
		if len(keys) == 0 {
			keys = []string{"KEY=VALUE"}
		}
		return slices.Concat([]string{"env", "set"}, keys, k.with("--component", sluice.ArgComponent), k.with("-e", sluice.ArgEnvironment))
	},
	sluice.OpDeleteVariable: func(k known) []string {
		return slices.Concat([]string{"env", "delete", k.or(sluice.ArgKeys, "KEY")}, k.with("--component", sluice.ArgComponent), k.with("-e", sluice.ArgEnvironment))
	},
	sluice.OpListVariables: func(k known) []string {
		if k.Arguments[sluice.ArgEnvironment] == "" {
			return words("env list -o json")
		}
		return append(words("env list"), k.with("-e", sluice.ArgEnvironment)...)
	},
	sluice.OpListVersions: func(k known) []string { return append(words("version list"), k.or(sluice.ArgComponent, "NAME")) },
	sluice.OpGetVersion:   func(k known) []string { return append(words("version show"), k.version()) },
	sluice.OpPublish: func(k known) []string {
		if k.Arguments[sluice.ArgComponent] == "" {
			return words("tag create NAME v1.0.0 --file PATH")
		}
		return append(words("tag create"), k.or(sluice.ArgComponent, ""), "v1.0.0")
	},
	sluice.OpQuarantine: func(k known) []string { return append(words("version quarantine"), k.version(), "--reason", "…") },
	sluice.OpPurge:      func(k known) []string { return append(words("version purge"), k.version(), "--reason", "…") },
	sluice.OpHistory: func(k known) []string {
		out := []string{"history"}
		if k.Arguments[sluice.ArgComponent] != "" {
			out = append(out, k.or(sluice.ArgComponent, ""))
		}
		return append(out, k.with("--from", sluice.ArgEnvironment)...)
	},
	sluice.OpDeploy: func(k known) []string {
		out := append(words("deploy set"), k.or(sluice.ArgComponent, "NAME"), k.or(sluice.ArgVersion, "VERSION"))
		return slices.Concat(out, k.with("--to", sluice.ArgEnvironment), k.assignments("--set"))
	},
	sluice.OpUndeploy: func(k known) []string {
		return append(append(words("deploy unset"), k.or(sluice.ArgComponent, "NAME")), k.with("--from", sluice.ArgEnvironment)...)
	},
	sluice.OpRollback: backLine,
	sluice.OpRestore: func(k known) []string {
		return []string{"restore", "--from", k.or(sluice.ArgFrom, "ENVIRONMENT"), "--to", k.or(sluice.ArgEnvironment, "ENVIRONMENT")}
	},
	sluice.OpCreateEnvironment: func(k known) []string {
		return append(words("environment create"), k.or(sluice.ArgEnvironment, "NAME"))
	},
	sluice.OpEditEnvironment: func(k known) []string {
		out := append(words("environment edit"), k.or(sluice.ArgEnvironment, "NAME"))
		if change := k.Arguments[sluice.ArgChange]; change != "" {
			out = append(out, "--"+strings.ReplaceAll(change, "_", "-"), k.or(sluice.ArgTo, "…"))
		}
		return out
	},
	sluice.OpDeleteEnvironment: func(k known) []string {
		return append(words("environment delete"), k.or(sluice.ArgEnvironment, "NAME"))
	},
	sluice.OpGetEnvironment:   func(k known) []string { return append(words("environment show"), k.or(sluice.ArgEnvironment, "NAME")) },
	sluice.OpListEnvironments: always("environment list"),
	sluice.OpGetComponent:     func(k known) []string { return append(words("components show"), k.or(sluice.ArgComponent, "NAME")) },
	sluice.OpRevive: func(k known) []string {
		return append(words("components archive"), k.or(sluice.ArgComponent, "NAME"), "--revive")
	},
	sluice.OpSaveDraft: func(k known) []string {
		return append(words("draft save"), k.or(sluice.ArgComponent, "NAME"), "--file", "PATH")
	},
	sluice.OpGetDraft: func(k known) []string { return append(words("draft show"), k.or(sluice.ArgComponent, "NAME")) },
	sluice.OpListRuns: func(k known) []string { return append(words("thread list"), k.with("--status", sluice.ArgStatus)...) },
	sluice.OpGetRun:   func(k known) []string { return append(words("thread get"), k.or(sluice.ArgRun, "ID")) },
	sluice.OpWatchRun: func(k known) []string { return append(words("thread watch"), k.or(sluice.ArgRun, "ID")) },
	sluice.OpResumeRun: func(k known) []string {
		out := append(words("thread resume"), k.or(sluice.ArgRun, "ID"))
		switch how := k.Arguments[sluice.ArgHow]; how {
		case "":
			return out
		case "answer":
			return append(out, "--answer", "…")
		default:
			return append(out, "--"+how)
		}
	},
	sluice.OpListSteps:  func(k known) []string { return append(words("thread steps"), k.or(sluice.ArgRun, "ID")) },
	sluice.OpStartRun:   func(k known) []string { return append(words("thread run"), k.or(sluice.ArgComponent, "--file PATH")) },
	sluice.OpListTokens: always("token list"),
	sluice.OpCreateToken: func(k known) []string {
		return append(words("token create NAME"), k.with("--role", sluice.ArgRole)...)
	},
	sluice.OpRotateToken: func(k known) []string { return append(words("token rotate"), k.or(sluice.ArgToken, "ID")) },
	sluice.OpListAudit: func(k known) []string {
		return append(words("audit list"), k.with("--component", sluice.ArgComponent)...)
	},
	sluice.OpCheckpoint: always("audit checkpoint"),
	sluice.OpVerify:     always("audit verify"),
	sluice.OpRotateKey:  always("env rotate-key"),
	sluice.OpSyncGit: func(k known) []string {
		out := words("git sync")
		if how := k.Arguments[sluice.ArgHow]; how != "" {
			out = append(out, "--"+how)
		}
		return out
	},
	sluice.OpGitStatus:     always("git status"),
	sluice.OpPushGit:       always("git push"),
	sluice.OpHookGit:       always("git hook --install PATH"),
	sluice.OpMakeMasterKey: always("env new-key"),
	sluice.OpBackup:        always("backup create FILE"),
	sluice.OpRestoreBackup: always("backup restore FILE"),
	sluice.OpServe: func(k known) []string {
		switch k.Arguments[sluice.ArgSetting] {
		case "git":
			return words("serve --git URL")
		case "runs":
			return words("serve --run-queue N")
		case "run-bytes":
			return words("serve --run-bytes BYTES")
		case "run-memory":
			return words("serve --run-memory BYTES")
		}
		return []string{"serve"}
	},
	sluice.OpDiagnose: always("doctor"),
}

// always is a command without arguments of its own.
func always(line string) func(known) []string {
	return func(known) []string { return words(line) }
}

func backLine(k known) []string {
	if k.Arguments[sluice.ArgRelease] != "" {
		return slices.Concat([]string{"rollback"}, k.with("--release", sluice.ArgRelease), k.with("--secrets", sluice.ArgSecrets))
	}
	out := slices.Concat([]string{"rollback", k.or(sluice.ArgComponent, "NAME")}, k.with("--to", sluice.ArgTo))
	if !strings.Contains(k.Arguments[sluice.ArgTo], "#") { // which names the environment
		out = append(out, k.with("--in", sluice.ArgEnvironment)...)
	}
	return append(out, k.with("--expect", sluice.ArgExpect)...)
}
