#!/usr/bin/env bash
# Starts a sandbox that outlives the step.
# shellcheck source=packaging/action/common.sh
. "$(dirname "$0")/common.sh"

# Sets $binary to the program to run, and $origin to where it is from.
find_binary() {
    local suffix='' code=0
    binary=$(existing_binary) || exit
    origin="already there"
    [ -z "$binary" ] || return 0

    case "$(uname -s)" in MINGW* | MSYS*) suffix=.exe ;; esac
    if [ -n "$ACTION_REPOSITORY" ]; then
        binary=$folder/bin/iluma-sandbox$suffix
        origin="the release of $ACTION_REPOSITORY"
        "$source_folder/packaging/install.sh" --version "$(version)" --to "$folder/bin" --cache "$cache" \
            --base-url "$GITHUB_SERVER_URL/$ACTION_REPOSITORY/releases/download" 2>&1 || code=$?
        case $code in
            0) return ;;
            3) [ -z "$SANDBOX_VERSION" ] || die "$ACTION_REPOSITORY has no release $(version): see the input \`version\`" ;;
            *) die "the release could not be installed: the reason is above" ;;
        esac
    elif [ -n "$SANDBOX_VERSION" ]; then
        die "the input \`version\` needs an action that is used by its repository and not by its path"
    fi
    binary=$cache/built/iluma-sandbox$suffix
    origin="built from the source of the action"
    [ ! -x "$binary" ] || return 0
    command -v cargo >/dev/null ||
        die "no iluma-sandbox on PATH, no release $(version) to download, and no cargo to build one: give the input \`binary\` or \`version\`"
    echo "::warning title=iluma-sandbox::there is no release $(version) to download, so the sandbox is built, which takes minutes"
    "$source_folder/packaging/binary.sh" "$binary"
}

# The sandbox needs no secrets of the job. Its own variables stay.
without_secrets() {
    local name
    for name in $(compgen -e); do
        case $name in
            ILUMA_SANDBOX_*) ;;
            *TOKEN* | *SECRET* | *PASSWORD* | *CREDENTIAL* | ACTIONS_*) unset "$name" ;;
        esac
    done
}

set_arguments() {
    arguments=(serve --port "$SANDBOX_PORT" --ready-file "$ready")
    local folders one
    IFS=, read -ra folders <<<"$SANDBOX_SCENARIOS" || true
    for one in ${folders[@]+"${folders[@]}"}; do
        read -r one <<<"$one" # removes blanks around it
        [ -z "$one" ] || arguments+=(--scenarios "$one")
    done
    # Split the arguments as a shell does, without expansions.
    while IFS= read -r one; do
        [ -z "$one" ] || arguments+=("$one") # of no arguments, GNU's xargs makes an empty one
    done < <(printf '%s' "$SANDBOX_ARGUMENTS" | xargs -n 1 printf '%s\n')
}

wait_until_ready() {
    local pid=$1 tenths=$((SANDBOX_TIMEOUT * 10))
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
}

mkdir -p "$folder"
[ ! -e "$ready" ] || die "a sandbox runs in this job already, at $(field url)"
find_binary
set_arguments
(without_secrets && exec nohup "$binary" "${arguments[@]}") </dev/null >"$log" 2>&1 &
wait_until_ready $!

url=$(field url)
token=$(field control_token)
[ -z "$token" ] || echo "::add-mask::$token"
# The same variables as those of `iluma-sandbox exec`.
{
    echo "ILUMA_BASE_URL=$url"
    echo "ILUMA_API_KEY=$(field api_key)"
    echo "ILUMA_CALLBACK_TOKEN=$(field callback_token)"
    echo "ILUMA_SANDBOX_URL=$url"
    echo "ILUMA_SANDBOX_CONTROL_TOKEN=$token"
    echo "ILUMA_SANDBOX_API_KEY=$(field api_key)"
    [ -z "$(field ca_file)" ] || echo "ILUMA_SANDBOX_CA_FILE=$(field ca_file)"
} >>"$GITHUB_ENV"
dirname "$binary" >>"$GITHUB_PATH"
{
    echo "url=$url"
    echo "version=$(field version)"
    echo "ready-file=$ready"
} >>"$GITHUB_OUTPUT"
{
    echo "### iluma-sandbox $(field version)"
    echo
    echo "Binary: $origin. URL: \`$url\`. Scenarios: ${SANDBOX_SCENARIOS:-only those of the sandbox}."
} >>"$GITHUB_STEP_SUMMARY"
echo "iluma-sandbox $(field version) answers at $url"
