#!/usr/bin/env bash
# PyIceberg and DuckDB for Python, in .cache/outsiders/venv; with "spark" as first argument also Spark (300 MB) with Iceberg's jars. Once; offline afterwards.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$here/../../.cache/outsiders
mkdir -p "$cache"
cd "$cache"
if ! cmp -s requirements.txt "$here/requirements.txt"; then
	python3 -m venv venv
	venv/bin/pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
	cp "$here/requirements.txt" requirements.txt
fi
[ "${1:-}" = spark ] || exit 0
venv/bin/python -c 'import pyspark' 2>/dev/null || venv/bin/pip install --quiet --disable-pip-version-check pyspark==3.5.9
maven=https://repo1.maven.org/maven2
# jar PATH SHA256 fetches a file of Maven Central once, and takes no other than the one that is meant.
jar() {
	local name=${1##*/}
	[ -f "$name" ] && return
	curl --fail --silent --show-error --output "$name.part" "$maven/$1"
	echo "$2  $name.part" | sha256sum --check --quiet
	mv "$name.part" "$name"
}
jar org/apache/iceberg/iceberg-spark-runtime-3.5_2.12/1.10.1/iceberg-spark-runtime-3.5_2.12-1.10.1.jar 39ea09e6c03550a300b9d9ab498949836d2d434e441da4c12a943a086e396940
jar org/xerial/sqlite-jdbc/3.50.3.0/sqlite-jdbc-3.50.3.0.jar a3f53a2aa15ae9425a9e793bbe9c8e5288febeb4b65ef5c1a4e80d4c2045cf08
