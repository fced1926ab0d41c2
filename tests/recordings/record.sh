#!/usr/bin/env bash
# Records tests/recordings/kept.jsonl anew. Do this when replies or callbacks were changed on purpose, and write into
# CHANGELOG.md what has changed, with the new digest that the test shows.
set -euo pipefail
cd "$(dirname "$0")"
sandbox=$(realpath "${SANDBOX:-../../target/debug/iluma-sandbox}")
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

rm -f kept.jsonl
"$sandbox" serve --port 0 --log-format off --scenarios mine --record kept.jsonl --ready-file "$work/ready.json" \
  --callback-signing standard-webhooks --callback-retries 1s,2s >/dev/null &
server=$!
until [ -s "$work/ready.json" ]; do :; done
url=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["url"])' "$work/ready.json")
key=iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw
bank=$url/v1.1/identity/bank_account_data_requests
screening=$url/v0/identity/individual_cft_peps

ask() { curl --silent --output /dev/null --user-agent test --user "$key:" "$@"; }
post() { ask "$1" --header 'content-type: application/json' --data "$2"; }
tell() { ask "$url/__sandbox/$1" "${@:2}"; }

post "$bank" '{"bank_account_number":"1234567890","bank_code":"BCA"}'
post "$bank" '{"bank_account_number":"1234567890","bank_code":"BCA"}'
post "$bank" '{"bank_account_number": "7000000001", "bank_code": "BCA"}'
post "$url/v1/callback/urls" "{\"type\":\"NAME_VALIDATOR_REQUEST\",\"url\":\"$url/__sandbox/inbox/kept\"}"
post "$url/v1/callback/urls" '{"type":"ENTITY_CFT_PEP","url":"http://127.0.0.1:1/"}'
ask "$url/v1/callback/urls"
for magic in PENDING_THEN_COMPLETED_NOT_FOUND COMPLETED_FOUND 'COMPLETED_FOUND; callback=duplicate' \
  'COMPLETED_FOUND; callback=late(2s)' 'COMPLETED_FOUND; delay=5ms' API_VALIDATION_ERROR NOTHING; do
  ask "$bank" --request POST --header "x-magic-reply: $magic"
done
tell next --data '{"endpoint":"v1.1/bank_account_data_requests","outcome":"PENDING","times":2}'
post "$bank" '{"bank_account_number":"3","bank_code":"BCA","reference_id":"third"}'
tell clock/advance --data '{"by":"10m"}'
post "$bank" '{"bank_account_number":"3","bank_code":"BCA","reference_id":"third"}'
post "$bank" '{"bank_account_number":"3","bank_code":"BCA","reference_id":"third"}'
tell faults --request PUT --data \
  '{"faults":[{"fault":"status(503)","probability":0.5},{"rate_limit":{"limit":4,"window":"1m"}}]}'
for _ in 1 2 3 4 5 6; do post "$bank" '{"bank_account_number":"5","bank_code":"BCA"}'; done
tell faults --request DELETE
person='"given_names":"Eko Hadi Salim","user_id":"foo123","nationality":"ID","score_threshold":90'
post "$screening" "{$person,\"scopes\":[\"PEP\"]}"
post "$screening" "{$person,\"scopes\":[\"CFT\",\"PEP\"]}"
ask "$screening" --data 'given_names=Eko+Hadi&user_id=%C3%A9&nationality=ID&score_threshold=90&scopes=PEP'
post "$screening" '{"given_names":"Eko"'
post "$screening" '{ "given_names" : "A", "user_id": 1.50 }'
printf '{"image":"%s","type":"KTP"}' "$(base64 -w0 ../../examples/selfie.png)" >"$work/card.json"
post "$url/v1/identity/id_card_images" "@$work/card.json"
ask "$url/v0/identity/id_card_verifications" --form name=Testy --form selfie=@../../examples/selfie.png
tell trigger --data '{"type":"NAME_VALIDATOR_REQUEST","set":{"result.is_found":false}}'
tell callback_urls --request PUT --data "{\"type\":\"INDIVIDUAL_CFT_PEP\",\"url\":\"$url/__sandbox/inbox/kept\"}"
ask "$screening" --request POST --header 'x-magic-reply: COMPLETED_FOUND'
tell 'idle?wait=60s'
tell deliveries/dlv_1/redeliver --request POST
tell 'idle?wait=60s'
tell reset --request POST
post "$bank" '{"bank_account_number":"1234567890","bank_code":"BCA"}'
kill "$server"
wait "$server"
