# Every command a person needs. `make` alone lists them.
#
# Versions of tools that are not part of the Rust toolchain stand here, once.
SHELL := /bin/bash
CARGO_DENY := 0.20.2
CARGO_FUZZ := 0.13.2

# make dev ARGS="--ephemeral"
ARGS ?=
# make crash CYCLES=1000: how often the server is killed.
CYCLES ?= 50
# make described EXAMPLES=1000: how many requests for each operation and phase.
EXAMPLES ?= 300
# make sync-rate ROWS=10000: how long the list is.
ROWS ?= 100000
# make fuzz SECONDS=600: how long each target runs.
SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help dev test lint fmt described crash group-commit sync-rate fuzz advisories docs

help: ## List these commands.
	@awk -F ' *## *' '/^[a-z-]+:.*##/ { sub(/:.*/, "", $$1); printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## Serve with demo data and print a curl for each operation (ARGS="--ephemeral" keeps nothing).
	@cargo run --locked --package jackfield -- dev $(ARGS)

test: ## Run every test, the black-box ones against the real binary.
	@script/test

lint: ## Check format, lints, licences and sources of dependencies, rustdoc and shell syntax.
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --workspace --all-features
	"$$(script/cargo-tool cargo-deny $(CARGO_DENY))" --locked check licenses bans sources
	@for file in script/* .ci/run; do bash -n "$$file" || exit 1; done

fmt: ## Format the code.
	cargo fmt

described: ## Test the binary with EXAMPLES requests an operation and phase, generated from openapi.json (300: more than 20,000 in all).
	cargo build --locked --package jackfield
	JACKFIELD_OPENAPI_EXAMPLES=$(EXAMPLES) cargo test --locked --package jackfield-tests --test it described -- --nocapture

crash: ## Kill the real binary under write load CYCLES times and check what is left (CYCLES=1000 is the long run).
	cargo build --locked --release --package jackfield
	JACKFIELD_CRASH_CYCLES=$(CYCLES) JACKFIELD_BIN=$(CURDIR)/target/release/jackfield \
	  cargo test --locked --package jackfield-tests --test it crash -- --nocapture

group-commit: ## Print durable creates a second of 1 client and of 64, measured on a release build.
	cargo build --locked --release --package jackfield
	JACKFIELD_BIN=$(CURDIR)/target/release/jackfield \
	  cargo run --locked --release --package jackfield-tests --bin group-commit

sync-rate: ## Print creates a second of jackfield sync beside a bare load generator, for ROWS rows (a release build).
	cargo build --locked --release --package jackfield
	JACKFIELD_BIN=$(CURDIR)/target/release/jackfield \
	  cargo run --locked --release --package jackfield-tests --bin sync-rate -- $(ROWS)

fuzz: ## Run each fuzz target for SECONDS seconds (needs a nightly toolchain).
	@script/fuzz "$$(script/cargo-tool cargo-fuzz $(CARGO_FUZZ))" $(SECONDS)

advisories: ## Check dependencies against the advisory database (needs a network).
	"$$(script/cargo-tool cargo-deny $(CARGO_DENY))" --locked check advisories

docs: ## Build the API documentation of the crates into target/doc.
	cargo doc --locked --no-deps --workspace --all-features
