#!/usr/bin/env bash
# The binary on a simulated organisation under one attack, for the journeys; what it says, the link of the set-up with it, goes to a file.
# With the word colleague, one more person of it hands out keys on three days, as verdicts that are meant to be want something to judge;
# the rules are then in a folder of one's own, where a rule made of a hunt can be written.
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
if [ "${2:-}" = colleague ]; then
	cp -r content/rules "$here/rules"
	printf 'rules: %s\nlake: {commit: 5s}\n' "$here/rules" >>"$here/tocsin.yaml"
	account=210987650004 role=AWSReservedSSO_PowerUserAccess_0000000000031c0a person=ines.okafor@example.org
	for day in 03 04 05; do
		to=$here/simulated/logs/AWSLogs/o-7f3kq2m9xa/$account/CloudTrail/us-east-1/2026/03/$day
		mkdir -p "$to"
		cat >"$to/${account}_CloudTrail_us-east-1_202603${day}T1005Z_handsoutkeys$day.json" <<JSON
{"Records":[{"eventVersion":"1.11","eventID":"a1b2c3d4-0000-4000-8000-0000000000$day","eventTime":"2026-03-${day}T10:02:11Z","eventSource":"iam.amazonaws.com",
"eventName":"CreateAccessKey","awsRegion":"us-east-1","sourceIPAddress":"194.25.17.80","userAgent":"aws-cli/2.31.0","eventType":"AwsApiCall",
"eventCategory":"Management","managementEvent":true,"readOnly":false,"recipientAccountId":"$account","requestID":"b1b2c3d4-0000-4000-8000-0000000000$day",
"requestParameters":{"userName":"partner-feed-$day"},"responseElements":{"accessKey":{"accessKeyId":"AKIAPARTNERFEED000$day","status":"Active","userName":"partner-feed-$day"}},
"userIdentity":{"type":"AssumedRole","principalId":"AROAPOWEXAMPLE0000004:$person","arn":"arn:aws:sts::$account:assumed-role/$role/$person","accountId":"$account",
"accessKeyId":"ASIAINESOKAFOR0000$day","sessionContext":{"attributes":{"creationDate":"2026-03-${day}T09:58:00Z","mfaAuthenticated":"false"},
"sessionIssuer":{"type":"Role","principalId":"AROAPOWEXAMPLE0000004","arn":"arn:aws:iam::$account:role/aws-reserved/sso.amazonaws.com/eu-west-1/$role","accountId":"$account","userName":"$role"}}}}]}
JSON
	done
fi
exec "$bin" serve --config "$here/tocsin.yaml" 2>"$here/said"
