package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
)

// advise adds, to the failure of a block that missed a variable, how it would have
// come.
func (s *step) advise(failure *sluice.RunError) {
	keys, env := slices.Concat(s.b.Settings.Env, s.takes), s.l.frame.env
	if s.b.When != nil {
		keys = append(keys, s.b.When.Env...)
	}
	if s.env != nil {
		env = s.env
	}
	run := s.l.x.work.Run
	for _, key := range keys {
		if _, there := env[key]; there || !strings.Contains(failure.Message, "no "+key) {
			continue
		}
		fix := "run it with --env, which loads the environment's configuration"
		if run.Configured {
			fix = fmt.Sprintf("set it: `sluice env set %s=… -e %s`", key, run.Environment)
		}
		failure.Fixes = append(failure.Fixes, fix)
		return
	}
}
