#!/usr/bin/env bash
# Imports the history of prompts that are kept in Git, and compares what Sluice says was live with what Git had.
#
#   scripts/verify-git-import.sh [BUNDLE|REPOSITORY] [BRANCH]      default: the repository of the working directory, main
#
# It expects prompts at components/prompts/NAME.md, and takes all commits along the branch's first parents. At the date of
# EVERY one of them, each prompt that Git has in the commit must be live in Sluice and no other, and its version must hold
# the same bytes. Left out are commits whose date another commit after them has too, or lies before that of one before
# them: at such a date Git's history itself says two things. All of it is done twice: with a version of each commit, and
# with those that tags name. It works on a clone and in a directory of its own, which it removes. SLUICE=PROGRAM names
# another program than bin/sluice.
set -euo pipefail
export LC_ALL=C

source=${1:-.}
branch=${2:-main}
sluice=${SLUICE:-$(dirname "${BASH_SOURCE[0]}")/../bin/sluice}

fail() {
	echo "verify-git-import: $*" >&2
	exit 1
}

command -v "$sluice" >/dev/null || fail "there is no program $sluice: make build, or set SLUICE"
sluice=$(realpath "$(command -v "$sluice")")
work=$(mktemp -d)
server=
stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; }; }
trap 'stop; rm -rf "$work"' EXIT
git clone --quiet --bare "$source" "$work/git" || fail "cannot clone $source"
git() { command git -C "$work/git" "$@"; }
cd "$work"

# Nothing of the settings of whoever runs this gets in.
unset SLUICE_SERVER SLUICE_TOKEN SLUICE_ORG SLUICE_POSTGRES
export SLUICE_CONFIG=$work/settings.yaml SLUICE_ACTOR=import TZ=UTC
: >"$SLUICE_CONFIG"

# DATE COMMIT of the commits whose date says one thing.
git rev-list --first-parent --reverse --timestamp "$branch" -- | awk '
	$1 >= last { last = $1; if (!($1 in commit)) order[++n] = $1; commit[$1] = $2 }
	END { for (i = 1; i <= n; i++) print order[i], commit[order[i]] }' >moments
total=$(git rev-list --first-parent --count "$branch" --)

# compare asks for each of them.
compare() {
	local -A blobs=() # of each version, as Git would name its bytes
	local answers=0 date commit name version
	while read -r date commit; do
		git ls-tree "$commit" components/prompts/ |
			sed -nE 's#^100[0-9]+ blob ([0-9a-f]+)\tcomponents/prompts/([^/]+)\.md$#\2 \1#p' | sort >git.txt
		"$sluice" history --date "$(date -u -d "@$date" +%FT%TZ)" --from production >sluice.txt
		while IFS=': ' read -r name version; do
			if [ -z "${blobs[$name@$version]:-}" ]; then
				blobs[$name@$version]=$("$sluice" version show "$name@$version" --path "$name.md" | git hash-object --stdin)
			fi
			echo "$name ${blobs[$name@$version]}"
		done <sluice.txt >unsorted.txt
		sort unsorted.txt | diff git.txt - >&2 || fail "at $(date -u -d "@$date" +%FT%TZ), commit $commit, Git (<) and Sluice (>) differ"
		answers=$((answers + $(wc -l <git.txt)))
	done <moments
	echo "compared at $(wc -l <moments) dates of $total commits: $answers answers, of ${#blobs[@]} versions, are what Git has"
}

# verify imports with the arguments given, into a store of its own.
verify() {
	export SLUICE_DATA=$work/data-$1
	shift
	mkdir "$SLUICE_DATA"
	# One server answers all questions, so that each call is a connection and not a start.
	coproc serving { exec "$sluice" serve --listen 127.0.0.1:0 2>"$work/serve.log"; }
	server=$serving_PID
	read -r _ <&"${serving[0]}" || fail "the server did not start: $(cat "$work/serve.log")"
	echo "sluice git import $*"
	local began=$EPOCHREALTIME
	"$sluice" git import "$work/git" "$@" || fail "the import failed"
	awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "took %.1f s\n", b - a }'
	"$sluice" git import "$work/git" "$@" >again.txt
	! grep -E '^(made|recorded)' again.txt || fail "a second import made something"
	compare
	"$sluice" audit verify
	echo
	stop
	server=
}

verify commits --commits 'components/prompts/*.md' --deployments "$branch=production"
verify tags --deployments "$branch=production"
