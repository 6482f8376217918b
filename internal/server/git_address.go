package server

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// maxAddress bounds the address of a repository, in bytes.
const maxAddress = 4_096

// schemes are the ways to a repository that a server takes. Others have git start
// programs, or trust whoever is in between.
var schemes = []string{"https", "http", "ssh", "file"}

// scpForm is an address as ssh and scp have it: git@example.com:team/prompts.git.
var scpForm = regexp.MustCompile(`^([A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^:]`)

// CheckGitAddress checks the address of a Git repository: https, http, ssh or file,
// as a URL, or as git@host:path, or an absolute path. Messages never hold a password.
func CheckGitAddress(address string) error {
	refuse := func(why string) error {
		return sluice.Errorf(sluice.Invalid, "%q cannot be the address of a Git repository: %s", shownAddress(address), why).
			Fix("write it as https://example.com/team/prompts.git, git@example.com:team/prompts.git, or as a path")
	}
	scheme, _, isURL := strings.Cut(address, "://")
	switch {
	case address == "":
		return refuse("it is empty")
	case len(address) > maxAddress:
		return sluice.Errorf(sluice.LimitExceeded, "the address of the Git repository has %d bytes; the limit is %d", len(address), maxAddress)
	case strings.ContainsFunc(address, unicode.IsControl):
		return refuse("it has control characters in it")
	case strings.HasPrefix(address, "-"):
		return refuse("it looks like an option")
	case strings.Contains(strings.SplitN(address, "/", 2)[0], "::"):
		return refuse("it names a program that git would start")
	case filepath.IsAbs(address):
		return nil
	case isURL && !slices.Contains(schemes, strings.ToLower(scheme)):
		return refuse("Sluice takes " + strings.Join(schemes, ", ") + ", not " + scheme)
	case !isURL && !scpForm.MatchString(address):
		return refuse("it is neither a URL nor an absolute path")
	case !isURL:
		return nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return refuse("it is not a URL that can be read")
	case u.Host == "" && u.Scheme != "file":
		return refuse("it names no host")
	case u.Path == "" || u.Path == "/":
		return refuse("it names no repository")
	case strings.HasPrefix(u.Host, "-"):
		return refuse("the host looks like an option")
	}
	return nil
}

// shownAddress is an address as it may be shown: without what gives access.
func shownAddress(address string) string {
	shown := gitrepo.Remote(address).String()
	if len(shown) > 200 {
		return strings.ToValidUTF8(shown[:200], "") + "…"
	}
	return shown
}
