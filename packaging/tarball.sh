#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The release tarball of the last commit, by `meson dist`; prints its name. Its own tests: `meson dist` without --no-tests
# (packaging/release-check.sh). Changes that are not committed are not in it, and are mentioned.
#
# usage: sh packaging/tarball.sh <folder>
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mkdir -p "$1" && cd "$1" && pwd)
if [ ! -f "$folder/configured/build.ninja" ]; then
    meson setup "$folder/configured" "$root" -Dtests=false -Dexamples=false -Dbench=false >"$folder/configured.log" 2>&1 ||
        { cat "$folder/configured.log" >&2; exit 1; }
fi
if [ -n "$(git -C "$root" status --porcelain 2>/dev/null)" ]; then
    echo "not committed, not in the tarball: $(git -C "$root" status --porcelain | tr '\n' ' ')" >&2
fi
meson dist -C "$folder/configured" --no-tests --allow-dirty >"$folder/dist.log" 2>&1 || { cat "$folder/dist.log" >&2; exit 1; }
ls "$folder"/configured/meson-dist/nflow-*.tar.xz
