package runner

import (
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
		fix := sluice.Ask("run it with {configured}, which loads the environment's configuration")
		if run.Configured {
			fix = sluice.Do(sluice.SetVariables(run.Environment, "", key), "set it")
		}
		failure.Fixes = append(failure.Fixes, fix)
		return
	}
}
