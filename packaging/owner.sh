#!/bin/sh
# Replaces the placeholder in the whole repository by who publishes it: `packaging/owner.sh NAME`, a user or organisation of
# GitHub.
set -eu
name=$1
case $name in '' | *[!0-9A-Za-z-]*) echo "\`$name\` is not the name of a user or organisation" >&2 && exit 1 ;; esac
small=$(printf %s "$name" | tr '[:upper:]' '[:lower:]') # the names of images have no capital letters
cd "$(dirname "$0")/.."
git grep --files-with-matches 'OWNER/iluma-sandbox' -- ':!packaging/owner.sh' | while read -r file; do
    sed "s#ghcr\.io/OWNER/iluma-sandbox#ghcr.io/$small/iluma-sandbox#g; s#OWNER/iluma-sandbox#$name/iluma-sandbox#g" "$file" >"$file.new"
    cat "$file.new" >"$file" # keeps its mode
    rm "$file.new"
done
