package workflow

import (
	_ "embed"
	"slices"
)

//go:embed workflow.schema.json
var schema []byte

// Schema is the JSON Schema, draft 2020-12, of the native form of workflow files
// and of ensembles, for editors and for whoever writes such files by program. It says what a file
// looks like; whether names exist and templates can be read, [Read] tells.
func Schema() []byte { return slices.Clone(schema) }
