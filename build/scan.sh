#!/usr/bin/env bash
# The main job on a sample attack in a simulated organisation, or on the logs that you name.
set -euo pipefail
bin=$1 logs=${2:-}
out=out
mkdir -p "$out"
args=()
if [ -z "$logs" ]; then
	logs=$out/sample
	if [ ! -d "$logs" ]; then
		"$bin" simulate --sample -o "$logs"
	fi
	args=(--environment "$logs/environment.yaml")
	logs=$logs/logs
fi
"$bin" scan "$logs" "${args[@]}" --also "html=$out/report.html"
