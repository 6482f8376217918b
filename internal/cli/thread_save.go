package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-dev/sluice"
)

// The files of a run that is kept in a directory.
const (
	savedRun    = "run.json"
	savedInput  = "input.json"
	savedOutput = "output.json"
	savedSteps  = "steps" // PATH-BLOCK.json in it
)

// checkSave refuses a directory that holds another run than id, or files that are
// not known to be a run's, before anything is started.
func (e *env) checkSave(dir, id string) error {
	if dir == "" {
		return nil
	}
	at := e.path(dir)
	body, err := os.ReadFile(filepath.Join(at, savedRun))
	if err == nil {
		var held struct {
			ID string `json:"id"`
		}
		switch bad := json.Unmarshal(body, &held); {
		case bad != nil || held.ID == "":
			return sluice.Errorf(sluice.Conflict, "%s in %s is not the record of a run", savedRun, dir).Fix("name another directory: --save DIR")
		case held.ID != id:
			return sluice.Errorf(sluice.Conflict, "%s holds the run %s, and is not overwritten", dir, held.ID).
				Fix("name another directory, or move that one away")
		}
		return nil
	}
	if info, err := os.Stat(at); err == nil && !info.IsDir() {
		return sluice.Errorf(sluice.Invalid, "%s is a file, not a directory", dir).Fix("name another directory: --save DIR")
	}
	for _, name := range []string{savedInput, savedOutput, savedSteps} {
		if _, err := os.Lstat(filepath.Join(at, name)); err == nil {
			return sluice.Errorf(sluice.Conflict, "%s holds a %s that is no run's, and is not overwritten", dir, name).
				Fix("name another directory, or move that one away")
		} else if !errors.Is(err, fs.ErrNotExist) {
			return unwritable(dir, err)
		}
	}
	return nil
}

// saveRun writes a run and all its steps as files.
func (e *env) saveRun(ctx context.Context, run sluice.Run, dir string) error {
	if err := e.checkSave(dir, run.ID); err != nil {
		return err
	}
	runs, err := e.runs(ctx)
	if err != nil {
		return err
	}
	at := e.path(dir)
	if err := os.MkdirAll(filepath.Join(at, savedSteps), 0o700); err != nil {
		return unwritable(dir, err)
	}
	// The record comes first: it is what says whose the other files are.
	files := []savedFile{{savedRun, run}, {savedInput, run.Input}}
	if run.Status == sluice.RunCompleted {
		files = append(files, savedFile{savedOutput, run.Output})
	}
	for _, f := range files {
		if err := f.write(at); err != nil {
			return unwritable(dir, err)
		}
	}
	count := 0
	for s, err := range runs.Steps(ctx, sluice.StepQuery{Run: run.ID, Detail: true}) {
		if err != nil {
			return err
		}
		if err := (savedFile{filepath.Join(savedSteps, stepFile(s)), s}).write(at); err != nil {
			return unwritable(dir, err)
		}
		count++
	}
	e.note("saved the run and %s in %s", counted(count, "step"), dir)
	return nil
}

type savedFile struct {
	name  string
	value any
}

// write replaces the file, which may hold what is nobody else's business.
func (f savedFile) write(dir string) error {
	var b bytes.Buffer
	if err := writeJSON(&b, f.value); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, f.name), b.Bytes(), 0o600)
}

// longestName bounds a block's id in the name of a file, in bytes.
const longestName = 100

// stepFile is the name of a step's file: a path and an id of a block, of which
// only what any file system takes.
func stepFile(s sluice.RunStep) string {
	name := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, s.Path+"-"+s.Block)
	return name[:min(len(name), longestName)] + ".json"
}
