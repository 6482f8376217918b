package config

import (
	"path/filepath"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestLoadLayers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	write(t, file, "server: https://file\norg: file\nactor: file\n")
	env := map[string]string{"SLUICE_CONFIG": file, "SLUICE_SERVER": "https://env", "SLUICE_TOKEN": "env"}
	getenv := func(k string) string { return env[k] }

	s, err := Load(Source{Getenv: getenv, Flags: Settings{Server: "https://flag"}})
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{Server: "https://flag", Token: "env", Org: "file", Actor: "file", Listen: DefaultListen}
	if s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	s, err = Load(Source{Getenv: getenv, Flags: Settings{Data: "here"}})
	if err != nil || s.Server != "" || s.Data != "here" {
		t.Errorf("a directory named by a flag: got %+v, %v", s, err)
	}
}

func TestLoadWithoutFile(t *testing.T) {
	home := map[string]string{"HOME": t.TempDir()}
	s, err := Load(Source{Getenv: func(k string) string { return home[k] }})
	if err != nil || s.Actor == "" || s.Server != "" {
		t.Errorf("got %+v, %v", s, err)
	}
	named := map[string]string{"SLUICE_CONFIG": filepath.Join(t.TempDir(), "absent.yaml")}
	if _, err := Load(Source{Getenv: func(k string) string { return named[k] }}); sluice.CodeOf(err) != sluice.Invalid {
		t.Errorf("a file that is named and absent: got %v", err)
	}
}

func TestParseSettingsMistake(t *testing.T) {
	_, err := ParseSettings("config.yaml", []byte("severs: x\n"))
	if err == nil || err.Error() != `config.yaml:1:1: unknown key "severs"` {
		t.Errorf("got %v", err)
	}
}
