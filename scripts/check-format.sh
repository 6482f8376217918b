#!/usr/bin/env bash
# Fails, with the list, when a Go file is not formatted. gofumpt is gofmt with
# a few more rules, so its list covers both.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(git ls-files -z --cached --others --exclude-standard -- '*.go' ':!*.pb.go' |
	xargs -0r sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh |
	xargs -0r go tool -modfile=tools/go.mod gofumpt -l)
if [ -n "$unformatted" ]; then
	echo "not formatted (run: make fmt):" >&2
	echo "$unformatted" >&2
	exit 1
fi
