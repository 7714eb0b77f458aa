#!/usr/bin/env bash
# The whole suite. The race detector needs cgo and so a C compiler; where there is none it says so, and fails in CI.
set -euo pipefail
"$(dirname "$0")/test-setup.sh"
if command -v cc >/dev/null; then
	# Under the race detector a start of the binary takes a second (cmd), a kill or a bomb many (internal/app, internal/pipeline), and
	# a simulated month a minute, which internal/hunt asks its questions of: these run without it, with all their kills; of the simulation
	# what delivers runs with it as well.
	plain='/(cmd/tocsin|internal/app|internal/hunt|internal/pipeline|simulate)$'
	# So do the two tests that ask the API thousands of questions as everybody.
	asks='^(TestTheAccessMatrix|TestNothingOfAnotherAccountIsTold)$'
	CGO_ENABLED=1 TOCSIN_KILLS=3 go test -race -shuffle=on -timeout 45m -skip "$asks" $(go list ./... | grep -vE "$plain")
	go test -shuffle=on -timeout 45m $(go list ./... | grep -E "$plain")
	go test -timeout 45m -run "$asks" ./internal/api
	CGO_ENABLED=1 go test -race -timeout 45m -run 'Live|Deliver|Push|Bucket|Rate' ./simulate
	go test -count=1 -timeout 45m -run 'Kill' ./internal/stream ./internal/lake ./internal/ledger
else
	echo "no C compiler: the race detector is off" >&2
	[ "${CI:-}" != true ] || exit 1
	go test -shuffle=on -timeout 45m ./...
fi
make -C "$(dirname "$0")/.." test-web
