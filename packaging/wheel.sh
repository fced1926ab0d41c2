#!/bin/sh
# Builds the wheel of clients/python, with the binary of packaging/binary.sh in it, into the folder OUT:
#     packaging/wheel.sh OUT [TARGET]
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
target=${2:-$(rustc -vV | sed -n 's/^host: //p')}

cd "$(dirname "$0")/../clients/python"
python3 -m venv "$out/.maturin"
python=$out/.maturin/bin/python
[ -x "$python" ] || python=$out/.maturin/Scripts/python.exe
"$python" -m pip install --quiet --disable-pip-version-check 'maturin>=1.9,<2'
# Flags and profile as in binary.sh, so that nothing is compiled twice.
RUSTFLAGS="-C target-feature=+crt-static" CARGO_PROFILE_RELEASE_STRIP=symbols \
    "$python" -m maturin build --release --locked --target "$target" --out "$out"
rm -rf "$out/.maturin"
