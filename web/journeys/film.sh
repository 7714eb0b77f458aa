#!/usr/bin/env bash
# The day at the desk with its film. Playwright films with an ffmpeg of its own, which is not in its package: that of the system serves as well.
set -euo pipefail
cd "$(dirname "$0")/.."
ffmpeg=$(command -v ffmpeg) || {
	echo "filming the day at the desk: ffmpeg is not there; get it with: apt-get install ffmpeg" >&2
	exit 1
}
revision=$(node -p 'JSON.parse(fs.readFileSync("node_modules/playwright-core/browsers.json")).browsers.find((b) => b.name === "ffmpeg").revision')
export PLAYWRIGHT_BROWSERS_PATH=$PWD/../out/film FILM=1
mkdir -p "$PLAYWRIGHT_BROWSERS_PATH/ffmpeg-$revision"
ln -sf "$ffmpeg" "$PLAYWRIGHT_BROWSERS_PATH/ffmpeg-$revision/ffmpeg-linux"
exec npx playwright test "$@" 4-desk
