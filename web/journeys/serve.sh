#!/usr/bin/env bash
# The binary on a simulated organisation under one attack, for the journeys; what it says, the link of the set-up with it, goes to a file.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${TOCSIN_BIN:-$PWD/bin/tocsin} port=$1 here=$PWD/out/console-$1
rm -rf "$here"
mkdir -p "$here"
"$bin" simulate --sample -o "$here/simulated" >/dev/null
mkdir -p "$here/simulated/logs/broken"
printf '{"Records":[{"eventVersion":"1.11","eventID":"broken","eventTime":"no time","eventName":"<img src=x onerror=alert(1)>"}]}' >"$here/simulated/logs/broken/1_CloudTrail_x.json"
cat >"$here/tocsin.yaml" <<YAML
listen: 127.0.0.1:$port
data: $here/data
environment: $here/simulated/environment.yaml
sources:
  - name: organisation
    kind: folder
    settings: {path: $here/simulated/logs, every: 500ms, settle: 100ms}
YAML
exec "$bin" serve --config "$here/tocsin.yaml" 2>"$here/said"
