#!/bin/sh
# Builds the wheel of clients/python, including the binary of packaging/binary.sh, into the folder OUT:
#     packaging/wheel.sh OUT [TARGET]
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
target=${2:-$(rustc -vV | sed -n 's/^host: //p')}

cd "$(dirname "$0")/.."
# shellcheck source=packaging/flags.sh
. packaging/flags.sh
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools"
python=$tools/bin/python
[ -x "$python" ] || python=$tools/Scripts/python.exe
"$python" -m pip install --quiet --disable-pip-version-check 'maturin==1.16.0'
cd clients/python
"$python" -m maturin build --release --locked --target "$target" --out "$out"
