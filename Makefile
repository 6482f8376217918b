# Everything a contributor runs. `make` alone lists it.

.DEFAULT_GOAL := help
.PHONY: help demo build test check fuzz soak bench fmt clean

# The version is a tag, else a commit, else "dev" outside of a repository.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TOOL    := go tool -modfile=tools/go.mod

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## See a release, a rollback and an as-of query, in a minute
	./bin/sluice demo

build: ## Build the one static binary, bin/sluice
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/sluice ./cmd/sluice

# These run programs, kill them and measure them as they are shipped: without the
# race detector, which the packages below them have.
WHOLE := ./cmd/sluice ./internal/gitsync ./internal/crashtest

test: ## Run all tests, with the race detector; installs PostgreSQL and the like first
	scripts/setup-tests.sh
	CGO_ENABLED=1 go test -race -p 2 -timeout 45m $$(go list ./... | grep -v -e /cmd/sluice$$ -e /internal/gitsync$$ -e /internal/crashtest$$ -e /internal/archtest$$)
	go test -p 2 -timeout 45m $(WHOLE)
	cd test/openai && go test ./...

check: ## Format, vet, static analysis, architecture, builds for all systems, vulnerabilities
	scripts/check-format.sh
	go vet ./...
	$(TOOL) staticcheck ./...
	cd test/openai && go vet ./... && go tool -modfile=../../tools/go.mod staticcheck ./...
	go test ./internal/archtest
	scripts/build-all.sh
	scripts/generate.sh --check
	scripts/vulncheck.sh

fuzz: ## Look for inputs that break a parser; what was found before is in the tests
	scripts/fuzz.sh

soak: ## Go deep, for an hour or more: races, kills and rounds many times, and new inputs
	scripts/setup-tests.sh
	CGO_ENABLED=1 SLUICE_TEST_ROUNDS=20 go test -race -count=1 -timeout 3h $(WHOLE)
	CGO_ENABLED=1 go test -race -count=1 -timeout 3h ./internal/control -rapid.checks=200
	FUZZTIME=1m scripts/fuzz.sh

bench: ## Measure on this machine, and print one table
	go run ./bench

fmt: ## Format all Go files
	git ls-files -z --cached --others --exclude-standard -- '*.go' ':!*.pb.go' | xargs -0 $(TOOL) gofumpt -w

clean: ## Remove what the build made
	rm -rf bin
