#!/bin/sh
# Builds the image around a binary that packaging/binary.sh made, with buildah and without a builder image:
#     packaging/image.sh BINARY IMAGE [ARCH]
# With an ARCH, as images write it (amd64, arm64), IMAGE is a list that the image is added to. Nothing is run, so
# any machine builds for any.
set -eu
binary=$1 image=$2 arch=${3:-}

cd "$(dirname "$0")/.."
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
install -m 755 "$binary" "$context/iluma-sandbox"
# The last stage of the Dockerfile, with the binary from here instead of from the stage before.
sed -n '/^FROM scratch$/,$p' Dockerfile | sed 's/^COPY --from=build /COPY /' >"$context/Dockerfile"
if [ -n "$arch" ]; then
    set -- --arch "$arch" --manifest "$image"
else
    set -- --tag "$image"
fi
buildah build --format docker "$@" "$context"
