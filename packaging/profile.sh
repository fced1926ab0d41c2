#!/bin/sh
# Prints the path of a profile for the compiler. It builds an instrumented binary and uses it as its users do (train.py):
#     PROFILE=$(packaging/profile.sh) packaging/binary.sh OUT
# With the profile, code that is used often becomes faster, code that is never used becomes smaller, and what a start uses
# lies together. It needs python3 and the compiler's llvm-profdata: `rustup component add llvm-tools`, or the same version from
# elsewhere, named by LLVM_PROFDATA. The binary is run, so this makes profiles only for the machine's own target.
set -eu
cd "$(dirname "$0")/.."
target=$(rustc -vV | sed -n 's/^host: //p')
tool=${LLVM_PROFDATA:-$(rustc --print sysroot)/lib/rustlib/$target/bin/llvm-profdata}
if ! command -v "$tool" >/dev/null; then
    echo "profile.sh: there is no $tool: run \`rustup component add llvm-tools\`" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset PROFILE # an earlier one is not used
# shellcheck source=packaging/flags.sh
. packaging/flags.sh
RUSTFLAGS="$RUSTFLAGS -C profile-generate -C llvm-args=-pgo-temporal-instrumentation" # the latter notes the order too
# The optimisation of the whole program takes most of the time, and comes after the code that counts was added. It has the
# level of the last crate. (Another profile of Cargo would change the names of all functions, which the compiler looks up.)
cargo rustc --release --locked --bin iluma-sandbox --target "$target" -- -C opt-level=0 >&2
folder=${CARGO_TARGET_DIR:-target}
cp "$folder/$target/release/iluma-sandbox" "$work/instrumented"
LLVM_PROFILE_FILE=$work/%p.profraw packaging/train.py "$work/instrumented" >&2
"$tool" merge --output "$work/profile" "$work"/*.profraw

# Cargo sees a new path, but not that a file has changed. The compiler wants an absolute path.
mkdir -p "$folder/profiles"
path=$(cd "$folder/profiles" && pwd)/$(cksum <"$work/profile" | cut -d ' ' -f 1).profdata
mv "$work/profile" "$path"
echo "$path"
