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
"$python" -m pip install --quiet --disable-pip-version-check 'maturin==1.16.0' 'wheel==0.48.0'
cd clients/python
"$python" -m maturin build --release --locked --target "$target" --out "$out"

# The binary is static, so a wheel for Linux with glibc also runs with musl (Alpine). maturin writes tags of only one kind.
case $target in
    *linux*)
        for wheel in "$out"/iluma_sandbox-*manylinux*"_${target%%-*}".whl; do
            "$python" -m wheel tags --remove --platform-tag "+musllinux_1_1_${target%%-*}" "$wheel"
        done
        ;;
esac
