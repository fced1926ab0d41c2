# Run `make` to list the targets.

.DEFAULT_GOAL := help
.PHONY: help run check test bless size binary bench bench-growth bench-peers allocations attack soak deny fuzz dist sidecar clients browser pictures documents book

help: ## list these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

run: ## build and serve on http://127.0.0.1:4586
	cargo run --release -- serve

check: ## everything that must pass before a change is merged; needs only cargo
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	cargo clippy --lib --no-default-features --locked -- --deny warnings
	cargo test --locked
	RUSTDOCFLAGS="--deny warnings" cargo doc --no-deps --document-private-items --locked
	cargo run --locked --quiet -- check scenarios
	.ci/deny

test: ## only the tests
	cargo test --locked

bless: ## update the expected answers to the current ones; read the diff
	INSTA_UPDATE=always cargo test --locked --lib --test it

# The benchmarks measure this binary, if they are told no other by SANDBOX_BIN.
BINARY = $(abspath $(or $(CARGO_TARGET_DIR),target))/released/iluma-sandbox
bench bench-growth bench-peers: export SANDBOX_BIN ?= $(BINARY)

binary: ## build the binary as releases have it, with a profile; needs python3 and `rustup component add llvm-tools`
	PROFILE=$$(packaging/profile.sh) && export PROFILE && packaging/binary.sh $(BINARY)

bench: $(if $(SANDBOX_BIN),,binary) ## measure against bare hyper servers; after the build it takes three minutes on a quiet Linux machine
	cargo bench --locked --bench throughput

bench-growth: $(if $(SANDBOX_BIN),,binary) ## measure many rules, files, worlds, records, callbacks and inspectors, and large uploads, against few
	cargo bench --locked --bench growth

bench-peers: $(if $(SANDBOX_BIN),,binary) ## measure against other mock servers, installed below target/peers; needs the network, and Node and Java for some
	benches/peers/install.sh
	cargo bench --locked --bench peers

allocations: ## show where a request allocates: its steps, and each place in the order of the request
	ALLOCATION_STACKS=1 cargo test --locked --test allocations -- --nocapture

attack: ## measure what attacks cost another world; prints the table of docs/reliability.md; needs Linux
	cargo bench --locked --bench attack
	cargo bench --locked --bench memory

soak: ## half an hour under every kind of load (SOAK_MINUTES=n); prints the table of docs/reliability.md
	cargo bench --locked --bench soak

deny: ## check licences, sources, duplicate, unused and unsound dependencies; prints what it skips if a tool is missing
	.ci/deny

FUZZ_MINUTES ?= 10
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))

fuzz: ## every fuzz target for FUZZ_MINUTES (10) each; needs cargo-fuzz and a C++ compiler, and no nightly toolchain
	cd fuzz && for target in $(FUZZ_TARGETS); do \
	  mkdir -p corpus/$$target && cargo fuzz run --sanitizer none $$target corpus/$$target seeds/$$target -- \
	    -max_total_time=$$(($(FUZZ_MINUTES) * 60)) -timeout=5 || exit 1; \
	done

clients: ## install and test the clients in clients/; needs Python, Node, Go, a JDK, Maven, PHP, PHPUnit, Composer and the network
	clients/check

browser: ## test the inspector in a real Chromium; needs Node, npm, the network and /usr/bin/chromium (or CHROMIUM=)
	cargo build --release --locked
	cd tests/browser && npm ci --no-audit --no-fund && npm test

pictures: ## update the pictures of the inspector in docs/
	cargo build --release --locked
	cd tests/browser && npm ci --no-audit --no-fund && npm run screenshots

documents: ## check the documents with a validator, schemathesis and newman; needs python3, npm and the network
	cargo build --release --locked
	SANDBOX=$(abspath $(or $(CARGO_TARGET_DIR),target))/release/iluma-sandbox tests/documents/run.sh

dist: ## build the release binary and the packages to publish
	cargo build --release --locked
	@# Cargo keeps the unpacked package of a version, also after its source has changed.
	rm -rf "$${CARGO_HOME:-$$HOME/.cargo}"/registry/src/-*/iluma-sandbox-*
	cargo package --workspace --exclude iluma-sandbox-count-allocations --locked --allow-dirty

size: ## check that the binary of `make dist` is not more than 5 % larger than recorded in .ci/stripped-bytes
	.ci/size

sidecar: ## test image, wheel, release, action, workflows, Kubernetes, HAProxy and docs/ci.md; needs python3 and npm; the image needs root and buildah
	tests/sidecar/run.sh

book: ## build the documentation as a book, into target/book; needs mdbook
	mdbook build
