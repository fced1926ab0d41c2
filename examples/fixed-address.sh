#!/bin/sh
# Runs a command for which https://api.iluma.ai is a sandbox, for code whose address cannot be changed:
#
#     examples/fixed-address.sh npm test
#
# It needs Linux, unshare, mount and ip, and no privileges. The command has a network of its own in which only this machine
# can be reached, and an /etc/hosts of its own. SANDBOX names the binary; SANDBOX_FLAGS are more flags of `serve`.
set -eu
: "${SANDBOX:=iluma-sandbox}"

if [ "${1:-}" != --inside ]; then
    user='--user --map-root-user' # root of the new network alone, so that port 443 can be opened
    [ "$(id -u)" != 0 ] || user=
    # shellcheck disable=SC2086 # two words, or none
    exec unshare $user --net --mount "$0" --inside "$@"
fi
shift

ip link set lo up
hosts=$(mktemp)
{ echo '127.0.0.1 api.iluma.ai' && cat /etc/hosts; } >"$hosts"
mount --bind "$hosts" /etc/hosts
rm "$hosts" # the mount holds it

# A proxy cannot be reached from here.
export NO_PROXY="api.iluma.ai,${NO_PROXY:-}" no_proxy="api.iluma.ai,${no_proxy:-}"
# curl, Node, Python, Ruby, Go and OpenSSL read these. `iluma-sandbox ca trust-help` says what others need.
# shellcheck disable=SC2016,SC2086 # the inner shell fills the variable in; the flags are words
exec "$SANDBOX" exec --tls --port 443 --tls-host api.iluma.ai ${SANDBOX_FLAGS:-} -- sh -c '
    export SSL_CERT_FILE="$ILUMA_SANDBOX_CA_FILE" CURL_CA_BUNDLE="$ILUMA_SANDBOX_CA_FILE"
    export NODE_EXTRA_CA_CERTS="$ILUMA_SANDBOX_CA_FILE" REQUESTS_CA_BUNDLE="$ILUMA_SANDBOX_CA_FILE"
    exec "$@"' sh "$@"
