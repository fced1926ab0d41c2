#!/bin/sh
# Builds the release binary that needs nothing beside it on Linux (no loader, no libc) and puts it at OUT:
#     packaging/binary.sh OUT [TARGET]
set -eu
out=$1
target=${2:-$(rustc -vV | sed -n 's/^host: //p')}
case $target in *windows*) suffix=.exe ;; *) suffix= ;; esac

cd "$(dirname "$0")/.."
# With a target named, the flag stays off build scripts and macros, which cannot be static.
RUSTFLAGS="-C target-feature=+crt-static" CARGO_PROFILE_RELEASE_STRIP=symbols \
    cargo build --release --locked --bin iluma-sandbox --target "$target"
mkdir -p "$(dirname "$out")"
cp "${CARGO_TARGET_DIR:-target}/$target/release/iluma-sandbox$suffix" "$out"
