#!/usr/bin/env bash
# Publishes every ensemble of a directory, puts it live, rolls it back and runs it, and tells what came of each.
#
#   scripts/verify-ensembles.sh DIRECTORY [MODEL_URL]
#
# Each file must be published, go live and come back: anything else fails. Whether it runs is told: completed or failed, or
# which operations and agents it needs that are not here. MODEL_URL is the base URL of a server that speaks the protocol of
# OpenAI's chat completions, such as http://127.0.0.1:8000/v1; without one, agents that think fail. INPUT is the JSON input
# of the runs. It works in a directory of its own, which it removes. SLUICE=PROGRAM names another program than bin/sluice.
set -euo pipefail
export LC_ALL=C

fail() {
	echo "verify-ensembles: $*" >&2
	exit 1
}

directory=${1:-}
[ -d "$directory" ] || fail "there is no directory ${directory:-named}"
directory=$(realpath "$directory")
model=${2:-}
input=${INPUT:-'{"name": "Alice", "text": "It works very well.", "question": "Does it work?"}'}
sluice=${SLUICE:-$(dirname "${BASH_SOURCE[0]}")/../bin/sluice}
command -v "$sluice" >/dev/null || fail "there is no program $sluice: make build, or set SLUICE"
sluice=$(realpath "$(command -v "$sluice")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Nothing of the settings of whoever runs this gets in.
unset SLUICE_SERVER SLUICE_TOKEN SLUICE_ORG SLUICE_POSTGRES
export SLUICE_CONFIG=$work/settings.yaml SLUICE_DATA=$work/data SLUICE_ACTOR=verify TZ=UTC
: >"$SLUICE_CONFIG"

"$sluice" environment list >/dev/null
if [ -n "$model" ]; then
	"$sluice" env set OPENAI_BASE_URL="$model" -e production >/dev/null
	"$sluice" env set OPENAI_API_KEY=stand-in -e production >/dev/null 2>&1
fi

count=0 ran=0
for file in "$directory"/*.yaml "$directory"/*.yml "$directory"/*.json; do
	[ -e "$file" ] || continue
	name=$(basename "${file%.*}")
	count=$((count + 1))
	echo "== $name"
	"$sluice" tag create "$name" v1.0.0 --file "$file" --kind ensemble >published.txt 2>notes.txt || {
		cat notes.txt >&2
		fail "$name is not published"
	}
	sed 's/^/   /' notes.txt
	printf '\n# changed\n' | cat "$file" - >"$(basename "$file")"
	"$sluice" tag create "$name" v1.0.1 --file "$(basename "$file")" --kind ensemble >/dev/null 2>&1 || fail "$name is not published again"
	"$sluice" deploy set "$name" v1.0.0 --to production >/dev/null
	"$sluice" deploy set "$name" v1.0.1 --to production >/dev/null
	"$sluice" rollback "$name" --in production >/dev/null
	live=$("$sluice" deploy get "$name" --from production)
	[ "$live" = v1.0.0 ] || fail "$name: $live is live after the rollback"
	"$sluice" version show "$name@v1.0.0" --path "$(basename "$file")" | cmp - "$file" || fail "$name: its bytes are others"
	if "$sluice" run "$name" --environment production --env --input "$input" --result >result.txt 2>error.txt; then
		ran=$((ran + 1))
		echo "   ran: $(head -c 500 result.txt)"
	else
		sed 's/^/   /' error.txt
	fi
done
[ "$count" -gt 0 ] || fail "$directory holds no .yaml, .yml or .json file"
echo "$count ensembles were published, deployed and rolled back; $ran ran"
