#!/usr/bin/env bash
# Kills real processes at every crash point: stream, lake and serve TOCSIN_KILLS times each (default 600: over 2,100 kills in all), the exact points of the
# pipeline a twelfth of it each. Then each test counts: nothing lost, nothing twice.
set -euo pipefail
export TOCSIN_KILLS=${TOCSIN_KILLS:-600}
go test -count=1 -timeout 24h -v -run 'Kill|CrashPoints' ./internal/stream ./internal/lake ./internal/ledger ./internal/pipeline ./internal/app | grep -E '^(---|ok|FAIL|panic)|kills|    '
