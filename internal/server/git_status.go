package server

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// maxStatuses bounds how many commits have a status; the oldest go.
const maxStatuses = 1_000

// commitStatus is a status of a commit as GitHub's API for them takes one
// (https://docs.github.com/en/rest/commits/statuses), so that a job can send the
// files on as they are.
type commitStatus struct {
	State       sluice.GitState `json:"state"`
	Context     string          `json:"context"`
	Description string          `json:"description"`
	TargetURL   string          `json:"target_url"`
}

// maxDescription is what hosts take of a description.
const maxDescription = 140

// writeStatuses writes what became of refs beside the commits that they point at:
// a file for each commit, with one status for each environment or component.
func (g *git) writeStatuses(results []sluice.GitResult) error {
	dir := filepath.Join(g.dir, "statuses")
	if len(results) == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var errs []error
	for _, r := range results {
		if r.Commit == "" || sluice.CheckCommit(r.Commit) != nil {
			continue
		}
		errs = append(errs, writeStatus(filepath.Join(dir, string(r.Commit)+".json"), g.statusOf(r)))
	}
	return errors.Join(append(errs, pruneStatuses(dir))...)
}

func (g *git) statusOf(r sluice.GitResult) commitStatus {
	context, text := "sluice/"+r.Environment, r.Description
	if r.Environment == "" {
		context = "sluice/components/" + r.Component
	}
	if r.Release != "" {
		text = r.Release + ": " + text
	}
	if len(text) > maxDescription {
		text = strings.ToValidUTF8(text[:maxDescription-len("…")], "") + "…"
	}
	return commitStatus{r.State, context, text, g.s.publicURL() + "/v1/git"}
}

// publicURL is where people find the server.
func (s *Server) publicURL() string {
	if len(s.cfg.Hosts) == 0 {
		return s.URL()
	}
	scheme, _, _ := strings.Cut(s.URL(), ":")
	return scheme + "://" + s.cfg.Hosts[0]
}

// writeStatus puts a status into a file, in the place of the one of its context.
func writeStatus(path string, s commitStatus) error {
	var list []commitStatus
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && json.Unmarshal(text, &list) != nil {
		list = nil // it is made anew
	}
	list = slices.DeleteFunc(list, func(o commitStatus) bool { return o.Context == s.Context })
	list = append(list, s)
	slices.SortFunc(list, func(a, b commitStatus) int { return cmp.Compare(a.Context, b.Context) })
	if text, err = json.MarshalIndent(list, "", "  "); err != nil {
		return err
	}
	return replaceFile(path, append(text, '\n'))
}

// replaceFile puts a file in the place of another at once.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// pruneStatuses removes the oldest files when there are too many.
func pruneStatuses(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= maxStatuses {
		return err
	}
	type aged struct {
		name string
		at   int64
	}
	var files []aged
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			files = append(files, aged{e.Name(), info.ModTime().UnixNano()})
		}
	}
	slices.SortFunc(files, func(a, b aged) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.name, b.name)) })
	var errs []error
	for _, f := range files[:max(0, len(files)-maxStatuses)] {
		if err := os.Remove(filepath.Join(dir, f.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
