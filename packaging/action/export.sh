#!/usr/bin/env bash
# Exports the requests of the sandbox for an artefact. Exports as much as possible, because this runs after something has
# failed.
# shellcheck source=packaging/action/common.sh
. "$(dirname "$0")/common.sh"

[ "$SANDBOX_DO" = export ] || die "the input \`do\` is \`start\` or \`export\`, not \`$SANDBOX_DO\`"
[ -e "$ready" ] || die "there is nothing to export: no sandbox runs in this job (\`do: start\` comes first)"
case $SANDBOX_FAIL_ON in "" | warning) ;; *) die "the input \`fail-on\` is \`warning\` or empty, not \`$SANDBOX_FAIL_ON\`" ;; esac
artefacts=$folder/artefacts
control=$(field control_url)
mkdir -p "$artefacts"
cp "$log" "$artefacts/log.txt"

# The key and the token go to curl by its input, because other users of the machine can read the arguments of a program.
call() {
    {
        echo "user = \"$(field api_key):\""
        [ -z "$(field control_token)" ] || echo "header = \"x-sandbox-control-token: $(field control_token)\""
        [ -z "$(field ca_file)" ] || echo "cacert = \"$(field ca_file | sed 's/\\/\\\\/g')\""
    } | curl --config - --fail --silent --show-error --max-time 60 --noproxy '*' --output "$artefacts/$1" "$control/$2"
}

call export.ndjson 'export?world=all' || echo "::warning title=iluma-sandbox::the exchanges could not be exported"
call coverage.txt 'coverage?format=text' || echo "::warning title=iluma-sandbox::the coverage could not be exported"

# Writes the page of the inspector. Warnings fail a later step, because the artefact comes first.
set -- export --url "${control%/__sandbox}" --html "$artefacts/inspector.html"
[ -z "$SANDBOX_FAIL_ON" ] || set -- "$@" --fail-on "$SANDBOX_FAIL_ON"
[ -z "$(field ca_file)" ] || set -- "$@" --ca-file "$(field ca_file)"
code=0
why=$(ILUMA_SANDBOX_API_KEY=$(field api_key) ILUMA_SANDBOX_CONTROL_TOKEN=$(field control_token) iluma-sandbox "$@" 2>&1) || code=$?
case $code in
    0) ;;
    5)
        echo "::error title=iluma-sandbox::${why#iluma-sandbox: }"
        echo "warned=true" >>"$GITHUB_OUTPUT"
        ;;
    *) echo "::warning title=iluma-sandbox::the page could not be exported: $why" ;;
esac

{
    echo "### iluma-sandbox: export"
    echo
    if [ -s "$artefacts/export.ndjson" ]; then
        echo "The artefact \`$SANDBOX_NAME\` has $(wc -l <"$artefacts/export.ndjson" | tr -d ' ') exchanges and callbacks."
    else
        echo "The exchanges could not be exported."
    fi
    if [ -s "$artefacts/coverage.txt" ]; then
        printf '\n```text\n'
        head -n 100 "$artefacts/coverage.txt"
        echo '```'
    fi
} >>"$GITHUB_STEP_SUMMARY"
