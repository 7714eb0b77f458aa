#!/usr/bin/env bash
# The whole suite. The race detector needs cgo and so a C compiler; where there is none it says so, and fails in CI.
set -euo pipefail
"$(dirname "$0")/test-setup.sh"
if command -v cc >/dev/null; then
	# internal/app and internal/pipeline kill processes and open bombs: under the race detector that takes a quarter of an hour
	# each, so they run without it, with all their kills. The others kill little under it, and fully without it.
	CGO_ENABLED=1 TOCSIN_KILLS=3 go test -race -shuffle=on -timeout 45m $(go list ./... | grep -vE '/internal/(app|pipeline)$')
	go test -shuffle=on -timeout 45m ./internal/app ./internal/pipeline
	go test -count=1 -timeout 45m -run 'Kill' ./internal/stream ./internal/lake ./internal/ledger
else
	echo "no C compiler: the race detector is off" >&2
	[ "${CI:-}" != true ] || exit 1
	go test -shuffle=on -timeout 45m ./...
fi
make -C "$(dirname "$0")/.." test-web
