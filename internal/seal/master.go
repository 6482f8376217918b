// Package seal keeps secrets at rest: it reads the master key, wraps data keys
// under it, and seals and opens bytes with those. It knows keys and bytes and
// nothing of what they mean. It must never put a key or a value into an error, a
// log or a text of any kind.
package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/system"
)

// Bounds on where a master key may come from.
const (
	maxKeyBytes    = 64 << 10
	commandTimeout = 10 * time.Second
	maxComplaint   = 200 // bytes of what a failing command says
)

// Config says where the master key is. The first that is set counts: Key, then
// Command, then File.
type Config struct {
	Key     string // the master key itself, as the environment has it
	File    string // path of a file with it
	Command string // for /bin/sh; it prints the key
	Make    bool   // make File when it is missing
}

// Place says where the master key is, for people, without reading it; "" when no
// place is set.
func (cfg Config) Place() string {
	switch {
	case cfg.Key != "":
		return "SLUICE_MASTER_KEY"
	case cfg.Command != "":
		return "the master key command"
	case cfg.File != "":
		return "the master key file " + cfg.File
	}
	return ""
}

// Master is a master key: one or more identities of age. The first wraps, each
// may unwrap.
type Master struct {
	identities []*age.X25519Identity
	source     string
}

// Source says where the key came from, for people.
func (m *Master) Source() string { return m.source }

// redacted is what stands for a key wherever one is printed.
const redacted = "[sealed]"

// String hides the key.
func (m *Master) String() string { return redacted }

// GoString hides the key.
func (m *Master) GoString() string { return redacted }

// Format hides the key under every verb: without it %d and %t print its bytes.
func (m *Master) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the key.
func (m *Master) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the key.
func (m *Master) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// NewIdentity makes a master key, as text.
func NewIdentity() (string, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", sluice.Errorf(sluice.Internal, "there are no random bytes for a key: %w", err)
	}
	return id.String(), nil
}

// Read reads the master key as it is now. Conflict when no place is set, which
// no retry helps; Unavailable when there is none where it should be or it cannot be
// read; Invalid when two are given.
func Read(ctx context.Context, cfg Config) (*Master, error) {
	switch {
	case cfg.Key != "" && cfg.Command != "":
		return nil, sluice.Errorf(sluice.Invalid, "there are two master keys: SLUICE_MASTER_KEY and a command").Fix("leave one of them out")
	case cfg.Key != "":
		return parse("SLUICE_MASTER_KEY", cfg.Key)
	case cfg.Command != "":
		text, err := run(ctx, cfg.Command, commandTimeout)
		if err != nil {
			return nil, err
		}
		return parse("the master key command", text)
	case cfg.File != "":
		return readFile(cfg)
	}
	return nil, sluice.Errorf(sluice.Conflict, "no master key is configured, and variables are sealed under one").
		Do(sluice.MakeMasterKey(), "make one ({}), keep it safe, and set SLUICE_MASTER_KEY, SLUICE_MASTER_KEY_FILE or SLUICE_MASTER_KEY_COMMAND")
}

// parse reads identities, one a line, with comments.
func parse(source, text string) (*Master, error) {
	m := &Master{source: source}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, err := age.ParseX25519Identity(line)
		if err != nil { // whose text may hold a part of the key
			return nil, sluice.Errorf(sluice.Unavailable, "line %d of %s is not a master key: it is damaged, cut short or something else", number, source).
				Fix("restore it from where it is kept; a key begins with AGE-SECRET-KEY-1 and has 74 characters")
		}
		m.identities = append(m.identities, id)
	}
	if len(m.identities) == 0 {
		return nil, sluice.Errorf(sluice.Unavailable, "%s holds no master key", source).Fix("restore it from where it is kept")
	}
	return m, nil
}

var keyText = regexp.MustCompile(`(?i)AGE-SECRET-KEY-\S*`)

// run runs a command and returns what it prints. When it fails, what it started
// ends with it.
func run(caller context.Context, command string, timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(caller, timeout)
	defer cancel()
	cmd := system.Shell(ctx, command)
	var complaint bytes.Buffer
	out := &limited{limit: maxKeyBytes, full: cancel}
	cmd.Stdout, cmd.Stderr = out, &limitedTo{&complaint, maxComplaint}
	// A group of its own, so that what it started can be ended with it.
	system.Group(cmd)
	cmd.Cancel = func() error { return system.Kill(cmd) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if err != nil && cmd.Process != nil {
		_ = cmd.Cancel() // also what outlived it; mostly nothing is left
	}
	const fix = "run it by hand; it must print the key and end with status 0"
	switch {
	case out.over:
		return "", sluice.Errorf(sluice.Unavailable, "the master key command prints more than %d bytes", maxKeyBytes).Fix(fix)
	case err == nil:
		return out.kept.String(), nil
	case caller.Err() != nil: // it is not the command that took too long
		return "", caller.Err()
	case ctx.Err() != nil:
		return "", sluice.Errorf(sluice.Unavailable, "the master key command did not end within %s", timeout).Fix(fix)
	case errors.Is(err, exec.ErrWaitDelay):
		return "", sluice.Errorf(sluice.Unavailable, "the master key command ended, and what it started still holds its output").
			Fix("have what goes on in the background write elsewhere: `>/dev/null`")
	}
	said, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n")
	said = keyText.ReplaceAllString(strings.ToValidUTF8(said, ""), redacted) // some shells say what they run
	if said != "" {
		said = ": " + said
	}
	return "", sluice.Errorf(sluice.Unavailable, "the master key command failed (%v)%s", err, said).Fix(fix)
}

// limited keeps so many bytes and says when there are more.
type limited struct {
	kept  bytes.Buffer
	limit int
	over  bool
	full  func()
}

func (l *limited) Write(p []byte) (int, error) {
	if l.kept.Len()+len(p) > l.limit {
		l.over = true
		l.full()
		return 0, fmt.Errorf("more than %d bytes", l.limit)
	}
	return l.kept.Write(p)
}

// limitedTo passes on so many bytes and drops the rest.
type limitedTo struct {
	to   io.Writer
	left int
}

func (l *limitedTo) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if _, err := l.to.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}
