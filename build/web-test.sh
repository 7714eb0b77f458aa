#!/usr/bin/env bash
# The console: lint, strict types, units, and journeys of a real browser on the real binary with a simulated organisation, axe on every page.
set -euo pipefail
cd "$(dirname "$0")/../web"
missing() {
	echo "tests of the console: $1; get it with: $2" >&2
	[ "${CI:-}" != true ]
	exit
}
command -v npm >/dev/null || missing "npm is not there" "apt-get install nodejs npm"
[ -d node_modules ] || npm ci --no-audit --no-fund
npm run -s lint
npm run -s test
[ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing "no Chromium is there" "apt-get install chromium"
npm run -s journeys
