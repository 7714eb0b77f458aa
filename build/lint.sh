#!/usr/bin/env bash
# Formatting, vet and linters. The linter is built once, by version, into .cache.
set -euo pipefail
version=v2.15.0
tool=.cache/golangci-lint-$version
if [ ! -x "$tool" ]; then
	echo "building golangci-lint $version once" >&2
	mkdir -p .cache
	GOBIN=$PWD/.cache GOFLAGS= go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
	mv .cache/golangci-lint "$tool"
fi
go vet ./...
"$tool" run ./...
