#!/usr/bin/env bash
# Deploys, waits, checks, and goes back by itself when the check fails. The action in
# action.yml runs it; in other systems copy it beside the pipeline. It needs bash 3.2 and
# sluice on the PATH, and reads its input from the environment alone, so that no text from
# outside is ever part of a program:
#
#   DEPLOY_COMPONENTS     what goes live together, as NAME@VERSION or NAME VERSION, on one line or several
#   DEPLOY_ENVIRONMENT    where
#   DEPLOY_CHECK          bash that says by its exit status whether all is well; none deploys without a watch
#   DEPLOY_WATCH          seconds to wait before the check (default 60)
#   DEPLOY_CHECK_TIMEOUT  seconds after which a check that does not end has failed (default 60)
#   DEPLOY_AFTER_RELEASE  bash to run after each release, also after the rollback: what tells a
#                         runtime that does not ask Sluice, such as a write to Workers KV
#   DEPLOY_REASON, DEPLOY_TICKET  for the history
#   DEPLOY_RETRY_PAUSE    seconds between tries of a rollback that the remote or the server did not
#                         take (default 5); there are three
#
# The check and the command after a release find RELEASE (production#42, or nothing when
# nothing changed) in their environment.
#
# Exit status:
#   0    live, and the check held
#   1    the check failed, and what was live before is live again
#   2    the input is wrong; nothing was changed
#   20   the check failed and the rollback did too: someone must look at once
#   130, 143  interrupted; what was deployed is live and unchecked
#   else what `sluice deploy set` answered; nothing was shared, and no runtime was told
set -euo pipefail

still_live=20

say() { printf '%s\n' "deploy-with-rollback: $*"; }

# An error that must be seen: on GitHub it stands above the log as well.
alarm() {
	if [ "${GITHUB_ACTIONS:-}" = true ]; then
		printf '::error title=Sluice::%s\n' "$*"
	else
		printf '%s\n' "deploy-with-rollback: $*" >&2
	fi
}

# What the next step of the pipeline may want to know.
tell() {
	if [ -n "${GITHUB_OUTPUT:-}" ]; then
		printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
	fi
}

wrong() {
	alarm "$1"
	exit 2
}

# Runs what may take long so that a signal is answered at once and not afterwards.
attend() {
	"$@" &
	wait $!
}

# Runs bash of the user's with a time limit, where the system can set one.
limited() {
	if command -v timeout >/dev/null; then
		attend timeout --kill-after=5 "$1" bash -euo pipefail -c "$2"
	else
		attend bash -euo pipefail -c "$2"
	fi
}

number() {
	case $2 in
	'' | *[!0-9]* | ???????*) wrong "$1 is \"$2\", and must be a number of seconds" ;;
	esac
}

after_release() {
	[ -z "$after" ] || attend bash -euo pipefail -c "$after"
}

interrupted() {
	jobs -p | xargs kill 2>/dev/null || true # what is attended to
	wait
	alarm "interrupted: $live_words. To go back: $undo"
	tell result interrupted
	exit "$1"
}

# Sets RELEASE to the release that an answer begins with, or to nothing.
read_release() {
	RELEASE=${1%%[[:space:]]*}
	[[ $RELEASE =~ ^[A-Za-z0-9._-]+#[0-9]+$ ]] || RELEASE=
}

deploy() {
	local answer status=0 options=(--to "$environment")
	[ -z "${DEPLOY_REASON:-}" ] || options+=(--reason "$DEPLOY_REASON")
	[ -z "${DEPLOY_TICKET:-}" ] || options+=(--ticket "$DEPLOY_TICKET")
	answer=$(sluice deploy set "${options[@]}" -o table -- "${words[@]}") || status=$?
	[ -z "$answer" ] || printf '%s\n' "$answer"
	read_release "$answer"
	export RELEASE
	undo="sluice rollback NAME --in $environment"
	live_words="nothing was changed in $environment"
	if [ -n "$RELEASE" ]; then
		undo="sluice rollback --release $RELEASE"
		live_words="$RELEASE is live and unchecked"
	fi
	tell release "$RELEASE"
	tell undo "${RELEASE:+$undo}"
	if [ "$status" -ne 0 ]; then
		[ -z "$RELEASE" ] || alarm "$RELEASE was made in this clone and not shared. To take it back: $undo"
		exit "$status"
	fi
}

# Takes back what this run released, and nothing that others did meanwhile.
roll_back() {
	local status made=
	trap '' INT TERM # a rollback that has begun is carried to its end
	if [ -z "$RELEASE" ]; then
		alarm "$1. Nothing was rolled back, since this run changed nothing. To go back: $undo"
		tell result failed
		exit 1
	fi
	alarm "$1. Rolling back: $undo"
	for try in 1 2 3; do
		[ "$try" -eq 1 ] || sleep "$pause"
		status=0
		take_back "$1" || status=$?
		case $status in
		6 | 8 | 9) ;; # others were quicker, or the remote or the server was away
		*) break ;;
		esac
	done
	if [ "$status" -ne 0 ]; then
		tell result still-live
		alarm "THE ROLLBACK FAILED (exit $status), and $RELEASE is still live. Do it by hand: $undo"
		exit "$still_live"
	fi
	if ! after_release; then
		tell result still-live
		alarm "ROLLED BACK, but the command after the release failed, so the runtime may still have $RELEASE. Run it by hand"
		exit "$still_live"
	fi
	if [ -z "$made" ]; then
		tell result superseded
		alarm "$RELEASE was not live any more: somebody changed it meanwhile, and that was left as it is"
	else
		tell result rolled-back
		alarm "rolled back $RELEASE"
	fi
	exit 1
}

# Tries the rollback once. One that was made and could not be sent is sent by the next try.
take_back() {
	local answer status=0
	answer=$(sluice rollback --release "$RELEASE" --reason "$1" -o table) || status=$?
	[ -z "$answer" ] || printf '%s\n' "$answer"
	if [[ $answer =~ ^[A-Za-z0-9._-]+#[0-9]+ ]]; then
		made=yes
	fi
	return "$status"
}

environment=${DEPLOY_ENVIRONMENT:-}
check=${DEPLOY_CHECK:-}
after=${DEPLOY_AFTER_RELEASE:-}
watch=${DEPLOY_WATCH:-60}
patience=${DEPLOY_CHECK_TIMEOUT:-60}
pause=${DEPLOY_RETRY_PAUSE:-5}
number "the watch" "$watch"
number "the time limit of the check" "$patience"
number "the pause before another try" "$pause"
words=()
IFS=$' \t\r\n' read -r -d '' -a words <<<"${DEPLOY_COMPONENTS:-}" || true
[ ${#words[@]} -gt 0 ] || wrong "no components were named: say NAME@VERSION"
[ -n "$environment" ] || wrong "no environment was named: say production"

deploy
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
after_release || roll_back "the command after the release failed"
if [ -z "$check" ]; then
	tell result deployed
	exit 0
fi
say "watching for $watch seconds. To go back by hand: $undo"
attend sleep "$watch"
limited "$patience" "$check" || roll_back "the check failed (exit $?)"
say "the check held"
tell result deployed
