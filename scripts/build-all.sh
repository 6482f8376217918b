#!/usr/bin/env bash
# Builds the program for every system that its users have. Nothing is kept but
# the cache of Go.
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for system in linux darwin windows; do
	for processor in amd64 arm64; do
		echo "build $system/$processor"
		CGO_ENABLED=0 GOOS=$system GOARCH=$processor go build -trimpath -buildvcs=false -o "$out/" ./cmd/sluice
	done
done
