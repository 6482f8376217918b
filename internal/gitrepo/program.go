package gitrepo

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

// The oldest Git that everything here works with: 2.31, of March 2021.
const (
	oldestMajor = 2
	oldestMinor = 31
)

// foreign are the variables that would have git look at another repository, or
// at this one in another way. Configuration given in the environment stays: it
// is how many CI systems set credentials and safe.directory.
var foreign = []string{
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_QUARANTINE_PATH", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_CONFIG", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE",
	"GIT_REPLACE_REF_BASE", "GIT_IMPLICIT_WORK_TREE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_REFLOG_ACTION", "GIT_FLUSH", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS",
	"GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_DISCOVERY_ACROSS_FILESYSTEM",
}

// environment is what every git process gets: no prompts, no translation, no
// replaced objects, and always the repository that was found.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		key, _, _ := strings.Cut(pair, "=")
		return slices.Contains(foreign, key)
	})
	return append(env, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_DISCOVERY_ACROSS_FILESYSTEM=1")
}

// program returns the path of git.
func (r *Repo) program() (string, error) {
	r.looking.Lock()
	defer r.looking.Unlock()
	if r.git != "" {
		return r.git, nil
	}
	path, err := exec.LookPath("git")
	if err != nil {
		return "", sluice.Errorf(sluice.Unavailable, "there is no git program on this machine, and %s needs one", r.at).
			Fix("install Git %d.%d or later, and see that `git version` works", oldestMajor, oldestMinor).Because(err)
	}
	r.git = path
	return path, nil
}

var versionText = regexp.MustCompile(`^git version (\d{1,6})\.(\d{1,6})`)

// tooOld returns an error when a command failed badly and the reason may be that
// git is too old for it. The version is not asked for before that, so that a
// repository that works costs no process for it.
func (r *Repo) tooOld(ctx context.Context, status int) error {
	const fatal = 128 // and 129 for a wrong option
	if status < fatal || !r.versionAsked.CompareAndSwap(false, true) {
		return nil
	}
	out, err := r.Run(ctx, nil, "version")
	if err != nil {
		return nil
	}
	return checkVersion(string(out))
}

// checkVersion returns [sluice.Unavailable] when the output of `git version`
// names one that is too old.
func checkVersion(text string) error {
	m := versionText.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	major, _ := strconv.Atoi(m[1]) // at most six digits
	minor, _ := strconv.Atoi(m[2])
	if major > oldestMajor || major == oldestMajor && minor >= oldestMinor {
		return nil
	}
	return sluice.Errorf(sluice.Unavailable, "the git program here is %s.%s, and Sluice needs %d.%d or later", m[1], m[2], oldestMajor, oldestMinor).
		Fix("install Git %d.%d or later, and see what `git version` says", oldestMajor, oldestMinor)
}
