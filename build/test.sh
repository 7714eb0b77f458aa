#!/usr/bin/env bash
# The whole suite. The race detector needs cgo and so a C compiler; where there is none it says so, and fails in CI.
set -euo pipefail
"$(dirname "$0")/test-setup.sh"
if command -v cc >/dev/null; then
	CGO_ENABLED=1 go test -race -shuffle=on -timeout 20m ./...
else
	echo "no C compiler: the race detector is off" >&2
	[ "${CI:-}" != true ] || exit 1
	go test -shuffle=on -timeout 20m ./...
fi
