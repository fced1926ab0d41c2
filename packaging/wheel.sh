#!/bin/sh
# Builds the wheel of clients/python, including the binary of packaging/binary.sh, into the folder OUT. Puts the list of its
# crates (a CycloneDX document) beside it:
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
case $target in *linux*) set -- --compatibility manylinux2014 ;; *) set -- ;; esac
"$python" -m maturin build --release --locked --target "$target" "$@" --out "$out"

# The binary is static, so the wheel for glibc is also one for musl (Alpine). maturin writes tags of only one kind.
case $target in
    *linux*)
        for wheel in "$out"/iluma_sandbox-*"_${target%%-*}".whl; do
            "$python" -m wheel tags --remove --platform-tag "+musllinux_1_1_${target%%-*}" "$wheel"
        done
        ;;
esac

# maturin puts the list into the wheel.
"$python" - "$out" "$target" <<'PYTHON'
import pathlib, sys, zipfile
out, target = pathlib.Path(sys.argv[1]), sys.argv[2]
[wheel] = out.glob("iluma_sandbox-*.whl")
with zipfile.ZipFile(wheel) as files:
    [name] = [name for name in files.namelist() if name.endswith(".cyclonedx.json")]
    (out / f"iluma-sandbox-{target}.cdx.json").write_bytes(files.read(name))
PYTHON
