#!/usr/bin/env bash
# The whole suite. The race detector needs cgo and so a C compiler; where there is none it says so, and fails in CI.
set -euo pipefail
"$(dirname "$0")/test-setup.sh"
if command -v cc >/dev/null; then
	# Under the race detector a killed process takes minutes to come back: a few kills there, and all of them without it.
	CGO_ENABLED=1 TOCSIN_KILLS=3 go test -race -shuffle=on -timeout 45m ./...
	go test -count=1 -timeout 45m -run 'Kill|CrashPoint' ./internal/stream ./internal/pipeline ./internal/lake ./internal/ledger ./internal/app
else
	echo "no C compiler: the race detector is off" >&2
	[ "${CI:-}" != true ] || exit 1
	go test -shuffle=on -timeout 45m ./...
fi
