#!/bin/sh
# Installs a release of iluma-sandbox:
#
#     sh install.sh [--to FOLDER] [--version VERSION] [--cache FOLDER] [--base-url URL]
#
# It downloads the archive for this machine and the SHA256SUMS of the release. It unpacks the archive only if its checksum
# is the right one. It needs curl, tar, and sha256sum or shasum.
#
#     --to FOLDER       where to put the program; the default is ~/.local/bin
#     --version VERSION the release; the default is the one that this script belongs to
#     --cache FOLDER    keep both files there, and use them the next time if the checksum is still right
#     --base-url URL    where the releases are: URL/vVERSION/FILE
#
# Exit codes: 0 it is installed; 3 there is no such release; 1 anything else, and nothing was installed.
set -eu

say() { printf 'iluma-sandbox: %s\n' "$1" >&2; }

die() {
    say "$1"
    exit "${2:-1}"
}

# The name of this machine's archive has this target.
target() {
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64 | Linux-amd64) echo x86_64-unknown-linux-gnu ;; # static: for every libc
        Linux-aarch64 | Linux-arm64) echo aarch64-unknown-linux-gnu ;;
        Darwin-x86_64) echo x86_64-apple-darwin ;;
        Darwin-arm64) echo aarch64-apple-darwin ;;
        MINGW*-* | MSYS*-* | CYGWIN*-*) echo x86_64-pc-windows-msvc ;; # Windows on arm64 runs it too
        *) die "there is no binary for $(uname -s) on $(uname -m); build it from source with cargo" ;;
    esac
}

sha256_of() {
    if command -v sha256sum >/dev/null; then
        sha256sum <"$1" | cut -d ' ' -f 1
    else
        shasum -a 256 <"$1" | cut -d ' ' -f 1
    fi
}

# Prints the HTTP status; 000 if there was no answer.
download() {
    case $base_url in https://*) protocols='=https' ;; *) protocols='=http,https,file' ;; esac
    curl --silent --show-error --location --retry 3 --proto "$protocols" --proto-redir "$protocols" \
        --write-out '%{http_code}' --output "$2" "$base_url/v$version/$1" || true
}

# The checksum that the release has for the archive, or nothing.
expected() {
    sed -n "s/^\([0-9a-f]\{64\}\) [ *]$archive\$/\1/p" "$folder/SHA256SUMS"
}

is_whole() {
    [ -f "$folder/SHA256SUMS" ] && [ -f "$folder/$archive" ] && [ "$(sha256_of "$folder/$archive")" = "$(expected)" ]
}

fetch() {
    for file in SHA256SUMS "$archive"; do
        say "downloading $base_url/v$version/$file"
        status=$(download "$file" "$folder/$file")
        case $status-$file-$base_url in
            200-* | 000-*-file:*) [ -f "$folder/$file" ] || die "there is no release $version at $base_url" 3 ;;
            404-SHA256SUMS-*) die "there is no release $version at $base_url" 3 ;;
            *) die "$base_url/v$version/$file cannot be downloaded (HTTP status $status)" ;;
        esac
    done
    [ -n "$(expected)" ] || die "SHA256SUMS of release $version does not name $archive"
    is_whole || {
        found=$(sha256_of "$folder/$archive")
        rm -f "$folder/$archive" "$folder/SHA256SUMS"
        die "refused: the SHA-256 of $archive is $found, and the release says otherwise"
    }
}

main() {
    to=${HOME:-}/.local/bin version=0.1.0 cache=
    base_url=https://github.com/OWNER/iluma-sandbox/releases/download
    while [ $# -gt 0 ]; do
        case $1 in
            --to | --version | --cache | --base-url) [ -n "${2:-}" ] || die "$1 needs a value" ;;
            *) die "there is no option $1; there are --to, --version, --cache and --base-url" ;;
        esac
        case $1 in
            --to) to=$2 ;;
            --version) version=${2#v} ;;
            --cache) cache=$2 ;;
            --base-url) base_url=${2%/} ;;
        esac
        shift 2
    done
    case $version in *[!0-9A-Za-z.+-]*) die "$version is not a version, such as 0.1.0" ;; esac
    for tool in curl tar; do
        command -v "$tool" >/dev/null || die "$tool is needed and not here"
    done
    command -v sha256sum >/dev/null || command -v shasum >/dev/null ||
        die "neither sha256sum nor shasum is here, so a download cannot be verified"

    target=$(target)
    archive=iluma-sandbox-$target.tar.gz
    case $target in *windows*) program=iluma-sandbox.exe ;; *) program=iluma-sandbox ;; esac
    temporary=$(mktemp -d)
    trap 'rm -rf "$temporary"' EXIT
    folder=${cache:-$temporary/release}
    mkdir -p "$folder" "$to"
    is_whole || fetch

    # Through stdin, because tar takes the C: of a path for the name of a machine.
    tar -xzf - -C "$temporary" "$program" <"$folder/$archive" || die "$archive does not contain $program"
    chmod 755 "$temporary/$program"
    "$temporary/$program" --version >/dev/null || die "the program of $archive does not run on this machine"
    # In two steps, so that a program that is running is replaced as a whole.
    cp "$temporary/$program" "$to/.$program.$$"
    mv -f "$to/.$program.$$" "$to/$program"
    say "installed $to/$program"
    case :$PATH: in *:"$to":*) ;; *) say "$to is not on PATH" ;; esac
}

# The last line, so that a script that arrived only in part does nothing.
main "$@"
