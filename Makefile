# Two commands: `make demo` shows the product, `make test` proves it.

BIN     := bin/healthgraph
LINT    := go tool -modfile=tools/lint.mod golangci-lint
# Tests of one package run beside another's; each starts what it needs on free loopback ports.
TIMEOUT := 20m

.PHONY: demo test setup build binary playground generate lint check-generated unit clients fuzz vuln bench growth soak clean

demo: build ## simulated upstreams, embedded database, a signed-in demo person
	./$(BIN) demo $(ARGS)

build: playground binary ## the program with its Playground

binary:
	go build -o $(BIN) ./cmd/healthgraph

# Node is needed for the Playground alone: without it the program builds, and that page says what is missing.
playground: web/dist/index.html

web/dist/index.html: web/package.json web/package-lock.json web/vite.config.js web/index.html $(wildcard web/src/*)
	@if command -v npm >/dev/null; then cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build; \
	else echo "npm is missing: the Playground is left out (install Node 20 or newer for it)"; fi

generate: ## graph/ from schema/
	go generate ./...

test: setup build check-generated lint unit clients ## everything, on a fresh machine

setup:
	@scripts/setup-test

check-generated:
	@scripts/check-generated

lint:
	$(LINT) run ./...

unit:
	go test -race -timeout $(TIMEOUT) ./...
	go test -run Abuse ./server # each within two seconds, which the race detector is too slow for

clients: build ## real GraphQL clients and a real browser against the demo
	cd web && HEALTHGRAPH_BIN=$(CURDIR)/$(BIN) npm test

FUZZTIME ?= 30s

fuzz: ## every fuzz target for a while: make fuzz FUZZTIME=10m
	@scripts/fuzz $(FUZZTIME)

# Apart from the tests: what is known changes without us, and the database of it is on the network.
vuln: ## known vulnerabilities in what the program uses
	go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...

# Quiet machines measure best: see docs/performance.md. make bench WORKLOADS=W1,W3 ROUNDS=3 SCALE=0.5 PROFILES=/tmp
ROUNDS ?= 5
SCALE  ?= 1
UPSTREAMS ?= plain

bench: binary ## what the gateway costs beside a plain handler: docs/performance.md
	go build -o bin/bench ./bench
	./bin/bench --healthgraph $(BIN) --rounds $(ROUNDS) --scale $(SCALE) --workloads "$(WORKLOADS)" --profiles "$(PROFILES)" \
	  --upstreams "$(UPSTREAMS)" --against "$(AGAINST)" --database "$(DATABASE)" --write "$(if $(AGAINST),,docs/performance.md)"

# Allocations, bytes, statements, calls and pages are judged, and do not need a quiet machine. Time is told.
GROWTHTIME ?= 0.1s

growth: ## how cost grows with the work, up to a million links: docs/performance.md
	go test -run '^$$' -bench '^Benchmark(Growth|Streams)$$' -benchtime $(GROWTHTIME) -benchmem \
	  $$(git grep -l 'growth.Bench(' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|')

# Ten minutes at 70 % of what the machine can do, one upstream failing on and off: make soak SOAKTIME=1h DATABASE=postgres://… REDIS=redis://…
SOAKTIME ?= 10m

soak: binary ## what grows, breaks or slows down under load: docs/performance.md
	go build -o bin/bench ./bench
	./bin/bench soak --healthgraph $(BIN) --time $(SOAKTIME) --database "$(DATABASE)" --redis "$(REDIS)"

clean:
	rm -rf bin web/node_modules web/dist/assets web/dist/index.html
