#!/bin/sh
# Builds the release binary without dependencies on other files, and writes it to OUT:
#     packaging/binary.sh OUT [TARGET]
set -eu
out=$1
target=${2:-$(rustc -vV | sed -n 's/^host: //p')}
case $target in *windows*) suffix=.exe ;; *) suffix= ;; esac

cd "$(dirname "$0")/.."
# shellcheck source=packaging/flags.sh
. packaging/flags.sh
cargo build --release --locked --bin iluma-sandbox --target "$target"
mkdir -p "$(dirname "$out")"
cp "${CARGO_TARGET_DIR:-target}/$target/release/iluma-sandbox$suffix" "$out"
