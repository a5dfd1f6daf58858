# make demo and make test are all a newcomer needs; both work on a fresh machine with Go and Node and, for the tests, Python with pip and cargo.
SHELL       := /bin/bash
CACHE       ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/registry-action
STATICCHECK := $(CACHE)/bin/staticcheck-0.8.2
BIN         := bin
SUDO        := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT         := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends nginx-light systemd chromium

.PHONY: build demo test lint bench parity screenshots tools clean

build:
	go build -trimpath -o $(BIN)/ ./cmd/...

demo: build
	examples/demo.sh $(BIN)

# Everything, the tests with the real npm, pnpm, yarn, bun, Zig and Lumen clients and a browser included. What takes longest
# begins first. vet is part of lint; the race detector would wait a second at the end of each package.
test: tools
	REQUIRE_VECTORS=$(REQUIRE_VECTORS) GORACE=atexit_sleep_ms=10 go test -race -vet=off -shuffle=on -timeout 80m -p 3 ./internal/e2e ./registry ./...

lint: $(STATICCHECK)
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo "gofmt would change the files above"; exit 1; }
	go vet ./...
	@test -z "$$(go fix -diff ./... | tee /dev/stderr)" || { echo "go fix would change the lines above"; exit 1; }
	go mod tidy -diff
	$(STATICCHECK) ./...
	for script in *.js pack/*.js shim/*.js; do node --check $$script || exit 1; done

bench: build tools
	go run ./internal/bench $(BENCH)

# Compares our tarballs with npm's for the N most used packages.
parity:
	go run ./internal/parity/cmd/parity -n $(or $(N),300)

# Pictures of every page, in light and dark, wide and narrow.
screenshots: tools
	E2E_WORLD=local E2E_SCREENSHOTS=$(CURDIR)/$(BIN)/screenshots go test -count=1 -timeout 30m -run 'Page|FirstTenMinutes|Suggestions|CopyAndTheme|HostileTexts' ./internal/e2e

# What the tests need besides Go, Node, Python with pip, cargo and git: fetched once into $(CACHE); nginx, systemd-analyze and Chromium from the system.
tools:
	go run ./internal/clients/cmd/install
	go run ./tools/openapi
	@PATH="$$PATH:/usr/sbin"; { command -v nginx && command -v systemd-analyze && command -v chromium; } >/dev/null || $(APT) || { $(SUDO) apt-get update && $(APT); }

$(STATICCHECK):
	GOBIN=$(CACHE)/bin go install honnef.co/go/tools/cmd/staticcheck@v0.8.2
	mv $(CACHE)/bin/staticcheck $@

clean:
	rm -rf $(BIN)
