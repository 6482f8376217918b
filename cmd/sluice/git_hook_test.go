package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hookedProject is a repository with the hook, and a clone of it in which two versions
// were published, of which the first went live in staging and then in production.
const hookedProject = `
export HOME=$PWD
git config --global init.defaultBranch main
git config --global user.name alice
git config --global user.email alice@example.com
git init -q --bare remote.git
sluice git hook --install remote.git
git clone -q ./remote.git alice 2>/dev/null
cd alice
git remote set-url origin ../remote.git
cat > sluice.yaml <<END
components:
  greeting: {path: prompts/greeting.md, kind: prompt}
environments:
  production: {promotes_from: [staging]}
git: {remote: origin}
END
mkdir prompts
for v in v1.0.0 v1.1.0; do
	echo "$v" > prompts/greeting.md
	git add . && git commit -q -m "Write $v" && git push -q origin main
	sluice tag create greeting $v
done
sluice deploy set greeting v1.0.0 --to staging
sluice deploy set greeting v1.0.0 --to production
sluice git push
git fetch -q origin '+refs/sluice/environments/*:refs/there/*'
`

// hookCases are pushes, and what the hook says of them: nothing when they go in.
var hookCases = []struct {
	name, push string
	says       []string
}{
	{"a branch", `git commit -q --allow-empty -m more && git push -q origin main`, nil},
	{"tags of somebody's own", `git tag mine && git tag components/prompts/greeting/v9.9.9 && git tag components/greeting/experiment && git push -q origin --tags`, nil},
	{"a version", `echo three > prompts/greeting.md && git commit -qam three && sluice tag create greeting v1.2.0 && sluice git push`, nil},
	{"a version without a label", `echo three > prompts/greeting.md && git commit -qam three && sluice draft publish greeting && sluice git push`, nil},
	{"a version by hand", `echo three > prompts/greeting.md && git commit -qam three && git tag -a -m three components/greeting/v1.2.0 && git push -q origin components/greeting/v1.2.0`, nil},
	{"releases", `sluice deploy set greeting v1.1.0 --to staging && sluice deploy set greeting v1.1.0 --to production && sluice git push`, nil},
	{"a rollback", `sluice deploy set greeting v1.1.0 --to staging && sluice deploy set greeting v1.1.0 --to prod && sluice rollback greeting --in prod && sluice git push`, nil},
	{"an environment that is made", `sluice deploy set greeting v1.1.0 --to debug --create && sluice git push`, nil},
	{"what takes the place of others", `
		git clone -q ../remote.git ../bob && cd ../bob && git remote set-url origin ../remote.git && sluice git sync
		sluice deploy set greeting v1.1.0 --to staging && sluice git push
		cd ../alice && sluice deploy unset greeting --from staging && sluice git sync --rebase && sluice git push`, nil},
	{"a tag by hand to what was live in staging", `
		sluice deploy set greeting v1.1.0 --to staging && sluice git push
		git tag -f -a -m ship components/greeting/prod components/greeting/v1.1.0^{} && git push -q -f origin components/greeting/prod`, nil},
	{"a tag by hand to what was live there before", `
		sluice deploy set greeting v1.1.0 --to staging && sluice deploy set greeting v1.1.0 --to prod && sluice git push
		git tag -f -a -m back components/greeting/prod components/greeting/v1.0.0^{} && git push -q -f origin components/greeting/prod`, nil},
	{"a tag by hand where everything may go", `git tag -f -a -m try components/greeting/stage components/greeting/v1.1.0^{} && git push -q -f origin components/greeting/stage`, nil},

	{
		"a version that moves", `git tag -f -a -m other components/greeting/v1.0.0 HEAD && git push -q -f origin components/greeting/v1.0.0`,
		[]string{"components/greeting/v1.0.0: a version never moves", "fix: publish what is new under another label"},
	},
	{"a version that goes", `git push -q origin :components/greeting/v1.0.0`, []string{"components/greeting/v1.0.0: a version stays"}},
	{
		"a version without its file", `git commit -q --allow-empty -m x && git rm -q prompts/greeting.md && git commit -qm gone && git tag -a -m x components/greeting/v1.2.0 && git push -q origin components/greeting/v1.2.0`,
		[]string{"has no prompts/greeting.md"},
	},
	{"a version of nothing that is known", `git tag -a -m x components/other/v1.0.0 && git push -q origin components/other/v1.0.0`, []string{"nothing says where the files of other are"}},
	{"a version that says what it is not", `
		git cat-file tag components/greeting/v1.1.0 | sed "s/^object .*/object $(git rev-parse components/greeting/v1.0.0^{})/; s/v1.1.0/v1.2.0/" | git mktag > ../id
		git push -q origin $(cat ../id):refs/tags/components/greeting/v1.2.0`, []string{"it says that its content is sha256:"}},
	{"a version under the name of another", `git push -q origin components/greeting/v1.0.0:refs/tags/components/greeting/v3.0.0`, []string{"made under another name"}},
	{"a version that is no commit", `git push -q origin $(git rev-parse HEAD:sluice.yaml):refs/tags/components/greeting/v3.0.0`, []string{"does not point at a commit"}},

	{"a history that goes back", `
		sluice deploy set greeting v1.1.0 --to staging && sluice git push
		git push -q -f origin refs/there/stage:refs/sluice/environments/stage`, []string{"sluice/environments/stage: it leaves", `"deploy components/greeting v1.1.0 → stage" by alice`, "sluice git sync --rebase"}},
	{"a history that goes", `git push -q origin :refs/sluice/environments/prod`, []string{"the history of an environment stays"}},
	{"a commit that is no release", `git push -q -f origin $(git commit-tree -p refs/there/prod -m hello refs/there/prod^{tree}):refs/sluice/environments/prod`, []string{"is not a release of Sluice"}},
	{
		"a release with other files", `
		export GIT_INDEX_FILE=../index
		git read-tree refs/there/prod && echo evil > ../evil && git update-index --cacheinfo 100644,$(git hash-object -w ../evil),prompts/greeting.md
		git push -q origin $(git log -1 --format=%B refs/there/prod | git commit-tree -p refs/there/prod $(git write-tree)):refs/sluice/environments/prod`,
		[]string{"it changes prompts/greeting.md, which is of nothing that it releases"},
	},
	{
		"a release with another file", `
		export GIT_INDEX_FILE=../index
		git read-tree refs/there/prod && echo evil > ../evil && git update-index --add --cacheinfo 100644,$(git hash-object -w ../evil),.github/workflows/x.yml
		git push -q origin $(git log -1 --format=%B refs/there/prod | git commit-tree -p refs/there/prod $(git write-tree)):refs/sluice/environments/prod`,
		[]string{"x.yml, which is of nothing that"},
	},
	{
		"a release whose root is another's", `
		sluice deploy set greeting v1.1.0 --to staging
		git push -q origin $(git log -1 --format=%B refs/there/stage | git commit-tree -p refs/there/stage refs/sluice/environments/stage^{tree}):refs/sluice/environments/stage`,
		[]string{"its message has the root sha256:"},
	},
	{"a release under the name of another environment", `git push -q origin refs/there/prod:refs/sluice/environments/other`, []string{"it is the history of prod"}},
	{"an environment that is shown under another name", `sluice environment edit staging --alias canary && sluice deploy set greeting v1.1.0 --to canary && sluice git push`, nil},
	{
		"a first release whose digest is not that of its file", `
		export GIT_INDEX_FILE=../index
		git read-tree refs/there/stage && echo evil > ../evil && git update-index --cacheinfo 100644,$(git hash-object -w ../evil),prompts/greeting.md
		git push -q origin $(git log -1 --format=%B refs/there/stage | git commit-tree $(git write-tree)):refs/sluice/environments/other`,
		[]string{"it is a release of stage"},
	},
	{
		"a merge", `
		git push -q -f origin $(git log -1 --format=%B refs/there/prod | git commit-tree -p refs/there/prod -p HEAD refs/there/prod^{tree}):refs/sluice/environments/prod`,
		[]string{"a release has one parent"},
	},
	{
		"a release that the policy does not let in", `sluice deploy set greeting v1.1.0 --to production && sluice git push`,
		[]string{"greeting v1.1.0 was never live in staging, which production promotes from", "fix: release it there first: `sluice deploy set greeting v1.1.0 --to staging`"},
	},

	{
		"a tag by hand that the policy does not let in", `git tag -f -a -m "Deploy greeting@v1.1.0 to prod" components/greeting/prod components/greeting/v1.1.0^{} && git push -q -f origin components/greeting/prod`,
		[]string{"components/greeting/prod: greeting v1.1.0 was never live in staging, which production promotes from"},
	},
	{"a tag of Sluice's that says otherwise", `
		sluice deploy set greeting v1.1.0 --to staging && sluice git push
		git push -q -f origin components/greeting/stage:refs/tags/components/greeting/prod`, []string{"the history of prod says otherwise"}},
	{"a tag that goes", `git push -q origin :components/greeting/prod`, []string{"greeting is live in prod", "sluice deploy unset greeting --from prod"}},
	{"what was never superseded", `git push -q origin refs/there/prod:refs/sluice/superseded/prod/000000000000`, []string{"not named after the release"}},

	{
		"several at once", `
		git tag -f -a -m other components/greeting/v1.0.0 HEAD && git tag -f -a -m other components/greeting/v1.1.0 HEAD && git commit -q --allow-empty -m more
		git push -q -f origin main components/greeting/v1.0.0 components/greeting/v1.1.0`,
		[]string{"components/greeting/v1.0.0: a version never moves", "components/greeting/v1.1.0: a version never moves"},
	},
	{
		"a tag that is not signed where each must be", `
		sed -i 's/^git:.*/git: {remote: origin, verify: required}/' sluice.yaml && git commit -qam required && git push -q origin main
		echo three > prompts/greeting.md && git commit -qam three && git tag -a -m three components/greeting/v1.2.0 && git push -q origin components/greeting/v1.2.0`,
		[]string{"the tag is not signed", "verify: required"},
	},
	{"anything of Sluice's under a policy that cannot be read", `
		echo 'git: [' > sluice.yaml && git commit -qam broken && git push -q origin main
		git tag -a -m x components/greeting/v1.2.0 && git push -q origin components/greeting/v1.2.0`, []string{"nobody knows which policy holds"}},
}

// TestGitHook pushes to a repository that has the hook.
func TestGitHook(t *testing.T) {
	t.Parallel()
	made := newRunner(t, t.TempDir())
	delete(made.Env, "HOME")
	made.must(hookedProject)
	for _, test := range hookCases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if out, err := exec.CommandContext(t.Context(), "cp", "-a", made.Dir+"/.", dir).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			refs := func() string {
				out, err := exec.CommandContext(t.Context(), "git", "-C", filepath.Join(dir, "remote.git"), "for-each-ref").CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				return string(out)
			}
			before := refs()
			cmd := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", test.push)
			cmd.Dir = filepath.Join(dir, "alice")
			cmd.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C", "SLUICE_ACTOR=alice")
			out, err := cmd.CombinedOutput()
			said := string(out)
			if len(test.says) == 0 {
				if err != nil || strings.Contains(said, "not let in") || refs() == before {
					t.Errorf("it should go in: %v\n%s", err, said)
				}
				return
			}
			if err == nil || !strings.Contains(said, "remote: sluice: ") && !strings.Contains(said, "declined the push") {
				t.Errorf("it should not go in: %v\n%s", err, said)
			}
			for _, want := range test.says {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
		})
	}
}
