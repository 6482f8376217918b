package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

// requests is the one table from operations to requests.
var requests = map[sluice.OperationName]func(known) *sluice.Request{
	sluice.OpSetVariables: func(k known) *sluice.Request {
		if changes := k.variables(); len(changes) > 1 {
			return send(http.MethodPost, k.inEnvironment("releases"), body{"changes": changes})
		}
		b := body{"value": "{value}"}
		if component := k.Arguments[sluice.ArgComponent]; component != "" {
			b["component"] = component
		}
		return send(http.MethodPut, k.inEnvironment("variables", k.or(sluice.ArgKeys, "key")), b)
	},
	sluice.OpDeleteVariable: func(k known) *sluice.Request {
		to := k.inEnvironment("variables", k.or(sluice.ArgKeys, "key"))
		return send(http.MethodDelete, query(to, "component", k.Arguments[sluice.ArgComponent]), nil)
	},
	sluice.OpListVariables: func(k known) *sluice.Request { return get(k.inEnvironment("variables")) },
	sluice.OpListVersions:  func(k known) *sluice.Request { return get(k.ofComponent("versions")) },
	sluice.OpGetVersion:    func(k known) *sluice.Request { return get(k.ofVersion()) },
	sluice.OpPublish: func(k known) *sluice.Request {
		return send(http.MethodPost, k.ofComponent("versions"), body{"files": []any{body{"path": "{path}", "text": "{text}"}}})
	},
	sluice.OpQuarantine: func(k known) *sluice.Request {
		return send(http.MethodPost, k.ofVersion("quarantine"), body{"reason": "{reason}"})
	},
	sluice.OpPurge: func(k known) *sluice.Request {
		return send(http.MethodPost, k.ofVersion("purge"), body{"reason": "{reason}"})
	},
	sluice.OpHistory: func(k known) *sluice.Request {
		return get(query("/v1/history", "component", k.Arguments[sluice.ArgComponent], "environment", k.Arguments[sluice.ArgEnvironment]))
	},
	sluice.OpDeploy: func(k known) *sluice.Request {
		changes := []any{body{"component": k.get(sluice.ArgComponent), "version": k.get(sluice.ArgVersion)}}
		set := known{sluice.Arguments{sluice.ArgKeys: k.Arguments[sluice.ArgKeys]}}
		return send(http.MethodPost, k.inEnvironment("releases"), body{"changes": append(changes, set.variables()...)})
	},
	sluice.OpUndeploy: func(k known) *sluice.Request {
		return send(http.MethodPost, k.inEnvironment("releases"), body{"changes": []any{body{"component": k.get(sluice.ArgComponent), "unset": true}}})
	},
	sluice.OpRollback: rollbackRequest,
	sluice.OpRestore: func(k known) *sluice.Request {
		return send(http.MethodPost, k.inEnvironment("restore"), body{"from": k.get(sluice.ArgFrom)})
	},
	sluice.OpCreateEnvironment: func(k known) *sluice.Request {
		return send(http.MethodPost, "/v1/environments", body{"name": k.get(sluice.ArgEnvironment)})
	},
	sluice.OpEditEnvironment: func(k known) *sluice.Request {
		b, change := body{}, k.Arguments[sluice.ArgChange]
		switch change {
		case "":
		case "promotes_from":
			b[change] = []any{k.or(sluice.ArgTo, change)}
		default:
			b[change] = k.or(sluice.ArgTo, change)
		}
		return send(http.MethodPatch, k.inEnvironment(), b)
	},
	sluice.OpDeleteEnvironment: func(k known) *sluice.Request { return send(http.MethodDelete, k.inEnvironment(), nil) },
	sluice.OpGetEnvironment:    func(k known) *sluice.Request { return get(k.inEnvironment()) },
	sluice.OpListEnvironments:  func(known) *sluice.Request { return get("/v1/environments") },
	sluice.OpGetComponent:      func(k known) *sluice.Request { return get(k.ofComponent()) },
	sluice.OpRevive: func(k known) *sluice.Request {
		return send(http.MethodPatch, k.ofComponent(), body{"archived": false})
	},
	sluice.OpSaveDraft: func(k known) *sluice.Request {
		return send(http.MethodPut, k.ofComponent("draft"), body{"files": []any{body{"path": "{path}", "text": "{text}"}}})
	},
	sluice.OpGetDraft: func(k known) *sluice.Request { return get(k.ofComponent("draft")) },
	sluice.OpListRuns: func(k known) *sluice.Request {
		return get(query("/v1/runs", "status", k.Arguments[sluice.ArgStatus]))
	},
	sluice.OpGetRun:   func(k known) *sluice.Request { return get(k.ofRun()) },
	sluice.OpWatchRun: func(k known) *sluice.Request { return get(k.ofRun("events")) },
	sluice.OpResumeRun: func(k known) *sluice.Request {
		b := body{}
		switch k.Arguments[sluice.ArgHow] {
		case "answer":
			b["answer"] = "{answer}"
		case "retry":
			b["retry"] = true
		}
		return send(http.MethodPost, k.ofRun("resume"), b)
	},
	sluice.OpListSteps: func(k known) *sluice.Request { return get(k.ofRun("steps")) },
	sluice.OpStartRun: func(k known) *sluice.Request {
		return send(http.MethodPost, "/v1/runs", body{"component": k.get(sluice.ArgComponent)})
	},
	sluice.OpListTokens: func(known) *sluice.Request { return get("/v1/tokens") },
	sluice.OpCreateToken: func(k known) *sluice.Request {
		return send(http.MethodPost, "/v1/tokens", body{"name": "{name}", "roles": []any{k.get(sluice.ArgRole)}})
	},
	sluice.OpRotateToken: func(k known) *sluice.Request {
		return send(http.MethodPost, path("tokens", k.or(sluice.ArgToken, "id"), "rotate"), nil)
	},
	sluice.OpListAudit: func(k known) *sluice.Request {
		return get(query("/v1/audit", "component", k.Arguments[sluice.ArgComponent]))
	},
	sluice.OpCheckpoint: func(known) *sluice.Request { return send(http.MethodPost, "/v1/audit/checkpoint", nil) },
	sluice.OpVerify:     func(known) *sluice.Request { return send(http.MethodPost, "/v1/audit/verify", body{}) },
	sluice.OpRotateKey:  func(known) *sluice.Request { return send(http.MethodPost, "/v1/keys/rotate", body{}) },
	sluice.OpBackup:     func(known) *sluice.Request { return get("/v1/backup") },
	// Of a server that follows a repository; see internal/api/githost.
	sluice.OpGitStatus: func(known) *sluice.Request { return get("/v1/git") },
	sluice.OpSyncGit: func(k known) *sluice.Request {
		b := body{}
		if how := k.Arguments[sluice.ArgHow]; how != "" {
			b[how] = true
		}
		return send(http.MethodPost, "/v1/git/sync", b)
	},
}

func rollbackRequest(k known) *sluice.Request {
	b := body{}
	if _, number, found := strings.Cut(k.Arguments[sluice.ArgRelease], "#"); found {
		b["release"], _ = strconv.ParseInt(number, 10, 64)
	} else {
		b["components"] = []any{k.get(sluice.ArgComponent)}
	}
	for name, field := range map[sluice.Argument]string{sluice.ArgTo: "to", sluice.ArgExpect: "expect", sluice.ArgSecrets: "secrets"} {
		if value := k.Arguments[name]; value != "" {
			b[field] = value
		}
	}
	return send(http.MethodPost, k.inEnvironment("rollback"), b)
}
