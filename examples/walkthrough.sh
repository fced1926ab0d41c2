#!/usr/bin/env bash
# Sends the curls of Iluma's documentation to a sandbox; only the host is changed.
#   examples/walkthrough.sh                  uses the sandbox at ILUMA_SANDBOX_URL or at port 4586; if none runs, it starts
#                                            a built or installed binary
#   SANDBOX=path examples/walkthrough.sh     starts that binary
set -euo pipefail
cd "$(dirname "$0")/.."
source examples/sandbox.sh

use_or_start_sandbox
# A token is good for one reply, and a sandbox that runs already may have seen others.
TOKEN=walkthrough-$$-$(date +%s)
KEY=iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw

# Shows a request, sends it, shows the reply, and fails if it does not contain the text that the documentation prints.
try() { # what it is, what the reply must hold, curl's arguments
  local what=$1 expected=$2 reply
  shift 2
  show_step examples/walkthrough.sh "$what"
  reply=$(curl --silent --show-error "$@")
  printf '%s\n' "$reply"
  case $reply in *"$expected"*) ;; *) printf 'expected %s in the reply\n' "$expected" >&2; exit 1 ;; esac
}

try 'Is it up?' '"status":"ok"' "$URL/health"

try 'The callback token, with the key as user name' '"callback_authentication_token":"' \
  "$URL/v1/callback/authentication_tokens" -u "$KEY:"

try 'The same, with the header written by hand' '"callback_authentication_token":"' \
  "$URL/v1/callback/authentication_tokens" \
  -H 'Authorization: Basic aWx1bWFfZGV2ZWxvcG1lbnRfRlg0ZjBNNXN4RGdrNXFGeVpuazYwWmVuZ0FmQTlvMzF4M2VjZDI5dmloamM0Vmh5SjhGY2xaaEhqanc6'

try 'API keys for a one-time token' '"environment":"LIVE"' \
  "$URL/businesses/5abc/api_keys?token=$TOKEN" -X GET

try 'The token works once' '"error_code":"TOKEN_ALREADY_USED_ERROR"' \
  "$URL/businesses/5abc/api_keys?token=$TOKEN" -X GET

try 'Screen an individual' '"names":["Eko Hadi Salim"],"score":100' \
  "$URL/v0/identity/individual_cft_peps" -X POST -u "$KEY:" -H 'Content-Type: application/json' \
  -d '{
        "given_names": "Eko Hadi Salim",
        "user_id":"foo123",
        "nationality": "ID",
        "score_threshold": 90,
        "scopes": ["PEP"]
    }'

try 'Read a screening back' '"id":"cftpi_934b0e7e-2ae8-441d-86af-6304b74d504f"' \
  "$URL/v0/identity/individual_cft_peps/cftpi_934b0e7e-2ae8-441d-86af-6304b74d504f" -X GET -u "$KEY:"

try 'Screen a business' '"name":"IBM Corporation"' \
  "$URL/v0/identity/entity_cft_peps" -X POST -u "$KEY:" -H 'Content-Type: application/json' \
  -d '{
        "name": "IBM Corporation",
        "user_id": "foo123",
        "business_domicile": "US",
        "score_threshold": 90,
        "scopes": ["PEP"]
    }'

try 'Read it back' '"names":["Intel Corp","Intel Corporation"]' \
  "$URL/v0/identity/entity_cft_peps/cftpi_934b0e7e-2ae8-441d-86af-6304b74d504f" -X GET -u "$KEY:"

try 'A listing by its id' '"dates_of_birth":["1943-03-11"]' \
  "$URL/v0/identity/entity_cft_peps/2dc667a4-d232-4d51-a561-631ce966fb2c" -X GET -u "$KEY:"

try 'Verify an id card with a selfie' '"is_found":true' \
  "$URL/v0/identity/id_card_verifications" -X POST -u "$KEY:" \
  -F 'name="penito kristian"' \
  -F 'id_card_number="3275031210930027"' \
  -F 'birthdate="12-10-1991"' \
  -F 'birthplace="Ketapang"' \
  -F 'address="Alinda kencana blok E"' \
  -F 'selfie=@"examples/selfie.png"'

try 'Ask for an answer by x-magic-reply, without a body' '"failure_reason":"TEMPORARY_NETWORK_ERROR"' \
  "$URL/v1.1/identity/bank_account_data_requests" -X POST -u "$KEY:" \
  -H 'x-magic-reply: FAILED_TEMPORARY_NETWORK_ERROR'

try 'Everything that is wrong with a request at once' '"errors":[{"path":"user_id","message":"is required"}' \
  "$URL/v0/identity/individual_cft_peps" -X POST -u "$KEY:" -d '{"scopes": []}'

printf '\nEvery curl of the documentation was answered.\n'
