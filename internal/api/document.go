package api

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/sluice-dev/sluice"
)

const about = `Sluice is the release control plane for AI components. A component's content is published as
immutable versions; an environment says which version is live; every change of what is live is one release
of one environment, and nothing is ever overwritten.

Send a token as ` + "`Authorization: Bearer TOKEN`" + `; only the Unix socket and calls in process need none. The
header ` + "`X-Organization-Id`" + ` may name the organization that you expect the token to be of.

A change may carry ` + "`Idempotency-Key`" + `: a retry with the same key and body returns the first answer. A change of
what is live may carry ` + "`If-Match`" + ` with the release number that it expects. Each change takes dry_run, which answers as
if it were done. Fields and parameters that are not known are errors.

Lists are pages: ` + "`next`" + ` is the cursor of the page after, and absent on the last one. Times are RFC 3339 with a zone.
Every error is ` + "`application/problem+json`" + ` with a stable ` + "`code`" + ` and, in ` + "`fixes`" + `, what to do next:
sentences and, where there is one, the operation with its ` + "`method`, `path` and `body`" + `. Every answer has an
` + "`X-Request-Id`" + `, under which the server's log knows it.`

var tags = []*huma.Tag{
	{Name: "components", Description: "Named things that are versioned: prompts, workflows, scripts, agents, configs."},
	{Name: "drafts", Description: "The one mutable working copy of each component."},
	{Name: "versions", Description: "Immutable content, found by number, label, digest, name or the environment where it is live."},
	{Name: "environments", Description: "Named sequences of releases, each inheriting from a parent."},
	{Name: "releases", Description: "Changes of what is live: deploy, promote, roll back, restore."},
	{Name: "state", Description: "What is live, or was at any time, and what differs."},
	{Name: "variables", Description: "Configuration and secrets, which travel with the releases."},
	{Name: "runs", Description: "Executions of pinned versions, and their records."},
	{Name: "watch", Description: "Changes as they happen."},
	{Name: "records", Description: "What happened elsewhere, as it happened there."},
	{Name: "audit", Description: "The ledger of everything that happened, and the proof that nobody rewrote it."},
	{Name: "tokens", Description: "Keys to this API."},
	{Name: "system", Description: "The installation itself."},
}

// writeDocument makes the OpenAPI document of all operations.
func (h *handler) writeDocument() ([]byte, error) {
	a := newRegistry(&adapter{}, 0)
	doc := a.OpenAPI()
	doc.Info = &huma.Info{Title: "Sluice", Version: "v1", Description: about}
	doc.Tags = tags
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
	doc.Security = []map[string][]string{{"token": {}}}
	schemas := doc.Components.Schemas
	failure := map[string]*huma.MediaType{(*problem)(nil).ContentType(""): {Schema: schemas.Schema(reflect.TypeFor[problem](), true, "")}}
	for _, pattern := range slices.Sorted(maps.Keys(h.operations)) {
		op := h.operations[pattern]
		described := op.Operation
		described.Responses = map[string]*huma.Response{"default": {Description: "What went wrong, and what to do.", Content: failure}}
		if op.public {
			described.Security = []map[string][]string{}
		}
		op.register(a, described)
	}
	// These are huma's own, which never leave.
	delete(schemas.Map(), "ErrorModel")
	delete(schemas.Map(), "ErrorDetail")
	describeAll(doc)
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, b, "", "  ")
	out.WriteByte('\n')
	return out.Bytes(), err
}

// describeAll gives words to what the types leave without.
func describeAll(doc *huma.OpenAPI) {
	for name, schema := range doc.Components.Schemas.Map() {
		schema.Description = nouns[name]
		for property, s := range schema.Properties {
			describe(s, name, property)
		}
	}
	for _, path := range doc.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Post, path.Put, path.Patch, path.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				describe(p.Schema, "", p.Name)
				if p.Description == "" {
					p.Description = p.Schema.Description
				}
				p.Schema.Description = ""
			}
		}
	}
}

func describe(s *huma.Schema, noun, name string) {
	if s.Description == "" {
		s.Description = words[noun+"."+name]
	}
	if s.Description == "" {
		s.Description = words[name]
	}
	s.Nullable = false // no answer has a null, and no request needs one
	if s.Type == huma.TypeString && (name == "at" || name == "now" || strings.HasSuffix(name, "_at")) {
		s.Format = "date-time"
	}
	switch noun + "." + name {
	case "Actor.roles", "Token.roles", "CreateTokenRequest.roles":
		s.Items.Enum = enum(sluice.Roles()...)
	case "Advice.operation":
		s.Enum = enum(sluice.Operations()...)
	case "FileDiff.status":
		s.Enum = enum(sluice.FileAdded, sluice.FileRemoved, sluice.FileChanged)
	case "Problem.code":
		s.Enum = enum(slices.Sorted(maps.Keys(statuses))...)
	case "Release.action":
		s.Enum = enum(sluice.ActionDeploy, sluice.ActionPromote, sluice.ActionRollback, sluice.ActionRestore, sluice.ActionUnset,
			sluice.ActionTrack, sluice.ActionInherited, sluice.ActionReparent, sluice.ActionCreate, sluice.ActionDelete)
	}
}

func enum[T ~string](values ...T) (all []any) {
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}
