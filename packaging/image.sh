#!/bin/sh
# Builds the image from a binary of packaging/binary.sh, with buildah and without a builder image:
#     packaging/image.sh BINARY IMAGE [ARCH]
# With an ARCH (amd64, arm64), the image is added to the list IMAGE. Nothing of the image is run, so every machine can
# build for every architecture. SOURCE=URL and REVISION=COMMIT become labels; the default revision is that of git.
set -eu
binary=$1 image=$2 arch=${3:-}

cd "$(dirname "$0")/.."
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
install -m 755 "$binary" "$context/iluma-sandbox"
# The last stage of the Dockerfile, with this binary instead of that of the previous stage.
revision=${REVISION:-$(git rev-parse HEAD 2>/dev/null || echo unknown)}
sed -n '/^FROM scratch$/,$p' Dockerfile | sed 's/^COPY --from=build /COPY /' >"$context/Dockerfile"
if [ -n "$arch" ]; then
    set -- --arch "$arch" --manifest "$image"
else
    set -- --tag "$image"
fi
[ -z "${SOURCE:-}" ] || set -- "$@" --build-arg "SOURCE=$SOURCE"
buildah build --format docker --build-arg "REVISION=$revision" "$@" "$context"
