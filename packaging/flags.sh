# shellcheck shell=sh disable=SC2089,SC2090
# The compiler flags of released binaries. binary.sh, wheel.sh and profile.sh source this file with $target set. The
# first two use the same flags, so that one can reuse what the other has compiled.

# The binary needs no other files: on Linux no loader and no libc, on Windows no runtime. Because a target is named, the
# flag does not apply to build scripts and macros, which cannot be static.
RUSTFLAGS="-C target-feature=+crt-static"
case ${target:?} in
    # Use the system call for random bytes. A static binary cannot find out whether its libc has one, and would open
    # /dev/urandom instead, which does not exist everywhere. rustc needs the quotes.
    *linux*) RUSTFLAGS="$RUSTFLAGS --cfg getrandom_backend=\"linux_getrandom\"" ;;
esac
# Half a megabyte of addresses that the start of the program corrects is packed into nine kilobytes. The start code of
# older C libraries cannot read that form.
case $target-$(getconf GNU_LIBC_VERSION 2>/dev/null) in
    *linux-gnu-*" 2."[0-9] | *linux-gnu-*" 2."[12][0-9] | *linux-gnu-*" 2.3"[0-5]) ;;
    *linux-gnu-glibc*) RUSTFLAGS="$RUSTFLAGS -C link-arg=-Wl,-z,pack-relative-relocs" ;;
esac
# This is no setting of the profile, because Cargo ignores it for packages with an `opt-level` of their own.
RUSTFLAGS="$RUSTFLAGS -C strip=symbols"
# A profile of profile.sh. It does not fit some functions of the last crate, which were counted without optimisation.
if [ -n "${PROFILE:-}" ]; then
    RUSTFLAGS="$RUSTFLAGS -C profile-use=$PROFILE -C llvm-args=-no-pgo-warn-mismatch"
    # LLVM's linker lays the functions of a start side by side, and those that are never used apart, so that fewer pages are
    # read. Rust has it for this target.
    case $target in
        x86_64-unknown-linux-gnu)
            layout=--irpgo-profile=$PROFILE,--bp-startup-sort=function,-z,keep-text-section-prefix
            RUSTFLAGS="$RUSTFLAGS -C link-arg=-Wl,$layout"
            ;;
    esac
fi
export RUSTFLAGS
