# Each target is one line to explain and does its own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# The search engine needs a C compiler; without one everything else is built.
export CGO_ENABLED ?= $(if $(shell command -v cc),1,0)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BIN := bin/tocsin

.PHONY: help web types test-web build geo run scan test lint shape bench bench-web evaluate outsiders soak contract fuzz vuln clean

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

geo: ## fetch and pack the country and network databases (once; offline afterwards)
	@go run ./build/geo

web: ## the console, into web/dist (needs npm)
	@build/web.sh

types: ## web/openapi.json and the console's types, from the API as the code describes it (needs npm)
	@go test ./internal/api -run '^TestTheConsoleKnowsTheAPI$$' -count=1 -update
	@cd web && { [ -d node_modules ] || npm ci --no-audit --no-fund; } && npm run -s types

build: geo web ## the binary, bin/tocsin
	@go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN) ./cmd/tocsin

run: build ## serve a simulated organisation under attack, live; or your own logs: make run LOGS=dir
	@build/run.sh $(BIN) "$(LOGS)"

scan: build ## scan a labelled sample attack into a report, or your own logs: make scan LOGS=dir
	@build/scan.sh $(BIN) "$(LOGS)"

test: geo ## the whole suite, with the race detector where it is pure Go
	@build/test.sh

test-web: build ## the console: lint, units, and journeys of a real browser on the binary
	@build/web-test.sh

lint: geo ## formatting, vet and linters
	@build/lint.sh

shape: ## file and function lengths, package stories, exported docs, family file sets
	@go run ./build/shape

bench: geo ## benchmarks of every stage, and of the whole scan
	@build/bench.sh

bench-web: build ## the console on 100,000 alerts and an incident of 10,000: times in a real browser (no part of make test)
	@cd web && npm run -s bench

evaluate: build ## judge detection on simulated data; fails where it fell below testdata/evaluation.json
	@$(BIN) evaluate --baseline testdata/evaluation.json

outsiders: build ## PyIceberg, DuckDB for Python and Spark read a lake and must agree with tocsin search
	@build/outsiders.sh $(BIN)

soak: geo ## kill real processes at every crash point, TOCSIN_KILLS times each part (default 600: over 2,000 kills), and count
	@build/soak.sh

contract: ## let schemathesis ask the API as every role, EACH seconds as each (default 300)
	@build/test-setup.sh
	@TOCSIN_CONTRACT=$(or $(EACH),300) go test -count=1 -timeout 4h -v -run 'TestContract$$' ./internal/api

fuzz: ## every fuzz target, FUZZTIME each (default 1m)
	@build/fuzz.sh $(or $(FUZZTIME),1m)

vuln: ## known vulnerabilities in dependencies
	@build/vuln.sh

clean: ## remove what was made (the fetched databases stay in .cache)
	@rm -rf bin out coverage.out
