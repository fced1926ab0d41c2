#!/bin/sh
# Completes the folder DIST of a release, which has the archives of all targets already:
#     packaging/release.sh DIST OWNER
# Adds the install script, the formula for Homebrew and the manifest for Scoop, with OWNER and the checksums in them. Then
# writes SHA256SUMS of all files.
set -eu
dist=$(cd "$1" && pwd) owner=$2
cd "$(dirname "$0")"

sum() { sha256sum <"$1" | cut -d ' ' -f 1; }

# Every checksum of a template is on the line behind the URL of its archive.
fill() {
    sed "s#OWNER/iluma-sandbox#$owner/iluma-sandbox#g" "$1" >"$2"
    while read -r target _; do
        sed -i "/v[0-9][^/]*\/iluma-sandbox-$target\.tar\.gz\"/{n;s/\"0\{64\}\"/\"$(sum "$dist/iluma-sandbox-$target.tar.gz")\"/;}" "$2"
    done <targets
    ! grep '0\{64\}\|OWNER/' "$2" || exit 1
}

while read -r target _; do
    [ -f "$dist/iluma-sandbox-$target.tar.gz" ] || { echo "$dist has no archive for $target" >&2 && exit 1; }
done <targets
fill templates/iluma-sandbox.rb "$dist/iluma-sandbox.rb"
fill templates/iluma-sandbox.json "$dist/iluma-sandbox.json"
fill install.sh "$dist/install.sh"
cd "$dist"
rm -f SHA256SUMS
sha256sum -- * >"${TMPDIR:-/tmp}/SHA256SUMS.$$"
mv "${TMPDIR:-/tmp}/SHA256SUMS.$$" SHA256SUMS
