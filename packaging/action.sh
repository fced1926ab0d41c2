#!/usr/bin/env bash
# The script of action.yml: `start` starts a sandbox that outlives the step, `export` exports its requests.
set -euo pipefail
source_folder=$(cd "$(dirname "$0")/.." && pwd)
folder=$RUNNER_TEMP/iluma-sandbox
ready=$folder/ready.json
log=$folder/log.txt

die() {
    echo "::error title=iluma-sandbox::$1"
    exit 1
}

# Reads a text value of the ready file, which is one line of JSON without blanks.
field() {
    sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$ready"
}

target() {
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) echo x86_64-unknown-linux-gnu ;;
        Linux-aarch64) echo aarch64-unknown-linux-gnu ;;
        Darwin-x86_64) echo x86_64-apple-darwin ;;
        Darwin-arm64) echo aarch64-apple-darwin ;;
        MINGW*-x86_64 | MSYS*-x86_64) echo x86_64-pc-windows-msvc ;;
    esac
}

# Puts the binary of this action's own release into $folder/bin.
download() {
    local target
    target=$(target)
    case ${ACTION_REF:-} in v*) ;; *) return 1 ;; esac
    [ -n "$target" ] || return 1
    local url=$GITHUB_SERVER_URL/$ACTION_REPOSITORY/releases/download/$ACTION_REF/iluma-sandbox-$target.tar.gz
    echo "downloading $url"
    curl --fail --silent --show-error --location --retry 3 --output "$folder/release.tar.gz" "$url" || return 1
    tar -xzf "$folder/release.tar.gz" -C "$folder/bin"
}

# Sets $binary to the binary to run.
find_binary() {
    case "$(uname -s)" in MINGW* | MSYS*) suffix=.exe ;; *) suffix= ;; esac
    if [ -n "$SANDBOX_BINARY" ]; then
        [ -x "$SANDBOX_BINARY" ] || die "the input \`binary\` names no program: $SANDBOX_BINARY"
        binary=$(cd "$(dirname "$SANDBOX_BINARY")" && pwd)/$(basename "$SANDBOX_BINARY")
        return
    fi
    binary=$(command -v iluma-sandbox) && return
    mkdir -p "$folder/bin"
    binary=$folder/bin/iluma-sandbox$suffix
    download && return
    command -v cargo >/dev/null || die "no iluma-sandbox on PATH, none to download, and no cargo to build one: give the input \`binary\`"
    echo "building from source"
    "$source_folder/packaging/binary.sh" "$binary"
}

start() {
    mkdir -p "$folder"
    [ ! -e "$ready" ] || die "a sandbox runs in this job already, at $(field url)"
    find_binary

    set -- serve --port "$SANDBOX_PORT" --ready-file "$ready"
    if [ -n "$SANDBOX_SCENARIOS" ]; then
        local folders one
        IFS=, read -ra folders <<<"$SANDBOX_SCENARIOS"
        for one in "${folders[@]}"; do
            read -r one <<<"$one" # removes blanks around it
            [ -z "$one" ] || set -- "$@" --scenarios "$one"
        done
    fi
    # Split the arguments as a shell does, without expansions.
    while IFS= read -r argument; do
        [ -z "$argument" ] || set -- "$@" "$argument" # of no arguments, GNU's xargs makes an empty one
    done < <(printf '%s' "$SANDBOX_ARGUMENTS" | xargs -n 1 printf '%s\n')

    nohup "$binary" "$@" </dev/null >"$log" 2>&1 &
    local pid=$! tenths=$((SANDBOX_TIMEOUT * 10))
    until [ -e "$ready" ]; do
        if ! kill -0 "$pid" 2>/dev/null; then
            cat "$log"
            die "iluma-sandbox did not start: its last words are above"
        fi
        if [ $tenths -le 0 ]; then
            cat "$log"
            kill "$pid"
            die "iluma-sandbox was not ready within $SANDBOX_TIMEOUT s"
        fi
        tenths=$((tenths - 1))
        sleep 0.1
    done

    local url port
    url=$(field url)
    port=${url##*:}
    {
        echo "ILUMA_BASE_URL=$url"
        echo "ILUMA_API_KEY=$(field api_key)"
        echo "ILUMA_CALLBACK_TOKEN=$(field callback_token)"
        echo "ILUMA_SANDBOX_PORT=$port" # by which `iluma-sandbox coverage` and others find it
    } >>"$GITHUB_ENV"
    dirname "$binary" >>"$GITHUB_PATH"
    {
        echo "url=$url"
        echo "ready-file=$ready"
    } >>"$GITHUB_OUTPUT"
    echo "iluma-sandbox answers at $url"
}

# Exports as much as possible, because this runs after something has failed.
export_all() {
    [ -e "$ready" ] || die "there is nothing to export: no sandbox runs in this job (\`do: start\` comes first)"
    local control
    control=$(field control_url)
    mkdir -p "$folder/artefacts"
    cp "$log" "$folder/artefacts/log.txt"
    set -- --fail --silent --show-error --max-time 60 --user "$(field api_key):"
    if [ -n "${ILUMA_SANDBOX_CONTROL_TOKEN:-}" ]; then
        set -- "$@" --header "x-sandbox-control-token: $ILUMA_SANDBOX_CONTROL_TOKEN"
    fi
    curl "$@" --output "$folder/artefacts/export.ndjson" "$control/export?world=all" ||
        echo "::warning title=iluma-sandbox::the exchanges could not be exported"
    curl "$@" --output "$folder/artefacts/coverage.txt" "$control/coverage?format=text" ||
        echo "::warning title=iluma-sandbox::the coverage could not be exported"
}

case ${1:-} in
    start) start ;;
    export) export_all ;;
    *) die "the input \`do\` is \`start\` or \`export\`, not \`${1:-}\`" ;;
esac
