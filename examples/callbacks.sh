#!/usr/bin/env bash
# Callbacks from the command line: an inbox as the receiver, a pending record, a clock that is moved forward,
# the delivery log, a misbehaviour, a callback without a request.
#   examples/callbacks.sh                starts a built or installed binary
#   SANDBOX=path examples/callbacks.sh   starts that binary
set -euo pipefail
cd "$(dirname "$0")/.."
source examples/sandbox.sh

start_sandbox
KEY=iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw
BANK=$URL/v1.1/identity/bank_account_data_requests

# Shows the reply to a request, and fails if it does not contain the expected text.
try() { # what it is, what the reply must hold, curl's arguments
  local what=$1 expected=$2
  shift 2
  show_step examples/callbacks.sh "$what"
  reply=$(curl --silent --show-error -u "$KEY:" "$@")
  printf '%s\n' "$reply"
  case $reply in *"$expected"*) ;; *) printf 'expected %s in the reply\n' "$expected" >&2; exit 1 ;; esac
}

try 'Where nobody listens, no URL is registered' 'connection refused' \
  "$URL/v1/callback/urls" -d '{"type": "NAME_VALIDATOR_REQUEST", "url": "http://127.0.0.1:1/"}'

try 'Register an inbox of the sandbox itself: it takes the test callback' '"status":"SUCCESSFUL"' \
  "$URL/v1/callback/urls" -d "{\"type\": \"NAME_VALIDATOR_REQUEST\", \"url\": \"$URL/__sandbox/inbox/mine\"}"

try 'Ask for a record that is pending, and completed a second later' '"status":"PENDING"' \
  "$BANK" -X POST -H 'x-magic-reply: PENDING_THEN_COMPLETED_FOUND'
id=$(printf '%s' "$reply" | sed -E 's/.*"id":"([^"]+)".*/\1/')

try 'Move the clock on: the record changes, then its callback leaves' '"now":"2026-01-01T00:01:00.000Z"' \
  "$URL/__sandbox/clock/advance" -d '{"by": "1m"}'

try 'The record is what the callback said' '"status":"COMPLETED"' "$BANK/$id"

try 'The delivery log of one record' '"state":"delivered"' "$URL/__sandbox/deliveries?record=$id&state=delivered&wait=5s"

try 'What the inbox received, newest first' "$id" "$URL/__sandbox/inbox/mine?after_seq=1"
case $reply in *'"x-callback-token"'*) ;; *) printf 'expected a token among the headers\n' >&2; exit 1 ;; esac

try 'Ask for a callback that comes twice' '"status":"COMPLETED"' \
  "$BANK" -X POST -H 'x-magic-reply: COMPLETED_FOUND; callback=duplicate'

try 'Wait until both have gone; the log says that it was on purpose' '"on_purpose":"duplicate"' \
  "$URL/__sandbox/deliveries?state=delivered&after_seq=1&wait=5s&count=2"

try 'Fire a callback without a request, with a value of your own' '"state":' \
  "$URL/__sandbox/trigger" \
  -d '{"type": "NAME_VALIDATOR_REQUEST", "outcome": "COMPLETED_FOUND", "set": {"result.is_found": false}}'
id=$(printf '%s' "$reply" | sed -E 's/.*"record":"([^"]+)".*/\1/')

try 'The record that it told of can be read' '"is_found":false' "$BANK/$id"

try 'Nothing is pending any more' '"status":"idle"' "$URL/__sandbox/idle?wait=5s"

try 'Five callbacks came: the test, the completed one, the two, the one that was fired' '"seq":5' \
  "$URL/__sandbox/inbox/mine?after_seq=4"

try 'Empty the world for the next test' '"cancelled_callbacks":0' "$URL/__sandbox/reset" -X POST

printf '\nEvery callback did as it was told.\n'
