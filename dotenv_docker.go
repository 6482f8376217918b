package sluice

import (
	"strings"
	"unicode"
)

// The dialects of files with variables.
const (
	DialectDotenv = "dotenv" // see [ParseDotenv]; the default
	DialectDocker = "docker" // see [ParseDockerEnv]
)

// ParseAssignments reads a file with variables in a dialect, "" for the default.
func ParseAssignments(dialect, file, text string) ([]Assignment, error) {
	switch dialect {
	case "", DialectDotenv:
		return ParseDotenv(file, text)
	case DialectDocker:
		return ParseDockerEnv(file, text)
	}
	return nil, Errorf(Invalid, "%q is not a dialect of files with variables", clip(dialect)).Fix("use %s or %s", DialectDotenv, DialectDocker)
}

// ParseDockerEnv reads a file as `docker run --env-file` does: a value is all that
// follows the first = of its line, with its quotes, blanks and #. Only a line that
// begins with # is a comment. Docker takes the value of a KEY that stands alone
// from its own environment; here there is none to take it from, and it is refused.
func ParseDockerEnv(file, text string) ([]Assignment, error) {
	p, err := newDotenvParser(file, text)
	if err != nil {
		return nil, err
	}
	for p.rest != "" && p.fatal == nil {
		line, after, _ := strings.Cut(p.rest, "\n")
		line = strings.TrimSuffix(line, "\r")
		p.column = 1
		if blanks := len(line) - len(strings.TrimLeftFunc(line, unicode.IsSpace)); blanks > 0 {
			p.take(blanks)
			line = line[blanks:]
		}
		if line != "" && line[0] != '#' {
			p.dockerLine(line)
		}
		p.rest, p.line = after, p.line+1
	}
	return p.result("write KEY=VALUE; a line that begins with # is a comment")
}

// dockerLine reads one assignment, which begins where the parser stands.
func (p *dotenvParser) dockerLine(line string) {
	name, value, assigned := strings.Cut(line, "=")
	switch {
	case !assigned && CheckKey(name) == nil:
		p.fault(p.line, p.column, "a key without = would take its value from an environment, and there is none here")
	case !assigned:
		p.fault(p.line, p.column, "no KEY=VALUE")
	case p.goodKey(name):
		p.add(Assignment{name, value, p.line}, p.line, p.column)
	}
}
