#!/usr/bin/env bash
# Says under which key the binary is cached, if it must be downloaded or built.
# shellcheck source=packaging/action/common.sh
. "$(dirname "$0")/common.sh"

existing=$(existing_binary) || exit
[ -z "$existing" ] || exit 0

# A checksum of the files from which the binary is built.
cd "$source_folder"
sources=$(find Cargo.toml Cargo.lock src crates scenarios docs packaging -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cat | cksum)
echo "key=iluma-sandbox-$(version)-$(uname -s)-$(uname -m)-${sources// /-}" >>"$GITHUB_OUTPUT"
