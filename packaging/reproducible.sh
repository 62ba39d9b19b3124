#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds twice, in two paths and two moods (time zone, locale, umask, place of the build folder), and compares byte by byte. Ends with 1
# and the names of what differs.
#
# usage: sh packaging/reproducible.sh library <tarball> <folder>    libnflow.so, libnflow.a, the command, by meson
#        sh packaging/reproducible.sh debian <tarball> <folder>     every .deb; the first build stays in <folder>/one
set -eu
here=$(cd "$(dirname "$0")" && pwd)
what=$1
tarball=$2
folder=$(mkdir -p "$3" && cd "$3" && pwd)
other="$folder/two/a-longer-path"
[ "$what" = library ] && other="$folder/two/a longer path" # dpkg maps no path that has a blank
mkdir -p "$folder/one" "$other"

same() {
    if ! cmp "$1" "$2"; then
        if command -v diffoscope >/dev/null 2>&1; then diffoscope --max-report-size 20000 "$1" "$2" || true; fi
        exit 1
    fi
    echo "the same in both: $(basename "$1"), $(sha256sum "$1" | cut -c 1-16)"
}

# quietly <log> command ...
quietly() {
    log=$1
    shift
    "$@" >"$log" 2>&1 || { tail -40 "$log" >&2; exit 1; }
}

# One library: <source> <build folder>
build_library() {
    quietly "$folder/setup.log" meson setup "$2" "$1" --prefix=/usr --buildtype=release -Dtests=false -Dexamples=false -Dbench=false
    quietly "$folder/ninja.log" ninja -C "$2"
}

if [ "$what" = library ]; then
    tar xf "$tarball" -C "$folder/one"
    tar xf "$tarball" -C "$other"
    source=$(basename "$tarball" .tar.xz)
    build_library "$folder/one/$source" "$folder/one/$source/build"
    (
        umask 077
        export TZ=Pacific/Kiritimati LC_ALL=C.UTF-8
        build_library "$other/$source" "$folder/two/build"
    )
    for name in $(cd "$folder/one/$source/build" && find lib tools cmake meson-private -maxdepth 1 -type f -name '*nflow*' \
        ! -name '*.symbols' ! -name 'nflow-uninstalled.pc' | sort); do
        same "$folder/one/$source/build/$name" "$folder/two/build/$name"
    done
else
    sh "$here/deb.sh" "$tarball" "$folder/one"
    (
        umask 002
        export TZ=Pacific/Kiritimati LC_ALL=C.UTF-8
        sh "$here/deb.sh" "$tarball" "$other" -b
    )
    for package in "$folder"/one/*.deb; do
        same "$package" "$other/$(basename "$package")"
    done
fi
