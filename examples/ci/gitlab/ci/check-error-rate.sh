#!/usr/bin/env bash
# Succeeds when at most one request in a hundred fails. An answer that is no number is no good one.
set -euo pipefail

rate=$(curl --fail --silent --show-error --max-time 20 https://metrics.example.com/error-rate)
echo "error rate: $rate"
[[ $rate =~ ^[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$ ]]
awk -v rate="$rate" 'BEGIN { exit !(rate + 0 <= 0.01) }'
