#!/usr/bin/env bash
# The binary on a desk of 100,000 alerts, 10,000 of them in one incident, for measuring; the crowd is made once and kept.
set -euo pipefail
cd "$(dirname "$0")/../.."
port=$1 here=$PWD/out/bench-web
mkdir -p "$here"
[ -f "$here/incident" ] || { rm -rf "$here/data" "$here/session.json" && go run ./build/crowd --data "$here/data" >"$here/incident.part" && mv "$here/incident.part" "$here/incident"; }
printf 'listen: 127.0.0.1:%s\ndata: %s\n' "$port" "$here/data" >"$here/tocsin.yaml"
exec bin/tocsin serve --config "$here/tocsin.yaml" 2>"$here/said"
