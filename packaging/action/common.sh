# shellcheck shell=bash disable=SC2034
# Common parts of the steps of action.yml. They source this file.
set -euo pipefail
source_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$RUNNER_TEMP/iluma-sandbox
cache=$folder/cache
ready=$folder/ready.json
log=$folder/log.txt

die() {
    echo "::error title=iluma-sandbox::$1"
    exit 1
}

# Reads a text value of the ready file, which is one line of JSON without blanks. Prints nothing for null.
field() {
    sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$ready" | sed 's/\\\\/\\/g'
}

# The version to use: the input, else that of the action's own files. So an action that is pinned by commit has one too.
version() {
    local version=$SANDBOX_VERSION
    [ -n "$version" ] || version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source_folder/Cargo.toml")
    echo "${version#v}"
}

# Prints the path of the binary that is here already, if it is the one to use.
existing_binary() {
    if [ -n "$SANDBOX_BINARY" ]; then
        [ -x "$SANDBOX_BINARY" ] || die "the input \`binary\` names no program: $SANDBOX_BINARY" >&2
        echo "$(cd "$(dirname "$SANDBOX_BINARY")" && pwd)/$(basename "$SANDBOX_BINARY")"
    elif [ -z "$SANDBOX_VERSION" ]; then
        command -v iluma-sandbox || true
    fi
}
