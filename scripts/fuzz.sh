#!/usr/bin/env bash
# Runs every fuzz target of the module for FUZZTIME each (5s unless set).
# A crasher is written to the package's testdata/fuzz: commit it with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${FUZZTIME:-5s}
count=0
while IFS=: read -r file line; do
	target=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/' <<<"$line")
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" "./$(dirname "$file")" </dev/null
	count=$((count + 1))
done < <(git grep --untracked -E '^func Fuzz[A-Za-z0-9_]*\(\w+ \*testing\.F\)' -- '*_test.go')
echo "fuzz: $count targets ran for $fuzztime each without a finding"
