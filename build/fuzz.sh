#!/usr/bin/env bash
# Runs every fuzz target for a time each. The list is found, not kept.
set -euo pipefail
for_each=$1
go list ./... | while read -r pkg; do
	go test -list '^Fuzz' "$pkg" | grep '^Fuzz' | while read -r target; do
		echo "== $pkg $target"
		# A crash is kept as it was found: making it smaller can take longer than the search, on inputs as large as these.
		go test -run "^$" -fuzz "^$target\$" -fuzztime "$for_each" -fuzzminimizetime 1x ${PARALLEL:+-parallel "$PARALLEL"} "$pkg"
	done || [ "${PIPESTATUS[0]}" -eq 0 ]
done
