#!/usr/bin/env bash
# Checks the documents with general tools: a validator of OpenAPI 3.1, schemathesis, which sends requests that
# the document allows and checks every reply, and newman, which runs the Postman collection. Needs python3 with
# venv, node with npm, and the network to fetch them.
set -euo pipefail
sandbox=${SANDBOX:?the path of a built iluma-sandbox, from the root}
work=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cp "$(dirname "$0")"/{requirements.txt,schemathesis.toml,schemathesis_hooks.py,package.json,package-lock.json} "$work"
cd "$work" # schemathesis keeps what it learns where it runs

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt
npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$work"

"$sandbox" serve --port 0 --ready-file "$work/ready.json" --log-format off >"$work/out" &
pid=$!
for _ in $(seq 100); do
  [ -s "$work/ready.json" ] && break
  sleep 0.1
done
ready() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/ready.json" "$1"; }
url=$(ready url)

echo "--- the document is sound"
"$sandbox" openapi >"$work/printed.json"
"$sandbox" openapi --strict >"$work/strict.json"
curl --silent --fail "$url/openapi.json" --output "$work/served.json"
for document in "$work"/{printed,strict,served}.json; do
  "$work/venv/bin/openapi-spec-validator" "$document"
done

echo "--- every reply is one that the document allows"
SCHEMATHESIS_HOOKS=schemathesis_hooks PYTHONPATH=. \
  "$work/venv/bin/schemathesis" run "$url/openapi.json" \
  --auth "$(ready api_key):" \
  --checks only_asked_for_server_errors,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance \
  --phases examples,coverage,fuzzing,stateful --max-examples 10 --max-time 150 \
  --warnings off --no-color

echo "--- the Postman collection runs green"
"$sandbox" postman >"$work/collection.json"
"$sandbox" postman --environment --url "$url" --api-key "$(ready api_key)" >"$work/environment.json"
"$work/node_modules/.bin/newman" run "$work/collection.json" --environment "$work/environment.json" \
  --reporters cli --reporter-cli-no-success-assertions --reporter-cli-no-banner --color off |
  tail -n 25
