package config

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"

	"github.com/sluice-dev/sluice"
	"go.yaml.in/yaml/v3"
)

// DefaultListen is where a server listens unless told otherwise.
const DefaultListen = "127.0.0.1:7117"

// DataDir is the name of the directory that holds an embedded installation.
const DataDir = ".sluice"

// Settings say which installation to speak to, and as whom. The zero value of a
// field is "not set".
type Settings struct {
	Server   string // URL of a server; empty works on Data
	Token    string // for Server
	Org      string // organization; defaults to the server's
	Data     string // directory of an embedded installation
	Actor    string // who acts in an embedded installation; defaults to the user of the system
	Nameless bool   // nobody said who acts: Actor is the user of the system
	Postgres string // URL of a database to use in place of SQLite in Data
	// PostgresListen is the URL of PostgreSQL itself, for LISTEN, when Postgres leads
	// to a pooler.
	PostgresListen string
	Listen         string // where `serve` listens; defaults to [DefaultListen]
	TLSCert        string // PEM files for Listen
	TLSKey         string
	// The master key that secrets are sealed under: the key itself, which only the
	// environment may hold, or a file or a command that gives it. When none is set
	// it is a file in Data, unless the data is in PostgreSQL.
	MasterKey        string
	MasterKeyFile    string
	MasterKeyCommand string
	// RunBytes and RunMemory bound what one run collects, and what the values of all
	// runs take here, in bytes or with KiB, MiB or GiB behind the number.
	RunBytes  string
	RunMemory string
}

// Source is one layer of settings, such as flags.
type Source struct {
	Getenv func(string) string
	Flags  Settings
}

// Load merges the layers: defaults, then the user's file, then the environment,
// then flags. The file is SLUICE_CONFIG, else sluice/config.yaml in
// XDG_CONFIG_HOME or ~/.config; only a file that SLUICE_CONFIG names must exist.
func Load(src Source) (Settings, error) {
	s := Settings{Listen: DefaultListen}
	file, err := readSettings(src.Getenv)
	if err != nil {
		return Settings{}, err
	}
	s.overlay(file)
	s.overlay(Settings{
		Server: src.Getenv("SLUICE_SERVER"), Token: src.Getenv("SLUICE_TOKEN"), Org: src.Getenv("SLUICE_ORG"),
		Data: src.Getenv("SLUICE_DATA"), Actor: src.Getenv("SLUICE_ACTOR"),
		Postgres: src.Getenv("SLUICE_POSTGRES"), PostgresListen: src.Getenv("SLUICE_POSTGRES_LISTEN"), Listen: src.Getenv("SLUICE_LISTEN"),
		TLSCert: src.Getenv("SLUICE_TLS_CERT"), TLSKey: src.Getenv("SLUICE_TLS_KEY"),
		MasterKey: src.Getenv("SLUICE_MASTER_KEY"), MasterKeyFile: src.Getenv("SLUICE_MASTER_KEY_FILE"),
		MasterKeyCommand: src.Getenv("SLUICE_MASTER_KEY_COMMAND"),
		RunBytes:         src.Getenv("SLUICE_RUN_BYTES"), RunMemory: src.Getenv("SLUICE_RUN_MEMORY"),
	})
	s.overlay(src.Flags)
	if src.Flags.Data != "" && src.Flags.Server == "" {
		s.Server = "" // a directory named by hand is meant, whatever the environment says
	}
	if s.Actor == "" {
		s.Actor, s.Nameless = systemUser(src.Getenv), true
	}
	return s, nil
}

// overlay takes every field that is set in o.
func (s *Settings) overlay(o Settings) {
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&s.Server, o.Server},
		{&s.Token, o.Token},
		{&s.Org, o.Org},
		{&s.Data, o.Data},
		{&s.Actor, o.Actor},
		{&s.Postgres, o.Postgres},
		{&s.PostgresListen, o.PostgresListen},
		{&s.Listen, o.Listen},
		{&s.TLSCert, o.TLSCert},
		{&s.TLSKey, o.TLSKey},
		{&s.MasterKey, o.MasterKey},
		{&s.MasterKeyFile, o.MasterKeyFile},
		{&s.MasterKeyCommand, o.MasterKeyCommand},
		{&s.RunBytes, o.RunBytes},
		{&s.RunMemory, o.RunMemory},
	} {
		if f.from != "" {
			*f.to = f.from
		}
	}
}

func readSettings(getenv func(string) string) (Settings, error) {
	path, named := SettingsPath(getenv)
	if path == "" {
		return Settings{}, nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return Settings{}, nil
	}
	if err != nil {
		return Settings{}, sluice.Errorf(sluice.Invalid, "cannot read the settings in %s: %w", path, err).
			Fix("correct SLUICE_CONFIG, or unset it")
	}
	return ParseSettings(path, content)
}

// SettingsPath is the user's file of settings; named says that SLUICE_CONFIG
// asks for it.
func SettingsPath(getenv func(string) string) (path string, named bool) {
	if p := getenv("SLUICE_CONFIG"); p != "" {
		return p, true
	}
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "sluice", "config.yaml"), false
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".config", "sluice", "config.yaml"), false
	}
	return "", false
}

// ParseSettings reads a file of settings. File is its name for messages.
func ParseSettings(file string, content []byte) (Settings, error) {
	var s Settings
	doc := document{file: file}
	top, err := doc.root(content)
	if err != nil || top == nil {
		return s, err
	}
	err = doc.fields(top, map[string]func(*yaml.Node) error{
		"server": doc.text(&s.Server), "token": doc.text(&s.Token), "org": doc.text(&s.Org),
		"data": doc.text(&s.Data), "actor": doc.text(&s.Actor),
		"postgres": doc.text(&s.Postgres), "postgres_listen": doc.text(&s.PostgresListen), "listen": doc.text(&s.Listen),
		"tls_cert": doc.text(&s.TLSCert), "tls_key": doc.text(&s.TLSKey),
		"master_key_file": doc.text(&s.MasterKeyFile), "master_key_command": doc.text(&s.MasterKeyCommand),
		"run_bytes": doc.text(&s.RunBytes), "run_memory": doc.text(&s.RunMemory),
	})
	return s, err
}

func systemUser(getenv func(string) string) string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	if name := getenv("USER"); name != "" {
		return name
	}
	return "unknown"
}
