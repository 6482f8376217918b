package live_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client/live"
)

// written is a version of a prompt whose text a server has.
func (s *stage) written(t *testing.T, number int, text string) sluice.Pin {
	t.Helper()
	s.files[number] = sluice.NewFile("prompt.md", []byte(text))
	_, digest, err := sluice.CheckFiles([]sluice.File{s.files[number]})
	if err != nil {
		t.Fatal(err)
	}
	return sluice.Pin{Version: number, Digest: digest}
}

// followed runs a program that follows a server for a while and ends, then takes
// the server away. It is in a bubble, whose time passes at once.
func followed(t *testing.T, s *stage, cfg live.Config) {
	t.Helper()
	c, err := live.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Second)
	synctest.Wait()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	s.leave(true)
}

// restarted is the text that a program reads which starts while the server is gone.
func restarted(t *testing.T, cfg live.Config, keys ...string) []string {
	t.Helper()
	c, err := live.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var texts []string
	for _, key := range keys {
		files, _, err := c.Content(t.Context(), "bot", key)
		if err != nil {
			texts = append(texts, string(sluice.CodeOf(err)))
			continue
		}
		texts = append(texts, files[0].Text)
	}
	return texts
}

// TestContentWithoutServer restarts a program while the server is gone: the text of
// what was live is in its copy, of each version of a split and of the settled one.
func TestContentWithoutServer(t *testing.T) {
	for name, c := range map[string]struct {
		harm  func(text []byte) []byte
		bytes int64
		want  string // of the settled version
		says  string
	}{
		"undamaged":        {want: "Be kind."},
		"a changed text":   {harm: func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("kind"), []byte("rude")) }, want: "unavailable", says: "is damaged"},
		"cut short":        {harm: func(b []byte) []byte { return b[:len(b)/2] }, want: "unavailable", says: "is damaged"},
		"larger than room": {bytes: 20, want: "unavailable", says: "larger than 20 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				a, b := s.written(t, 1, "Be kind."), s.written(t, 2, "Be brief.")
				v, err := sluice.Allocate(a, []sluice.Share{{Pin: a, Weight: 1}, {Pin: b, Weight: 9999}})
				if err != nil {
					t.Fatal(err)
				}
				s.deploy("bot", v)
				cfg, said := config(t, s), &bytes.Buffer{}
				cfg.Log, cfg.ContentBytes = slog.New(slog.NewTextHandler(said, nil)), c.bytes
				followed(t, s, cfg)
				files, _ := filepath.Glob(filepath.Join(cfg.File+".content", "*"))
				for _, file := range files {
					text, err := os.ReadFile(file)
					if err == nil && c.harm != nil {
						err = os.WriteFile(file, c.harm(text), 0o600)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				got := restarted(t, cfg, "", "customer-1")
				if got[0] != c.want || c.says == "" && got[1] != "Be brief." {
					t.Errorf("read %q, want %q", got, c.want)
				}
				if !strings.Contains(said.String(), c.says) {
					t.Errorf("the log has not %q: %s", c.says, said)
				}
			})
		})
	}
}
