#!/usr/bin/env bash
# What the suite needs beside Go, on a Debian machine: moto (an emulator of S3 and SQS), schemathesis and PyIceberg in a Python environment
# of their own under .cache, the programs of PostgreSQL, and npm and Chromium for the console. What is there already is left alone. Where something cannot be had,
# its tests are skipped with a word; with CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
pins="moto[server,s3,sqs]==5.2.5 schemathesis==4.32.5 pyiceberg[sql-sqlite]==0.12.0 pyarrow==26.0.1"
venv=.cache/test-venv

missing() {
	echo "test set-up: $1; get it with: $2" >&2
	[ "${CI:-}" != true ] || exit 1
}

packages() { # as root only; the lists are fetched when a package is not known without them
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
}

if [ "$(cat "$venv/pins" 2>/dev/null)" != "$pins" ]; then
	python3 -c 'import ensurepip, venv' 2>/dev/null || packages python3 python3-venv || missing "python3 with venv is not there" "apt-get install python3-venv"
	rm -rf "$venv"
	# shellcheck disable=SC2086 # words are wanted
	if python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check $pins; then
		echo "$pins" >"$venv/pins"
	else
		missing "moto, schemathesis and PyIceberg are not there" "python3 -m venv $venv && $venv/bin/pip install $pins"
	fi
fi

have_postgres() { command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
if ! have_postgres; then
	# The tests make clusters of their own; the package must not start one.
	if [ "$(id -u)" = 0 ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
		mkdir -p /etc/postgresql-common
		echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
	fi
	packages postgresql || missing "PostgreSQL is not there" "apt-get install postgresql"
fi

command -v npm >/dev/null || packages nodejs npm || missing "npm is not there" "apt-get install nodejs npm"
command -v chromium >/dev/null || command -v google-chrome >/dev/null || packages chromium || missing "no Chromium is there" "apt-get install chromium"
command -v jq >/dev/null || packages jq || missing "jq is not there" "apt-get install jq"
