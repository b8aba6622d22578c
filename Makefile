# Every command a person needs. `make` alone lists them.
#
# Versions of tools that are not part of the Rust toolchain stand here, once.
SHELL := /bin/bash
CARGO_DENY := 0.20.2
CARGO_FUZZ := 0.13.2

# make dev ARGS="--ephemeral", make bench ARGS="--systems hyper,embedded --seconds 2 --rounds 1"
ARGS ?=
# make crash CYCLES=1000: how often the server is killed.
CYCLES ?= 50
# make outage OUTAGE=600: for how long.
OUTAGE ?= 60
# make described EXAMPLES=1000: how many requests for each operation and phase.
EXAMPLES ?= 300
# make sync-rate ROWS=10000: how long the list is.
ROWS ?= 100000
# make call-rate CALLS=10: for how many seconds each part runs.
CALLS ?= 60
# make console-rate COUNT=10000: how many associations there are.
COUNT ?= 1000000
# make webhook-feed CHANGES=5000: how many changes are delivered.
CHANGES ?= 100000
# make webhook-rate ROUNDS=5: how many pairs of rounds.
ROUNDS ?= 60
# make fuzz SECONDS=600: how long each target runs.
SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help dev test lint fmt described console-shots console-rate crash outage group-commit overload sync-rate call-rate webhook-feed webhook-rate fuzz advisories docs
.PHONY: dist dist-test contact-growth bench bench-protocols bench-growth bench-cold bench-postgres bench-check instructions instructions-bless pgo

help: ## List these commands.
	@awk -F ' *## *' '/^[a-z-]+:.*##/ { sub(/:.*/, "", $$1); printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## Serve with demo data and print a curl for each operation (ARGS="--ephemeral" keeps nothing).
	@cargo run --locked --package jackfield -- dev $(ARGS)

test: ## Run every test, the black-box ones against the real binary.
	@script/test

lint: ## Check format, lints, licences and sources of dependencies, rustdoc and shell syntax.
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --workspace --all-features
	"$$(script/cargo-tool cargo-deny $(CARGO_DENY))" --locked check licenses bans sources
	@for file in script/* .ci/run tests/packaging/deb-installed packaging/debian/p*inst packaging/debian/p*rm; do bash -n "$$file" || exit 1; done

fmt: ## Format the code.
	cargo fmt

console-shots: ## Write pictures of every page of the console to target/console, at two widths, light and dark.
	cargo build --locked --package jackfield
	JACKFIELD_CONSOLE_SHOTS=$(CURDIR)/target/console cargo test --locked --package jackfield-tests --test it console

described: ## Test the binary with EXAMPLES requests an operation and phase, generated from openapi.json (300: more than 20,000 in all).
	cargo build --locked --package jackfield
	JACKFIELD_OPENAPI_EXAMPLES=$(EXAMPLES) cargo test --locked --package jackfield-tests --test it described -- --nocapture

outage: ## Take PostgreSQL away for OUTAGE seconds under load and check what is left.
	cargo build --locked --package jackfield
	JACKFIELD_TEST_OUTAGE_SECONDS=$(OUTAGE) script/postgres cargo test --locked --package jackfield-tests --test it \
	  postgres::away::an_outage -- --nocapture

crash: ## Kill the real binary under write load CYCLES times and check what is left (CYCLES=1000 is the long run).
	cargo build --locked --release --package jackfield
	JACKFIELD_CRASH_CYCLES=$(CYCLES) JACKFIELD_BIN=$(CURDIR)/target/release/jackfield \
	  cargo test --locked --package jackfield-tests --test it crash -- --nocapture

group-commit: ## Print durable creates a second of 1 client and of 64, measured on a release build.
	cargo build --locked --release --package jackfield
	JACKFIELD_BIN=$(CURDIR)/target/release/jackfield \
	  cargo run --locked --release --package jackfield-tests --bin group-commit

overload: ## Offer ten times what the server can do and print goodput, latency, memory and recovery (a release build).
	cargo build --locked --release --package jackfield
	JACKFIELD_BIN=$(CURDIR)/target/release/jackfield \
	  cargo run --locked --release --package jackfield-tests --bin overload

sync-rate: ## Print creates a second of jackfield sync beside a bare load generator, for ROWS rows (a release build).
	cargo build --locked --release --package jackfield
	JACKFIELD_BIN=$(CURDIR)/target/release/jackfield \
	  cargo run --locked --release --package jackfield-tests --bin sync-rate -- $(ROWS)

call-rate: ## Print what calls cost, with and without media, and what queries notice of skills that fail, each for CALLS seconds (a release build).
	cargo build --locked --release --package jackfield
	JACKFIELD_BIN=$(CURDIR)/target/release/jackfield \
	  cargo run --locked --release --package jackfield-tests --bin call-rate -- $(CALLS)

webhook-feed: ## Deliver CHANGES changes to a receiver that dies twenty times, and check that none is missing (a release build).
	cargo build --locked --release --package jackfield
	JACKFIELD_TEST_FEED_CHANGES=$(CHANGES) JACKFIELD_BIN=$(CURDIR)/target/release/jackfield \
	  cargo test --locked --package jackfield-tests --test it feed::survival::a_receiver -- --nocapture

webhook-rate: ## Print durable creates a second without and with webhooks that nobody answers, in ROUNDS pairs of rounds (a release build).
	cargo build --locked --release --package jackfield
	JACKFIELD_BIN=$(CURDIR)/target/release/jackfield \
	  cargo run --locked --release --package jackfield-tests --bin webhook-rate -- $(ROUNDS)

console-rate: ## Print what the console costs: searches on COUNT associations, ten open consoles, the first paint (a release build).
	cargo build --locked --release --package jackfield
	JACKFIELD_BIN=$(CURDIR)/target/release/jackfield \
	  cargo run --locked --release --package jackfield-tests --bin console-rate -- $(COUNT)

bench: ## Measure the release build beside its peers into docs/benchmarks, then the console (25 minutes; ARGS="--seconds 2 --rounds 1" for a look).
	@script/bench compare $(ARGS)
	@$(MAKE) --no-print-directory console-rate $(if $(ARGS),COUNT=20000)

bench-protocols: ## Measure it over HTTP/1.1 and HTTP/2, plain and with TLS, beside bare hyper into docs/benchmarks (ARGS="--seconds 1 --rounds 1" for a look).
	@script/bench protocols $(ARGS)

bench-growth: ## Measure it from 10,000 to 10,000,000 associations into docs/benchmarks (ARGS="--sizes 10000,100000" for a look).
	@script/bench growth $(ARGS)

bench-cold: ## Measure a query of 10,000 and of 10,000,000 associations in turns into docs/benchmarks (ARGS="--providers 1" for a look).
	@script/bench cold $(ARGS)

contact-growth: ## Print what a page, a create and a delete cost with 100,000 contacts, compared with 1,000 (a release build).
	dir=$$(mktemp -d) && chmod 700 $$dir && cargo run --locked --release --package jackfield-store --features testing \
	  --example contact_growth -- embedded:$$dir; rm -rf "$$dir"
	script/postgres sh -c 'cargo run --locked --release --package jackfield-store --features testing \
	  --example contact_growth -- "$$JACKFIELD_TEST_POSTGRES"'

bench-postgres: ## Measure it over PostgreSQL beside pgbench into docs/benchmarks.
	@script/bench pgbench $(ARGS)

bench-check: ## Check format and lints of bench/, run its tests, and two benchmarks for a moment on the debug build.
	cargo fmt --check --manifest-path bench/Cargo.toml --all
	cargo clippy --locked --manifest-path bench/Cargo.toml --target-dir target --workspace --all-targets -- -D warnings
	cargo test --locked --manifest-path bench/Cargo.toml --target-dir target --workspace
	script/bench-smoke

instructions: ## Count the instructions of calls without network; fails when one grew by more than 5 % over bench/instructions.json (ARGS=--by-stop: where).
	@script/instructions check $(ARGS)

instructions-bless: ## Count them and write bench/instructions.json.
	@script/instructions bless

pgo: ## Build the program with a profile of its own work, and print its gain over one without in turns (half an hour; ARGS=n: of n pairs).
	@script/pgo $(ARGS)

dist: ## Build the wheel, the npm packages and the Debian package into target/dist (some minutes).
	@script/dist

dist-test: ## Install each package of target/dist in a clean place and use it (as root on Debian; makes them when they are not there).
	@script/dist-test

fuzz: ## Run each fuzz target for SECONDS seconds, one after the other.
	@script/fuzz "$$(script/cargo-tool cargo-fuzz $(CARGO_FUZZ))" $(SECONDS)

advisories: ## Check dependencies against the advisory database (needs a network).
	"$$(script/cargo-tool cargo-deny $(CARGO_DENY))" --locked check advisories

docs: ## Build the API documentation of the crates into target/doc.
	cargo doc --locked --no-deps --workspace --all-features
