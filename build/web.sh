#!/usr/bin/env bash
# The console, built into web/dist when its sources are newer. Without npm the binary is built with no console; CI must have npm.
set -euo pipefail
cd "$(dirname "$0")/../web"
if [ -f dist/index.html ] && [ -z "$(find src index.html package-lock.json vite.config.ts firstload.mjs -newer dist/index.html)" ]; then exit 0; fi
if ! command -v npm >/dev/null; then
	echo "npm is missing, so this binary has no console: install Node.js 20 or newer with npm, then make again" >&2
	[ "${CI:-}" != true ]
	exit
fi
# What is installed already and pinned the same is not fetched again: after the first time this works offline.
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
	npm ci --no-audit --no-fund
fi
rm -rf dist/assets dist/index.html
npm run -s build
find dist/assets -type f \( -name '*.js' -o -name '*.css' -o -name '*.svg' \) -exec gzip -9 -k -n {} +
first=$(node firstload.mjs || echo 0)
if [ "$first" -eq 0 ] || [ "$first" -gt $((600 * 1024)) ]; then
	rm dist/index.html # so that the next make does not take it for built
	echo "the first load of the console is $first bytes: it must be known, and at most 600 KiB; load a page's code with the page" >&2
	exit 1
fi
rm dist/manifest.json # it was for this count; the binary does not carry it
