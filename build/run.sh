#!/usr/bin/env bash
# tocsin serve on a simulated organisation whose logs arrive while you look, or on the logs in the folder that you name.
set -euo pipefail
bin=$1 logs=${2:-}
if [ -n "$logs" ]; then
	if [ ! -d "$logs" ]; then
		echo "there is no folder $logs: name one that holds logs, as in make run LOGS=./AWSLogs" >&2
		exit 2
	fi
	"$bin" source add logs --kind folder --set "path=$logs"
	exec "$bin" serve
fi
live=out/live
rm -rf "$live"
mkdir -p "$live"
"$bin" simulate --live -o "$live/simulated" &
simulation=$!
trap 'kill "$simulation" 2>/dev/null || true' EXIT
while [ ! -d "$live/simulated/logs" ]; do # it comes with the first file
	kill -0 "$simulation" || exit 1
	sleep 0.1
done
cat >"$live/tocsin.yaml" <<YAML
data: $live/data
sources:
  - name: organisation
    kind: folder
    settings: {path: $PWD/$live/simulated/logs, every: 500ms, settle: 100ms}
YAML
"$bin" serve --config "$live/tocsin.yaml"
