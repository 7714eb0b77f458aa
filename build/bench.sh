#!/usr/bin/env bash
# Benchmarks of every stage and of the live path (internal/app; docs/benchmarks.md), then the whole scan over generated trees. SCAN_EVENTS and SCAN_FILES set their size.
set -euo pipefail
go test -run '^$' -bench . -benchtime "${BENCHTIME:-1s}" ./... | grep -E '^(Benchmark|pkg:)' || true
events=${SCAN_EVENTS:-2000000} files=${SCAN_FILES:-4000}
bin=out/bench/tocsin
mkdir -p out/bench
go build -trimpath -o "$bin" ./cmd/tocsin
tree=out/bench/tree-$events-$files
[ -d "$tree" ] || "$bin" simulate --volume "$events" --files "$files" -o "$tree"
for cores in 1 2; do
	echo "== scan of $events events in $files files, $cores cores"
	GOMAXPROCS=$cores /usr/bin/time -f '%e s wall, %U s user, %M KiB peak memory' "$bin" scan -q --workers "$cores" "$tree" --format json >/dev/null || true
done
small=out/bench/tree-small
[ -d "$small" ] || "$bin" simulate --volume 300000 --files 100000 -o "$small"
echo "== scan of 300000 events in 100000 files"
/usr/bin/time -f '%e s wall, %U s user, %M KiB peak memory' "$bin" scan -q "$small" --format json >/dev/null || true
ls -l "$bin"
