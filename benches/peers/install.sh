#!/usr/bin/env bash
# Installs the peers of `make bench-peers`, each into a folder below target/peers. Writes its version to `installed`, or the
# reason why it cannot be measured here to `skipped`.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p "${CARGO_TARGET_DIR:-target}/peers"
peers=$(cd "${CARGO_TARGET_DIR:-target}/peers" && pwd)
build=$peers/build

# install NAME VERSION NEEDED_COMMAND COMMAND...
install() {
  local folder=$peers/$1 version=$2 needed=$3
  shift 3
  [ "$(cat "$folder/installed" 2>/dev/null)" = "$version" ] && return
  rm -rf "$folder"
  mkdir -p "$folder"
  if ! command -v "$needed" >/dev/null; then
    echo "there is no \`$needed\`" >"$folder/skipped"
  elif (cd "$folder" && "$@") >"$folder/log" 2>&1; then
    echo "$version" >"$folder/installed"
  else
    echo "it cannot be installed: $(grep -m 1 -i error "$folder/log" || tail -n 1 "$folder/log")" >"$folder/skipped"
  fi
}

npm_install() {
  npm install --no-audit --no-fund --no-save --prefix . "$1"
}

install httpmock 0.9.0 cargo \
  cargo install --locked --root . --target-dir "$build" --features standalone httpmock@0.9.0
# Of a copy, because cargo writes a lock file.
mkdir -p "$build" && rm -rf "$build/wiremock-rs" && cp -r benches/peers/wiremock-rs "$build"
install wiremock-rs 0.6.5 cargo cargo install --root . --target-dir "$build" --path "$build/wiremock-rs"
install wiremock 3.13.2 java npm_install wiremock@3.13.2
install mockoon 9.9.0 node npm_install @mockoon/cli@9.9.0
install prism 5.16.0 node npm_install @stoplight/prism-cli@5.16.0
