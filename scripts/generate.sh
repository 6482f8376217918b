#!/usr/bin/env bash
# Writes the Go code of the .proto files. With --check it fails when what is
# there is not what they give.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
proto=internal/api/scriptum/scriptumv1/scriptum.proto
(cd tools && go build -o "$work/" ./protogen google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc)
to=$(dirname "$proto")
if [ "${1:-}" = --check ]; then
	to=$work/new
	mkdir "$to"
	cp "$proto" "$to/"
fi
"$work/protogen" "$to/scriptum.proto" "$work/protoc-gen-go" "$work/protoc-gen-go-grpc"
if [ "${1:-}" = --check ]; then
	for f in "$to"/*.pb.go; do
		cmp -s "$f" "$(dirname "$proto")/$(basename "$f")" && continue
		echo "generated code is not current (run: scripts/generate.sh)" >&2
		exit 1
	done
fi
