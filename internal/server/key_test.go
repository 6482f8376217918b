package server_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/pgtest"
	"github.com/sluice-dev/sluice/internal/server"
)

func newKey(t *testing.T) string {
	t.Helper()
	key, err := server.NewMasterKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.WriteFile(file, []byte(text), mode), os.Chmod(file, mode)); err != nil {
		t.Fatal(err)
	}
}

// run opens a server, lets it do something and closes it. Who starts programs at
// the same time may hold its lock for a moment, so tests that do are not parallel.
func run(t *testing.T, cfg server.Config, do func(*client.Client)) {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	s, err := server.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	do(connect(t, client.Config{Server: "http://sluice", Actor: "alice", Transport: client.InProcess(s.Local()), Tries: 1}))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func set(s sluice.Services, key, value string) error {
	_, err := s.Deploy(context.Background(), sluice.DeployRequest{Environment: "prod", Changes: []sluice.ChangeRequest{{Variable: key, Value: &value}}})
	return err
}

func reveal(s sluice.Services, key string) (string, error) {
	v, err := s.Variable(context.Background(), sluice.VariableRequest{Environment: sluice.EnvironmentRef{Name: "prod"}, Key: key, Reveal: true})
	if v.Value == nil {
		return "", err
	}
	return *v.Value, err
}

// named demands an error that names where the key comes from and what to do, and
// holds nothing of any key, not even in its cause.
func named(t *testing.T, what string, err error, code sluice.Code, words ...string) {
	t.Helper()
	if sluice.CodeOf(err) != code {
		t.Errorf("%s: %v; want %s", what, err, code)
		return
	}
	e := sluice.AsError(err)
	if len(e.Fixes) == 0 {
		t.Errorf("%s: %q has no fix", what, e.Message)
	}
	said := e.Message + " " + strings.Join(sluice.Texts(e.Fixes), " ")
	for _, word := range words {
		if !strings.Contains(said, word) {
			t.Errorf("%s: %q does not say %q", what, said, word)
		}
	}
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		said += fmt.Sprintf(" %v %+v", cause, cause)
	}
	for _, part := range strings.SplitAfter(strings.ToUpper(said), "AGE-SECRET-KEY-1")[1:] {
		if !strings.HasPrefix(part, " AND HAS 74 CHARACTERS") { // which says how keys look
			t.Errorf("%s: it holds a key: %q", what, said)
		}
	}
}

// TestAKeyThatDoesNotOpen starts servers over values whose key is not what it was,
// and asks embedded ones. When the key is back, the values are too.
func TestAKeyThatDoesNotOpen(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, file, key string)
		words []string
	}{
		{"another key", func(t *testing.T, file, _ string) { write(t, file, newKey(t), 0o600) }, []string{"does not open data key 1: it is another master key"}},
		{"a key cut short", func(t *testing.T, file, key string) { write(t, file, "# kept\n"+key[:40], 0o600) }, []string{"line 2 of the master key file", "cut short"}},
		{"half a file", func(t *testing.T, file, key string) { write(t, file, key[20:], 0o600) }, []string{"line 1 of the master key file"}},
		{"a key with a letter changed", func(t *testing.T, file, key string) {
			write(t, file, key[:30]+string(key[30]^1)+key[31:], 0o600)
		}, []string{"is not a master key"}},
		{"a recipient in its place", func(t *testing.T, file, _ string) {
			write(t, file, "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n", 0o600)
		}, []string{"is not a master key"}},
		{"bytes", func(t *testing.T, file, _ string) { write(t, file, "\x00\xff\x1b[31m", 0o600) }, []string{"is not a master key"}},
		{"an empty file", func(t *testing.T, file, _ string) { write(t, file, "", 0o600) }, []string{"holds no master key"}},
		{"comments alone", func(t *testing.T, file, _ string) { write(t, file, "# one\n\n# two\n", 0o600) }, []string{"holds no master key"}},
		{"too large", func(t *testing.T, file, _ string) { write(t, file, strings.Repeat("# x\n", 40_000), 0o600) }, []string{"too large"}},
		{"open to all", func(t *testing.T, file, key string) { write(t, file, key, 0o644) }, []string{"can be read by others (mode 0644)", "chmod 600"}},
		{"open to the group", func(t *testing.T, file, key string) { write(t, file, key, 0o640) }, []string{"mode 0640"}},
		{"a directory in its place", func(t *testing.T, file, _ string) {
			if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, []string{"cannot be read: is a directory", "ls -l"}},
		{"a link to itself", func(t *testing.T, file, _ string) {
			if err := errors.Join(os.Remove(file), os.Symlink(file, file)); err != nil {
				t.Fatal(err)
			}
		}, []string{"cannot be read", "ls -l"}},
		{"no file", func(t *testing.T, file, _ string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}, []string{"is missing", "restore it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			spoiled(t, c.spoil, c.words)
		})
	}
}

func spoiled(t *testing.T, spoil func(t *testing.T, file, key string), words []string) {
	cfg := server.Config{Data: t.TempDir()}
	file := filepath.Join(cfg.Data, server.KeyFile)
	run(t, cfg, func(c *client.Client) {
		if err := errors.Join(set(c, "API_TOKEN", "one"), set(c, "PLAIN", "two")); err != nil {
			t.Fatal(err)
		}
		publish(t, c, "v1.0.0", "one")
	})
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file that was made: %v, %v", info.Mode(), err)
	}
	key := string(kept[strings.Index(string(kept), "AGE-SECRET-KEY-1"):])
	spoil(t, file, key)
	words = append([]string{file}, words...)
	_, err = server.Open(t.Context(), server.Config{Data: cfg.Data, Listen: "127.0.0.1:0"})
	named(t, "a server's start", err, sluice.Unavailable, words...)
	cfg.Embedded = true
	run(t, cfg, func(c *client.Client) {
		deploy(t, c, "v1.0.0") // which needs no key
		_, err := reveal(c, "API_TOKEN")
		named(t, "a reveal", err, sluice.Unavailable, words...)
		named(t, "a set", set(c, "OTHER", "x"), sluice.Unavailable, words...)
		_, err = c.Variables(t.Context(), sluice.VariableQuery{Environment: sluice.EnvironmentRef{Name: "prod"}})
		named(t, "a list with a plain value", err, sluice.Unavailable, words...)
		_, err = c.RotateKey(t.Context(), sluice.RotateKeyRequest{})
		named(t, "a rotation", err, sluice.Unavailable, words...)
		_, err = c.RotateKey(t.Context(), sluice.RotateKeyRequest{Master: true})
		named(t, "a rotation of the master key", err, sluice.Unavailable)
		info, err := c.Info(t.Context())
		page, _ := c.Entries(t.Context(), sluice.AuditQuery{})
		if err != nil || page.Items[0].Kind != sluice.EntryRelease || page.Items[0].Seq != info.Epoch {
			t.Errorf("the last entry is %+v, %v", page.Items[0], err)
		}
	})
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	write(t, file, string(kept), 0o600)
	cfg.Embedded = false
	run(t, cfg, func(c *client.Client) {
		one, err := reveal(c, "API_TOKEN")
		two, other := reveal(c, "PLAIN")
		report, failed := c.Verify(t.Context(), sluice.VerifyRequest{})
		if one+two != "onetwo" || errors.Join(err, other, failed) != nil || !report.Holds || report.Opened != 2 {
			t.Errorf("with the key again: %q, %q, %+v, %v", one, two, report, errors.Join(err, other, failed))
		}
	})
}

// TestWhereAKeyComesFrom is about keys that are given in other ways than a file.
func TestWhereAKeyComesFrom(t *testing.T) {
	key := newKey(t)
	dir := t.TempDir()
	run(t, server.Config{Data: dir, MasterKey: key}, func(c *client.Client) {
		if err := set(c, "API_TOKEN", "one"); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := os.Stat(filepath.Join(dir, server.KeyFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key file was made beside a key that was given: %v", err)
	}
	file := filepath.Join(t.TempDir(), "key")
	write(t, file, "# two\n"+newKey(t)+"\n"+key+"\r\n", 0o600)
	for name, cfg := range map[string]server.Config{
		"the key itself": {MasterKey: key}, "a file": {MasterKeyFile: file}, "a command": {MasterKeyCommand: "cat " + file},
		"a command and a file": {MasterKeyCommand: "cat " + file, MasterKeyFile: "/nowhere"},
	} {
		cfg.Data = dir
		run(t, cfg, func(c *client.Client) {
			if value, err := reveal(c, "API_TOKEN"); value != "one" || err != nil {
				t.Errorf("%s: %q, %v", name, value, err)
			}
		})
	}
	for _, c := range []struct {
		name  string
		cfg   server.Config
		code  sluice.Code
		words []string
	}{
		{"another", server.Config{MasterKey: newKey(t)}, sluice.Unavailable, []string{"SLUICE_MASTER_KEY does not open data key 1"}},
		{"no key", server.Config{MasterKey: "hunter2"}, sluice.Unavailable, []string{"line 1 of SLUICE_MASTER_KEY is not a master key"}},
		{"a short one", server.Config{MasterKey: key[:50]}, sluice.Unavailable, []string{"SLUICE_MASTER_KEY"}},
		{"a file that is not there", server.Config{MasterKeyFile: file + "2"}, sluice.Unavailable, []string{file + "2 is missing"}},
		{"two keys", server.Config{MasterKey: key, MasterKeyCommand: "true"}, sluice.Invalid, []string{"there are two master keys"}},
		{"a command that fails", server.Config{MasterKeyCommand: "echo vault is sealed >&2; exit 3"}, sluice.Unavailable, []string{"the master key command failed", "exit status 3", "vault is sealed"}},
		{"a command that is none", server.Config{MasterKeyCommand: "/nowhere/key"}, sluice.Unavailable, []string{"the master key command failed", "127"}},
		{"a command that prints nothing", server.Config{MasterKeyCommand: "true"}, sluice.Unavailable, []string{"the master key command holds no master key"}},
		{"a command that prints something else", server.Config{MasterKeyCommand: "echo hunter2"}, sluice.Unavailable, []string{"line 1 of the master key command is not a master key"}},
		{"a command that prints without end", server.Config{MasterKeyCommand: "yes"}, sluice.Unavailable, []string{"prints more than"}},
		{"a command that prints the key and fails", server.Config{MasterKeyCommand: "cat " + file + "; exit 1"}, sluice.Unavailable, []string{"the master key command failed"}},
	} {
		c.cfg.Data, c.cfg.Listen = dir, "127.0.0.1:0"
		_, err := server.Open(t.Context(), c.cfg)
		named(t, c.name, err, c.code, c.words...)
		if err != nil && strings.Contains(fmt.Sprint(err, sluice.AsError(err).Fixes), "hunter2") {
			t.Errorf("%s: it repeats what was given: %v", c.name, err)
		}
	}
}

// TestACommandThatComplainsOfItsKey prints the key where its complaints go, as a
// shell does that traces what it runs.
func TestACommandThatComplainsOfItsKey(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	run(t, server.Config{Data: dir, MasterKey: key}, func(c *client.Client) {
		if err := set(c, "API_TOKEN", "one"); err != nil {
			t.Fatal(err)
		}
	})
	for _, command := range []string{"echo " + key + " >&2; exit 1", "set -x; test " + strings.ToLower(key) + " = x"} {
		_, err := server.Open(t.Context(), server.Config{Data: dir, MasterKeyCommand: command, Listen: "127.0.0.1:0"})
		named(t, "a failing command", err, sluice.Unavailable, "the master key command failed")
	}
}

// TestPostgresWithoutAKey: there is no default beside a database that several
// share. Until something is sealed none is needed.
func TestPostgresWithoutAKey(t *testing.T) {
	url := pgtest.New(t)
	bare := start(t, server.Config{Postgres: url, Data: t.TempDir()})
	without := connect(t, client.Config{Server: "http://" + bare.Addr(), Token: bare.FirstToken(), Tries: 1})
	publish(t, without, "v1.0.0", "one")
	publish(t, without, "v1.1.0", "two")
	none := []string{"no master key is configured", "make a new master key", "SLUICE_MASTER_KEY_FILE"}
	named(t, "a set", set(without, "API_TOKEN", "x"), sluice.Conflict, none...)
	_, err := without.ImportVariables(t.Context(), sluice.ImportVariablesRequest{Environment: "prod", Text: "A=1"})
	named(t, "an import", err, sluice.Conflict, none...)
	if page, err := without.Variables(t.Context(), sluice.VariableQuery{Environment: sluice.EnvironmentRef{Name: "prod"}}); err != nil || len(page.Items) != 0 {
		t.Errorf("the variables are %+v, %v", page, err)
	}
	// A second node that starts with another key than the first to seal.
	key, other := newKey(t), newKey(t)
	second := start(t, server.Config{Postgres: url, MasterKey: other})
	wrong := connect(t, client.Config{Server: "http://" + second.Addr(), Token: bare.FirstToken(), Tries: 1})
	first := start(t, server.Config{Postgres: url, MasterKey: key})
	right := connect(t, client.Config{Server: "http://" + first.Addr(), Token: bare.FirstToken()})
	if err := set(right, "API_TOKEN", "one"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, version string
		code          sluice.Code
		sluice.Services
		words []string
	}{
		{"without a key", "v1.0.0", sluice.Conflict, without, none},
		{"with another key", "v1.1.0", sluice.Unavailable, wrong, []string{"SLUICE_MASTER_KEY does not open data key 1"}},
	} {
		_, err := reveal(c, "API_TOKEN")
		named(t, "a reveal "+c.name, err, c.code, c.words...)
		named(t, "a set "+c.name, set(c, "LOST_KEY", "x"), c.code, c.words...)
		if v, err := c.Variables(t.Context(), sluice.VariableQuery{Environment: sluice.EnvironmentRef{Name: "prod"}}); err != nil || len(v.Items) != 1 {
			t.Errorf("masked, %s: %+v, %v", c.name, v, err)
		}
		deploy(t, c, c.version)
	}
	for name, cfg := range map[string]server.Config{"no key": {}, "another key": {MasterKey: other}, "a third": {MasterKey: newKey(t)}} {
		cfg.Postgres, cfg.Listen = url, "127.0.0.1:0"
		_, err := server.Open(t.Context(), cfg)
		code := sluice.Unavailable
		if cfg.MasterKey == "" {
			code = sluice.Conflict
		}
		named(t, "a start with "+name, err, code)
	}
	if value, err := reveal(right, "API_TOKEN"); value != "one" || err != nil {
		t.Errorf("revealed %q, %v", value, err)
	}
}
