#!/usr/bin/env bash
# Runs every fuzz target of the module for FUZZTIME each (5s unless set).
# A crasher is written to the package's testdata/fuzz: commit it with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzztime=${FUZZTIME:-5s}
count=0
said=$(mktemp -t sluice-fuzz-XXXXXXXX)
trap 'rm -f "$said"' EXIT

# The fuzzer of Go now and then takes the end of its time for a failure of its
# own, on a busy machine: then it says just that and names no input, and the
# target is run once more. What finds an input fails at once.
fuzz() {
	go test -run '^$' -fuzz "^$1\$" -fuzztime "$fuzztime" "$2" </dev/null 2>&1 | tee "$said" && return
	grep -q '^ *context deadline exceeded$' "$said" && ! grep -q 'Failing input' "$said" || return 1
	go test -run '^$' -fuzz "^$1\$" -fuzztime "$fuzztime" "$2" </dev/null
}

while IFS=: read -r file line; do
	target=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/' <<<"$line")
	fuzz "$target" "./$(dirname "$file")"
	count=$((count + 1))
done < <(git grep --untracked -E '^func Fuzz[A-Za-z0-9_]*\(\w+ \*testing\.F\)' -- '*_test.go')
echo "fuzz: $count targets ran for $fuzztime each without a finding"
