# shellcheck shell=sh disable=SC2089,SC2090
# Sourced by binary.sh and wheel.sh, with $target set: how released binaries are compiled, so that what one of them has
# compiled the other takes.

# Nothing needed beside the binary: on Linux no loader and no libc, on Windows no runtime. Since a target is named, the
# flag stays off build scripts and macros, which cannot be static.
RUSTFLAGS="-C target-feature=+crt-static"
case ${target:?} in
    # The kernel's own call for random bytes. A static binary cannot look up whether its libc has one, and would open
    # /dev/urandom instead, which is not everywhere. The quotes are rustc's.
    *linux*) RUSTFLAGS="$RUSTFLAGS --cfg getrandom_backend=\"linux_getrandom\"" ;;
esac
export RUSTFLAGS
export CARGO_PROFILE_RELEASE_STRIP=symbols
