package cli

import (
	"io"
	"strings"

	"github.com/sluice-dev/sluice"
)

// speech is how the command line speaks: operations as commands, and fields as
// flags.
var speech = sluice.Words{
	Operation: func(op sluice.Operation) (string, bool) {
		line, ok := commandOf(op)
		return "`" + line + "`", ok
	},
	Field: func(f sluice.Field, value string) (string, bool) {
		say, ok := flags[f]
		if !ok {
			return "", false
		}
		return say(value), true
	},
	Commands: true,
}

// flags is the one table from fields of requests to flags.
var flags = map[sluice.Field]func(string) string{
	sluice.FieldTo:         flag("--to"),
	sluice.FieldFrom:       func(v string) string { return flag("--from")(strings.Replace(v, "@", " --at ", 1)) },
	sluice.FieldRelease:    flag("--release"),
	sluice.FieldVersion:    flag("--version"),
	sluice.FieldExcept:     flag("--except"),
	sluice.FieldSecrets:    flag("--secrets"),
	sluice.FieldWithConfig: flag("--with-config"),
	sluice.FieldFurther:    flag("--further"),
	sluice.FieldHide:       flag("--hide"),
	sluice.FieldAllowEmpty: flag("--allow-empty"),
	sluice.FieldCreate:     flag("--create"),
	sluice.FieldKind:       flag("--kind"),
	sluice.FieldReason:     flag("--reason"),
	sluice.FieldRetry:      flag("--retry"),
	sluice.FieldSkip:       flag("--skip"),
	sluice.FieldResult:     flag("--result"),
	sluice.FieldConfigured: flag("--env"),
	sluice.FieldTimeout:    flag("--timeout"),
	sluice.FieldMaster:     flag("--master"),
	sluice.FieldVariable:   func(v string) string { return valueOr(v, "KEY") },
	sluice.FieldCursor:     func(string) string { return "a cursor" },
	sluice.FieldPostgres:   flag("--postgres"),
	sluice.FieldListen:     flag("--postgres-listen"),
	sluice.FieldHost:       func(v string) string { return "`" + flag("--host")(v) + "`" },
	sluice.FieldOutbound:   func(v string) string { return "`" + flag("--allow-outbound")(v) + "`" },
	sluice.FieldData:       func(string) string { return "--data DIR" },
	sluice.FieldToken: func(v string) string {
		if v != "" {
			return "set SLUICE_TOKEN to " + v
		}
		return "set SLUICE_TOKEN, or pass --token"
	},
}

func flag(name string) func(string) string {
	return func(value string) string {
		if value == "" {
			return name
		}
		return name + " " + value
	}
}

// advice is what is advised, on the command line.
func advice(all []sluice.Advice) []string { return sluice.InWords(all, speech) }

// saying is one piece of advice on the command line.
func saying(a sluice.Advice) string {
	text, _ := a.In(speech)
	return text
}

// spoken is advice as programs that read the answer get it: a string, as it
// would be printed.
func spoken(a sluice.Advice) sluice.Advice {
	if a.Form == "{}" { // a command alone, which can be run as it is
		return a.Said(undoing(&a))
	}
	return a.Said(saying(a))
}

// undoing is the command that takes a change back, "" when there is none.
func undoing(undo *sluice.Advice) string {
	if undo == nil {
		return ""
	}
	return strings.Trim(saying(*undo), "`")
}

// printFixes prints what to do next, a line each behind indent.
func printFixes(w io.Writer, indent string, fixes []sluice.Advice) {
	for _, fix := range advice(fixes) {
		_, _ = io.WriteString(w, indent+"fix: "+fix+"\n") // a full or closed pipe is reported at the end
	}
}

// commandOf is the command line that does an operation.
func commandOf(op sluice.Operation) (string, bool) {
	command, ok := commands[op.Name]
	if !ok {
		return "", false
	}
	return "sluice " + strings.Join(command(known{op.Arguments}), " "), true
}

// known are the arguments of an operation.
type known struct{ sluice.Arguments }

// or is an argument as a word of the shell, or what stands for it. An argument in
// braces is for the reader to fill in.
func (k known) or(name sluice.Argument, open string) string {
	value := k.Arguments[name]
	switch {
	case value == "":
		return open
	case strings.HasPrefix(value, "{"):
		return strings.ToUpper(strings.Trim(value, "{}"))
	}
	return shellWord(value)
}

// with is a flag with an argument, and nothing when that is not known.
func (k known) with(flag string, name sluice.Argument) []string {
	if k.Arguments[name] == "" {
		return nil
	}
	return []string{flag, k.or(name, "")}
}

// version is a component's version as commands take it.
func (k known) version() string {
	return k.or(sluice.ArgComponent, "NAME") + "@" + k.or(sluice.ArgVersion, "VERSION")
}

// assignments set variables. The value of what may be a secret is asked for, so
// that it stays out of the shell's history.
func (k known) assignments(before ...string) []string {
	var out []string
	for _, key := range (sluice.Operation{Arguments: k.Arguments}).Keys() {
		if !sluice.SecretKey(key) {
			key += "=…"
		}
		out = append(append(out, before...), key)
	}
	return out
}

// shellWord is a word as a shell takes it: quoted where it must be.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@#%+=:,./_-…", r)
	}
	if s != "" && strings.TrimFunc(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
