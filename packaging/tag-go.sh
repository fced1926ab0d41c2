#!/bin/sh
# Tags the Go module of a release: `packaging/tag-go.sh vVERSION COMMIT`. A module in a folder of a repository has a tag of its
# own, clients/go/vVERSION. Needs gh, its token, and GITHUB_REPOSITORY.
set -eu
tag=clients/go/$1 commit=$2
cd "$(dirname "$0")/.."
module=$(sed -n 's/^module //p' clients/go/go.mod)
expected=github.com/${GITHUB_REPOSITORY:?}/clients/go
if [ "$module" != "$expected" ]; then
    echo "::notice title=Go module::not tagged, because go.mod names $module and not $expected: run packaging/owner.sh"
    exit
fi
gh api "repos/$GITHUB_REPOSITORY/git/refs" --raw-field "ref=refs/tags/$tag" --raw-field "sha=$commit" --silent
echo "tagged $tag"
