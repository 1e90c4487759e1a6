# make help lists the targets. `make test` is what a newcomer runs; .ci/run calls the same targets.
SHELL   := /bin/bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PKG     ?= ./...
SEED    ?= 0
RUNS    ?= 20
MEMBERS ?= 1
FAULTS  ?= 200
ROUNDS  ?= 100
SEEDS   ?= 1000

# Every target compiles alike, so that each package is compiled once for all of them; the race detector takes cgo.
export GOFLAGS     := $(strip $(shell go env GOFLAGS) -trimpath)
export CGO_ENABLED := 0

# Tests wait more than they compute: more packages at once than there are cores.
TOGETHER := -p 3 -parallel 4

# Nothing for the race detector to see: real processes (mwtest, storm, suites), and packages that start no goroutine, to
# which layout_test.go holds them.
NO_RACE  := mwtest|zkserver/storm|zkserver/suites|boottime|zkserver/(admin|apache|session|storm/history|wal|watch|wire|zoocfg)

.PHONY: help build test race lint interop demo chaos failover storm sim bench bench-ensemble fuzz
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/mw, one static binary
	go build -ldflags "-s -w -X main.version=$(VERSION)" -o bin/mw ./cmd/mw

test: build ## every test that needs nothing but Go, real processes included
	go test -vet=off $(TOGETHER) -timeout 10m $(PKG)

race: ## the same tests under the race detector, without the long ones, those of real processes and those without goroutines
	CGO_ENABLED=1 go test -race -short -vet=off $(TOGETHER) -timeout 10m $$(go list $(PKG) | grep -vxE 'github.com/mwqueue/mw(/($(NO_RACE)))?' || go list $(PKG))

lint: ## gofmt, vet, staticcheck, tidy
	@out=$$(gofmt -l .); [ -z "$$out" ] || { echo "gofmt wants: $$out"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	go mod tidy -diff

interop: build ## against Debian's zkCli.sh and Apache ZooKeeper (installed with apt-get when missing)
	MW_INTEROP=1 go test -count=1 -vet=off -p 2 -timeout 10m -run 'Interop' $$(grep -rl '^func TestInterop' --include=*_test.go . | xargs -n1 dirname | sort -u)

demo: build ## 200+ commands, workers scaled and killed, the master killed; under two minutes
	go run ./examples/wordcount -mw bin/mw

chaos: build ## RUNS=20 times 1,000 tasks under kill -9 of everything, MEMBERS=3 servers included; SEED=n replays one
	go test -count=1 -v -timeout 60m -run 'TestChaos' ./mwtest -chaos.runs $(RUNS) -chaos.seed $(SEED) -chaos.members $(MEMBERS)

failover: ## ROUNDS=100 of kill -9 and SIGSTOP to failover controllers and their services; SEED=n replays one
	go test -count=1 -v -timeout 60m -run 'TestNeverTwoAreActive' ./examples/failover -failover.rounds $(ROUNDS) -failover.seed $(SEED)

storm: ## FAULTS=200 faults to three servers under load, and what the clients saw; SEED=n draws the same again
	go test -count=1 -v -timeout 90m -run 'TestStorm$$' ./zkserver/storm -storm.kazoo -storm.faults $(FAULTS) -storm.seed $(SEED)

sim: ## SEEDS=1000 simulated ensembles, shared among all cores; every seed that fails is named
	go test -count=1 -v -timeout 24h -run 'TestEnsembleUnderFaults' ./zkserver/ensemble -sim.seeds $(SEEDS)

bench: build ## the queue beside the machine's own fork/exec rate; the server beside Apache ZooKeeper
	@[ -x /usr/share/zookeeper/bin/zkServer.sh ] || apt-get install -y --no-install-recommends zookeeper default-jre-headless
	bin/mw bench queue
	bin/mw bench server

bench-ensemble: build ## three servers beside three of Apache ZooKeeper, and kill -9 of the leader
	@[ -x /usr/share/zookeeper/bin/zkServer.sh ] || apt-get install -y --no-install-recommends zookeeper default-jre-headless
	bin/mw bench ensemble

fuzz: ## every fuzz target for FUZZTIME (default 30s)
	@set -e; for d in $$(grep -rl '^func Fuzz' --include=*_test.go . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$d/*_test.go | cut -c6-); do \
	    echo "== $$d $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $${FUZZTIME:-30s} -fuzzminimizetime 1s $$d; done; done
