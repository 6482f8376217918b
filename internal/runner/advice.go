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
	keys := s.b.Settings.Env
	if s.b.When != nil {
		keys = slices.Concat(keys, s.b.When.Env)
	}
	run := s.l.x.work.Run
	for _, key := range keys {
		if _, there := s.l.frame.env[key]; there || !strings.Contains(failure.Message, key) {
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
