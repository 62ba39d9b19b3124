#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Debian packages of a release tarball: unpacks it in a folder and builds there; packages, .changes and build.log are left in the folder.
# The tests of the library run unless DEB_BUILD_OPTIONS has nocheck.
#
# usage: sh packaging/deb.sh <tarball> <folder> [options of dpkg-buildpackage]
set -eu
tarball=$1
folder=$2
shift 2
mkdir -p "$folder"
version=$(basename "$tarball" .tar.xz)
version=${version#nflow-}
cp "$tarball" "$folder/libnflow_$version.orig.tar.xz"
cd "$folder"
tar xf "libnflow_$version.orig.tar.xz"
cd "nflow-$version"
if ! dpkg-buildpackage -us -uc "$@" >../build.log 2>&1; then
    grep -nE 'error|FAIL|Error' ../build.log | head -20 >&2 || true
    tail -40 ../build.log >&2
    exit 1
fi
