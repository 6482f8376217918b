package gitrepo

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-dev/sluice"
)

// Settings are what Sluice wants to know of how Git is set up here: for this
// repository, this user and this machine, with the environment on top.
type Settings struct {
	UserName    string // the author of what the user makes; "" when Git does not know
	UserEmail   string
	SignTags    bool                // tags are to be signed: tag.gpgSign, tag.forceSignAnnotated
	SignCommits bool                // commits are to be signed: commit.gpgSign
	Format      string              // of signatures: "openpgp", "x509" or "ssh"
	SigningKey  string              // user.signingKey; "" for the one that belongs to the user
	MinTrust    string              // gpg.minTrustLevel in lower case; "" for any
	RevokedKeys string              // gpg.ssh.revocationFile as it stands there
	Remotes     []string            // names, sorted
	PushDefault string              // remote.pushDefault
	FetchSpecs  map[string][]string // remote.<name>.fetch by name, in their order
	HooksPath   string              // the directory of the hooks, absolute
}

// Settings returns how Git is set up. It asks git once and keeps the answer in
// StateDir, so that it costs no process as long as neither the environment nor
// any file that it came from has changed, including those that could exist and
// did not. Secrets that may stand in the configuration are not kept.
func (r *Repo) Settings(ctx context.Context) (Settings, error) {
	if s, ok := r.keptSettings(); ok {
		return s, nil
	}
	began := time.Now()
	out, err := r.run(ctx, process{args: []string{"config", "--list", "--show-origin", "-z"}})
	if err != nil {
		return Settings{}, err
	}
	listed, err := parseListed(out)
	if err != nil {
		return Settings{}, err
	}
	s := r.settingsOf(listed)
	if files, ok := r.sources(listed); ok {
		r.keepSettings(s, files, began)
	}
	return s, nil
}

// listedValue is one value of one key, and the file that it stands in.
type listedValue struct {
	origin string // "file:<path>", "command line:" …
	key    string // section and name in lower case
	value  string
}

// file returns the path that a value came from, which may be relative to where
// git ran; "" when it came from elsewhere.
func (v listedValue) file() string {
	path, ok := strings.CutPrefix(v.origin, "file:")
	if !ok {
		return ""
	}
	return path
}

// parseListed reads what `git config --list --show-origin -z` prints.
func parseListed(out []byte) ([]listedValue, error) {
	var listed []listedValue
	for len(out) > 0 {
		origin, rest, ok := bytes.Cut(out, []byte{0})
		entry, after, complete := bytes.Cut(rest, []byte{0})
		if !ok || !complete {
			return nil, sluice.Errorf(sluice.Unavailable, "the Git configuration cannot be understood").
				Fix("see what `git config --list --show-origin` says")
		}
		key, value, given := strings.Cut(string(entry), "\n")
		if !given {
			value = "true" // a name alone is an answer too
		}
		listed = append(listed, listedValue{string(origin), key, value})
		out = after
	}
	return listed, nil
}

// settingsOf picks what is wanted. The last value of a key counts.
func (r *Repo) settingsOf(listed []listedValue) Settings {
	last := map[string]string{}
	fetch := map[string][]string{}
	remotes := map[string]bool{}
	for _, v := range listed {
		last[v.key] = v.value
		name, ok := strings.CutPrefix(v.key, "remote.")
		if !ok {
			continue
		}
		if name, ok := strings.CutSuffix(name, ".url"); ok {
			remotes[name] = true
		}
		if name, ok := strings.CutSuffix(name, ".fetch"); ok {
			fetch[name] = append(fetch[name], v.value)
		}
	}
	s := Settings{
		UserName:    cmp.Or(os.Getenv("GIT_AUTHOR_NAME"), last["author.name"], last["user.name"]),
		UserEmail:   cmp.Or(os.Getenv("GIT_AUTHOR_EMAIL"), last["author.email"], last["user.email"], os.Getenv("EMAIL")),
		SignTags:    truth(last["tag.gpgsign"]) || truth(last["tag.forcesignannotated"]),
		SignCommits: truth(last["commit.gpgsign"]),
		Format:      cmp.Or(strings.ToLower(last["gpg.format"]), "openpgp"),
		SigningKey:  last["user.signingkey"],
		MinTrust:    strings.ToLower(last["gpg.mintrustlevel"]),
		RevokedKeys: last["gpg.ssh.revocationfile"],
		PushDefault: last["remote.pushdefault"],
		FetchSpecs:  fetch,
	}
	for name := range remotes {
		s.Remotes = append(s.Remotes, name)
	}
	slices.Sort(s.Remotes)
	s.HooksPath = r.hooksPath(last["core.hookspath"])
	return s
}

// hooksPath returns where hooks are: beside the objects, or where core.hooksPath
// says, which is relative to where hooks run.
func (r *Repo) hooksPath(setting string) string {
	if setting == "" {
		return filepath.Join(r.Common, "hooks")
	}
	if home, ok := strings.CutPrefix(setting, "~/"); ok {
		return filepath.Join(homeDir(), home)
	}
	return beneath(cmp.Or(r.Top, r.Dir), setting)
}
