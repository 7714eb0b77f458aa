#!/usr/bin/env bash
# The console, built into web/dist when its sources are newer. Without npm the binary is built with no console; CI must have npm.
set -euo pipefail
cd "$(dirname "$0")/../web"
if [ -f dist/index.html ] && [ -z "$(find src index.html package-lock.json vite.config.ts -newer dist/index.html)" ]; then exit 0; fi
if ! command -v npm >/dev/null; then
	echo "npm is missing, so this binary has no console: install Node.js with npm, then make again" >&2
	[ "${CI:-}" != true ]
	exit
fi
npm ci --no-audit --no-fund
rm -rf dist/assets dist/index.html
npm run build
