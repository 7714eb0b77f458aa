#!/usr/bin/env bash
# tocsin serve on a simulated organisation whose logs arrive while you look, or on the logs in the folder that you name.
set -euo pipefail
bin=$1 logs=${2:-}
if [ -n "$logs" ]; then
	"$bin" source add logs --kind folder --set "path=$logs"
	exec "$bin" serve
fi
live=out/live
rm -rf "$live"
mkdir -p "$live/logs"
"$bin" simulate --live -o "$live/simulated" &
simulation=$!
trap 'kill "$simulation" 2>/dev/null || true' EXIT
cat >"$live/tocsin.yaml" <<YAML
data: $live/data
sources:
  - name: organisation
    kind: folder
    settings: {path: $PWD/$live/simulated/logs, every: 500ms, settle: 100ms}
YAML
mkdir -p "$live/simulated/logs"
"$bin" serve --config "$live/tocsin.yaml"
