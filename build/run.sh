#!/usr/bin/env bash
# tocsin serve on a simulated organisation whose logs arrive while you look, or on the logs in the folder that you name. LISTEN is the address.
set -euo pipefail
bin=$1 logs=${2:-} listen=${LISTEN:-127.0.0.1:8420}
if [ -n "$logs" ]; then
	if [ ! -d "$logs" ]; then
		echo "there is no folder $logs: name one that holds logs, as in make run LOGS=./AWSLogs" >&2
		exit 2
	fi
	"$bin" source add logs --kind folder --set "path=$logs"
	exec "$bin" serve --listen "$listen"
fi
# CloudTrail, S3 access logs and GuardDuty come as files; flow logs and DNS, and the load balancer and its web ACL, are pushed to sources of their own.
live=out/live
rm -rf "$live"
mkdir -p "$live/simulated/logs"
cat >"$live/tocsin.yaml" <<YAML
data: $live/data
listen: $listen
sources:
  - name: organisation
    kind: folder
    settings: {path: $PWD/$live/simulated/logs, every: 500ms, settle: 100ms}
YAML
to=(--to folder)
for source in network=vpcflow,resolver web=alb,waf; do
	name=${source%%=*}
	"$bin" source add "$name" --kind http --config "$live/tocsin.yaml" >/dev/null 2>&1
	(umask 077 && "$bin" token add --name "simulated-$name" --source "$name" --config "$live/tocsin.yaml" >"$live/$name.token" 2>/dev/null)
	to+=(--to "${source#*=}=http://$listen/api/v1/ingest/$name" --token "$name=$live/$name.token")
done
rmdir "$live/simulated/logs"
"$bin" simulate --live -o "$live/simulated" "${to[@]}" &
simulation=$!
trap 'kill "$simulation" 2>/dev/null || true' EXIT
while [ ! -d "$live/simulated/logs" ]; do # it comes with the first file
	kill -0 "$simulation" || exit 1
	sleep 0.1
done
"$bin" serve --config "$live/tocsin.yaml"
