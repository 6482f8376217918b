// Package gitrepo is the plumbing between Sluice and a Git repository. It
// finds a repository, writes and reads objects, moves refs in atomic
// transactions, walks history and talks to remotes. It knows Git and nothing
// of what Sluice keeps there: names, messages and manifests are the business
// of package gitsync.
//
// Objects are written by the package itself, byte for byte as Git would; all
// else is asked of the git program, never once per component but in batches,
// and always with the environment of a batch job: no prompts, no translation,
// no repository other than the one that was found. [Repo.Started] counts the
// processes, so that tests can hold others to that.
//
// The package needs Git 2.31 and makes use of 2.36. It works in linked work
// trees, submodules, bare and shallow repositories, with SHA-1 and SHA-256. It
// must never write into a work tree or an index, run a command line that is
// built from unchecked names, or believe that what a repository holds is well
// formed: every parser is bounded, and what is odd is an error.
package gitrepo
