# Tools are pinned in tools/*/go.mod and built into .bin; nothing else is
# installed. Everything works on a fresh machine with Go, make and a C compiler.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

ROOT := github.com/spanloom/spanloom
MODULES := . bench examples/backend-exporters examples/backend-jsonl
# Packages whose tests give processes limits of time: they are tested one by one.
TIMED := . ./pluginhost/... ./cmd/... ./examples/...
# Tests that restart, kill and reload as often as SPANLOOM_TEST_SCALE says.
SCALED := TestRestartsLeakNothing|TestAKilledProgramLosesNothing|TestKilledBackendsLoseNothing|TestReloadUnderLoad
# The proof against a Collector, Jaeger and Prometheus at once.
PROOF := ./internal/e2e/... ./internal/prometheustest/...
TOOLS := tools/lint tools/proto

.DEFAULT_GOAL := help
.PHONY: help
help: ## Show this list.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | column -t -s "$$(printf '\t')"

.PHONY: test
test: jaeger ## Vet and test every module, against real servers.
	@echo "== build as a module that requires this one does, without go.work"; \
	GOWORK=off go build ./...
	@for dir in $(MODULES); do \
		echo "== test $$dir"; \
		(cd $$dir; go vet ./...; go test -race -timeout 10m $$(go list ./... | grep -vxFf <(cd $(CURDIR); go list $(TIMED) $(PROOF)))); \
	done
	@echo "== test what has limits of time"; \
	go test -race -timeout 10m -p 1 $(TIMED)
	@echo "== test the engine, the spool and the rules of backends without the race detector: more random pipelines, faults and damage, real sizes"; \
	go test -timeout 10m ./engine/... ./internal/spool ./backend/conformance

.PHONY: e2e
e2e: jaeger prometheus ## Prove telemetry against a real Collector, Jaeger and Prometheus.
	SPANLOOM_REQUIRE_SERVERS=1 go test -timeout 10m -count=1 $(PROOF)

.PHONY: reliability
reliability: ## Restart, kill and reload backends a thousand times: about five minutes.
	SPANLOOM_TEST_SCALE=25 go test -timeout 20m -count=1 -p 1 -run '$(SCALED)' ./pluginhost .

.PHONY: nightly
nightly: ## The same, twenty times as often: less than two hours.
	SPANLOOM_TEST_SCALE=500 go test -timeout 2h -count=1 -p 1 -run '$(SCALED)' ./pluginhost .

.PHONY: lint
lint: .bin/golangci-lint ## Lint every module.
	@for dir in $(MODULES); do \
		echo "== lint $$dir"; \
		(cd $$dir; $(CURDIR)/.bin/golangci-lint run --config $(CURDIR)/.golangci.yml ./...); \
	done

.PHONY: check
check: lint test ## Everything CI checks; fails if generated code was out of date.
	@state() { git status --porcelain; git diff; }; \
	before=$$(state); $(MAKE) --no-print-directory generate; after=$$(state); \
	if [[ $$before != "$$after" ]]; then echo 'make generate changed the tree: commit what it made'; exit 1; fi

.PHONY: bench
bench: ## Measure W1-W6, engines and telemetry side by side.
	cd bench && go run ./cmd/bench -json out/results.json -targets out/targets.json

.PHONY: load
load: ## Measure backends: events a second, processor time, memory, losses.
	cd bench && go run ./cmd/load -steady 60s -json out/load.json

.PHONY: generate
generate: .bin/buf ## Regenerate committed code from proto/ and go:generate lines.
	.bin/buf lint
	.bin/buf generate
	.bin/buf build --exclude-source-info -o examples/backend-python/backend.binpb
	go generate ./...

# A satellite is tidied against this tree: no release exists that it could
# require. Neither the replace line that does it nor the require line may stay;
# go.work finds the tree without them.
.PHONY: tidy
tidy: ## Tidy every go.mod.
	@export GOWORK=off; go mod tidy; \
	for dir in $(TOOLS); do go -C $$dir mod tidy; done; \
	for dir in $(filter-out .,$(MODULES)); do \
		trap "go -C $$dir mod edit -dropreplace $(ROOT) -droprequire $(ROOT)" EXIT; \
		go -C $$dir mod edit -replace $(ROOT)=$(CURDIR); \
		go -C $$dir mod tidy; \
		go -C $$dir mod edit -dropreplace $(ROOT) -droprequire $(ROOT); \
	done

.PHONY: jaeger
jaeger: ## Build the Jaeger that tests start, once per version, and say how to start it.
	@go run ./internal/jaegertest/jaegerbin/build

.PHONY: prometheus
prometheus: ## Build the Prometheus that tests start, once per version.
	@go run ./internal/prometheustest/prometheusbin/build

.bin/buf: tools/proto/go.mod tools/proto/go.sum
	GOWORK=off go build -C tools/proto -o $(CURDIR)/.bin/ tool
	@touch $@

.bin/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	GOWORK=off go build -C tools/lint -o $(CURDIR)/.bin/ tool
	@touch $@
