# shellcheck shell=bash
# Finds or starts the sandbox of the examples, and shows how far they are. The examples read this file with `source`.

# The port that `iluma-sandbox` listens on by itself.
RUNNING=http://127.0.0.1:4586

# A proxy cannot reach the sandbox.
export no_proxy="${no_proxy:+$no_proxy,}127.0.0.1,localhost"

# The built binary, the newest first; else the installed one; else one that is built now.
find_binary() {
  local target=${CARGO_TARGET_DIR:-target} built='' binary
  for binary in "$target"/{release,debug}/iluma-sandbox; do
    [ -x "$binary" ] && { [ -z "$built" ] || [ "$binary" -nt "$built" ]; } && built=$binary
  done
  if [ -n "$built" ]; then
    printf '%s\n' "$built"
  elif command -v iluma-sandbox; then
    return
  else
    printf 'There is no binary yet. It is built now, which takes a few minutes.\n' >&2
    cargo build >&2
    printf '%s\n' "$target/debug/iluma-sandbox"
  fi
}

# Starts the binary SANDBOX, or the one that is found, on a free port. Sets URL. It is stopped at the end of the script.
start_sandbox() {
  SANDBOX=${SANDBOX:-$(find_binary)}
  printf 'Starting %s …\n' "$SANDBOX"
  folder=$(mktemp -d)
  "$SANDBOX" serve --port 0 --ready-file "$folder/ready.json" --log-format off >/dev/null &
  sandbox=$!
  trap 'kill $sandbox 2>/dev/null; wait $sandbox 2>/dev/null || true; rm -rf "$folder"' EXIT
  for _ in $(seq 100); do
    [ -s "$folder/ready.json" ] && break
    sleep 0.1
  done
  if ! [ -s "$folder/ready.json" ]; then
    printf 'The sandbox has not started within 10 s.\n' >&2
    exit 1
  fi
  URL=$(sed -E 's/.*"url":"([^"]+)".*/\1/' "$folder/ready.json")
}

answers() { # a URL
  curl --silent --fail --max-time 2 "$1/__sandbox/readyz" 2>/dev/null | grep -q '"status":"ready"'
}

# Uses the sandbox at ILUMA_SANDBOX_URL or at the usual port, and starts one if none runs there. SANDBOX always starts one.
use_or_start_sandbox() {
  if [ -n "${SANDBOX:-}" ]; then
    start_sandbox
  elif [ -n "${ILUMA_SANDBOX_URL:-}" ]; then
    URL=${ILUMA_SANDBOX_URL%/}
    if ! answers "$URL"; then
      printf 'No sandbox answers at ILUMA_SANDBOX_URL, %s.\n' "$URL" >&2
      exit 1
    fi
    printf 'Using the sandbox that runs at %s.\n' "$URL"
  elif answers "$RUNNING"; then
    URL=$RUNNING
    printf 'Using the sandbox that runs at %s.\n' "$URL"
  else
    start_sandbox
  fi
}

STEP=0

# The number of the step and what it is. The script calls `try` once for each step.
show_step() { # the script, what the step is
  STEP=$((STEP + 1))
  printf '\n[%d/%d] %s\n' "$STEP" "$(grep -c "^try '" "$1")" "$2"
}
