#!/usr/bin/env bash
# Replays the history of prompts that are kept in Git, to try Sluice on a past of your own.
#
#   scripts/replay-git.sh [BUNDLE|REPOSITORY]      default: the repository of the working directory
#
# It expects components/prompts/NAME.md and a tag components/NAME/v1.N.0 for each version, as `git tag -a` makes them.
# Every tagged version is published with its label, author and date, and put live in production at that date, in the
# order of the dates. Then it asks what ran at some moments of that past and compares each answer, and the text behind
# it, with what Git says. It works on a clone and in a directory of its own, which it removes; KEEP=DIR keeps the data
# in DIR. SLUICE=PROGRAM names another program than bin/sluice.
set -euo pipefail

source=${1:-.}
sluice=${SLUICE:-$(dirname "${BASH_SOURCE[0]}")/../bin/sluice}
moments=${MOMENTS:-20} # how many moments of the past are asked for

fail() {
	echo "replay-git: $*" >&2
	exit 1
}

command -v "$sluice" >/dev/null || fail "there is no program $sluice: make build, or set SLUICE"
sluice=$(realpath "$(command -v "$sluice")")
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server" || true; }; rm -rf "$work"' EXIT

git clone --quiet --bare "$source" "$work/git" || fail "cannot clone $source"
tags() { git -C "$work/git" for-each-ref --sort=creatordate "$@" 'refs/tags/components/*/v*'; }
text() { git -C "$work/git" cat-file blob "refs/tags/components/$1/$2:components/prompts/$1.md"; }
[ -n "$(tags --count=1)" ] || fail "$source has no tags components/NAME/vN.N.N"

# One server carries out all that follows, so that each call is a connection and not a start. Nothing of the settings
# of whoever runs this gets in.
data=${KEEP:-$work/data}
mkdir -p "$data"
data=$(realpath "$data")
[ -z "$(ls -A "$data")" ] || fail "$data is not empty"
unset SLUICE_SERVER SLUICE_TOKEN SLUICE_ORG SLUICE_POSTGRES
export SLUICE_DATA=$data SLUICE_CONFIG=$work/settings.yaml SLUICE_ACTOR=import
: >"$SLUICE_CONFIG"
coproc serving { exec "$sluice" serve --listen 127.0.0.1:0 2>"$work/serve.log"; }
server=$serving_PID
read -r _ <&"${serving[0]}" || fail "the server did not start: $(cat "$work/serve.log")"
cd "$work" # outside of any project

started() { began=$EPOCHREALTIME; }
took() { awk -v a="$began" -v b="$EPOCHREALTIME" -v n="$1" 'BEGIN {
	if (n > 1) printf "%.1f s, %.1f ms each", b - a, (b - a) * 1000 / n; else printf "%.0f ms", (b - a) * 1000 }'; }

tags --format='%(refname:lstrip=3) %(creatordate:unix) %(*authorname)%(authorname)' |
	sed 's#/# #' >"$work/past" # NAME LABEL SECONDS AUTHOR
count=$(wc -l <"$work/past")

# Development would follow each publish, and is not part of the past.
"$sluice" environment edit development --tracks none >/dev/null

started
while read -r name label seconds author; do
	text "$name" "$label" |
		"$sluice" tag create "$name" "$label" --file - --kind prompt --author "$author" --at "$(date -u -d "@$seconds" +%FT%TZ)" >/dev/null
done <"$work/past"
echo "published $count versions of $(cut -d' ' -f1 "$work/past" | sort -u | wc -l) prompts by $(cut -d' ' -f4- "$work/past" | sort -u | wc -l) authors: $(took "$count")"

started
while read -r name label seconds author; do
	"$sluice" deploy set "$name" "$label" --to production --at "$(date -u -d "@$seconds" +%FT%TZ)" --author "$author" </dev/null >/dev/null
done <"$work/past"
echo "replayed $count deployments to production: $(took "$count")"

# Moments are spread evenly over the past, the first and the last tag among them. At each, what production held must be
# the newest tag of each prompt by then, and the text that Sluice has for one of them what Git has.
first=$(head -n 1 "$work/past" | cut -d' ' -f3)
last=$(tail -n 1 "$work/past" | cut -d' ' -f3)
answers=0
asked() { # MOMENT, in seconds
	local name label
	"$sluice" history --date "$(date -u -d "@$1" +%FT%TZ)" --from production >"$work/sluice.txt"
	awk -v t="$1" '$3 <= t { live[$1] = $2 } END { for (name in live) print name ": " live[name] }' "$work/past" |
		LC_ALL=C sort >"$work/git.txt"
	LC_ALL=C sort "$work/sluice.txt" | diff "$work/git.txt" - >&2 || fail "at $(date -u -d "@$1" +%FT%TZ) Git (<) and Sluice (>) differ"
	answers=$((answers + $(wc -l <"$work/git.txt")))
	IFS=': ' read -r name label < <(shuf -n 1 "$work/sluice.txt")
	"$sluice" version show "$name@$label" --path "$(file "$name" "$label")" | cmp - <(text "$name" "$label") >&2 ||
		fail "the text of $name@$label is not the one in Git"
}
file() { "$sluice" version show "$1@$2" -o json | sed -n 's/^ *"path": "\(.*\)",*$/\1/p'; }

started
for ((i = 0; i < moments; i++)); do
	asked $((first + (last - first) * i / (moments > 1 ? moments - 1 : 1)))
done
echo "asked what ran at $moments moments from $(date -u -d "@$first" +%F) to $(date -u -d "@$last" +%F): $answers answers, and a text at each moment, are what Git has: $(took "$moments")"

started
middle=$(date -u -d "@$(((first + last) / 2))" +%FT%TZ)
"$sluice" restore --from production --at "$middle" --to debug >"$work/restored" 2>&1
echo "brought $(grep -c '^debug#1 ' "$work/restored") prompts of $middle back to debug: $(took 1)"
[ -z "$("$sluice" diff debug "production@$middle" 2>/dev/null)" ] || fail "debug is not what production was at $middle"

started
"$sluice" audit verify
echo "checked: $(took 1)"
[ -z "${KEEP:-}" ] || echo "the data is in $data: sluice history --from prod --data $data"
