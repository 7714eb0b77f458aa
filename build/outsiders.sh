#!/usr/bin/env bash
# Builds a lake of simulated logs and asks it the same question by Tocsin, PyIceberg (by the catalog, and by the metadata file alone), DuckDB
# for Python and Spark. Prints the answers side by side and fails where one differs.
set -euo pipefail
bin=$1 here=$(cd "$(dirname "$0")" && pwd)
"$here/outsiders/setup.sh" spark
python=$here/../.cache/outsiders/venv/bin/python
out=out/outsiders
rm -rf "$out"
mkdir -p "$out"
"$bin" simulate --sample -o "$out/demo" >/dev/null 2>&1
# Twice, so that the second time the files of the days that are over are made one each.
first=$(find "$out/demo/logs" -type f | sort | awk 'NR % 2')
# shellcheck disable=SC2086 # one path a word
"$bin" ingest -q $first --lake "$out/lake" >/dev/null
"$bin" ingest -q "$out/demo/logs" --lake "$out/lake" 2>/dev/null
"$bin" search --lake "$out/lake" --rows 0 --format csv "
	SELECT strftime(time_dt, '%Y-%m-%d') AS day, class_uid, count(*) AS events, count(DISTINCT metadata.uid) AS ids, sum(severity_id) AS severity, min(time) AS first, max(time) AS last,
		count(src_ip) AS sources, count(api.operation) AS operations, coalesce(sum(len(resources)), 0) AS resources, sum(length(raw_data)) AS characters
	FROM events GROUP BY 1, 2 ORDER BY 1, 2" >"$out/tocsin.csv" 2>/dev/null
[ "$(wc -l <"$out/tocsin.csv")" -gt 5 ] || { echo "the lake is all but empty" >&2; exit 1; }
column -s, -t "$out/tocsin.csv"
failed=0
for engine in pyiceberg static duckdb spark; do
	if ! "$python" "$here/outsiders/ask.py" "$engine" "$out/lake" >"$out/$engine.csv" 2>"$out/$engine.log"; then
		echo "$engine cannot read the lake:" >&2
		tail -5 "$out/$engine.log" >&2
		failed=1
	elif diff "$out/tocsin.csv" "$out/$engine.csv" >&2; then
		echo "$engine agrees in all $(($(wc -l <"$out/$engine.csv") - 1)) rows"
	else
		echo "$engine differs" >&2
		failed=1
	fi
done
exit "$failed"
