#!/usr/bin/env bash
# Runs every fuzz target for a time each. The list is found, not kept.
set -euo pipefail
for_each=$1
go list ./... | while read -r pkg; do
	go test -list '^Fuzz' "$pkg" | grep '^Fuzz' | while read -r target; do
		echo "== $pkg $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$for_each" "$pkg"
	done || [ "${PIPESTATUS[0]}" -eq 0 ]
done
