package sluice

import (
	"slices"
	"strings"
)

// Field names a part of a caller's own request that advice speaks of. Its name
// is that of the API; other surfaces have a table of what they call it, and
// whether they have it at all.
type Field string

// The fields that advice speaks of.
const (
	FieldTo         Field = "to"
	FieldFrom       Field = "from"
	FieldRelease    Field = "release"
	FieldVersion    Field = "version"
	FieldExcept     Field = "except"
	FieldSecrets    Field = "secrets"
	FieldWithConfig Field = "with_config"
	FieldFurther    Field = "further"
	FieldHide       Field = "hide"
	FieldAllowEmpty Field = "allow_empty"
	FieldCreate     Field = "create" // of environments whose name looks like a slip
	FieldKind       Field = "kind"
	FieldReason     Field = "reason"
	FieldRetry      Field = "retry"
	FieldSkip       Field = "skip"
	FieldResult     Field = "result"
	FieldConfigured Field = "configured"
	FieldTimeout    Field = "timeout"
	FieldMaster     Field = "master"
	FieldVariable   Field = "variable"        // the key of a variable
	FieldCursor     Field = "cursor"          // where a page begins
	FieldToken      Field = "token"           // where a token is given
	FieldData       Field = "data"            // the data directory, a setting of the program itself
	FieldPostgres   Field = "postgres"        // the database, a setting of the program
	FieldListen     Field = "postgres_listen" // the database without a pooler, a setting of the program
	FieldHost       Field = "host"            // names that requests may be addressed to, a setting of the server
	FieldOutbound   Field = "allow_outbound"  // where requests of runs may go, a setting of the server
)

// Fields are all fields.
func Fields() []Field {
	return []Field{
		FieldTo, FieldFrom, FieldRelease, FieldVersion, FieldExcept, FieldSecrets, FieldWithConfig, FieldFurther, FieldHide, FieldAllowEmpty, FieldCreate,
		FieldKind, FieldReason, FieldRetry, FieldSkip, FieldResult, FieldConfigured, FieldTimeout, FieldMaster, FieldVariable, FieldCursor, FieldToken, FieldData, FieldPostgres, FieldListen, FieldHost, FieldOutbound,
	}
}

func (f Field) known() bool { return slices.Contains(Fields(), f) }

// Setting reports whether the field is none of a request, but how the program was
// started. On every surface but the command line it has plain words.
func (f Field) Setting() bool {
	return slices.Contains([]Field{FieldData, FieldPostgres, FieldListen, FieldHost, FieldOutbound}, f)
}

// switches are fields that are on or off.
var switches = []Field{FieldWithConfig, FieldFurther, FieldHide, FieldAllowEmpty, FieldRetry, FieldSkip, FieldConfigured, FieldMaster}

// Named returns the field with its value as JSON has it, by the name that a
// surface has for it.
func (f Field) Named(name, value string) string {
	switch {
	case slices.Contains(switches, f):
		return name + ": true"
	case f == FieldCreate && value == "":
		return name + `: "` + CreateAlways + `"`
	case value == "":
		return name
	case f == FieldResult: // any JSON
		return name + ": " + value
	}
	return name + `: "` + strings.Trim(value, `"`) + `"`
}
