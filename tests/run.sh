#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds libnflow and runs every test. Installs what is missing through apt-get where it may; otherwise says what is missing and
# changes nothing. The last line is `N passed, N failed`; the exit code tells whether anything failed.
#
# usage: sh tests/run.sh         gcc or whatever `cc` is: build and all tests, a few minutes
#        sh tests/run.sh all     warnings are errors, also with clang, under the sanitizers (tests/sanitize.sh), and as Debian packages
#                                (tests/packaging.sh), as in CI
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
mode=${1:-plain}
. "$here/tests/support/install.sh"
need_tools cc:build-essential c++:build-essential meson:meson ninja:ninja-build pkg-config:pkg-config python3:python3
need_libraries jansson:libjansson-dev check:check cairo:libcairo2-dev cblas:libopenblas-dev zlib:zlib1g-dev libpng:libpng-dev
if [ "$mode" = all ]; then
    need_tools clang:clang cmake:cmake abidiff:abigail-tools
fi
install_missing || exit 1
want_tools mandoc:mandoc groff:groff-base
. "$here/tests/support/stage.sh"

build=${NFLOW_BUILD:-"$here/build-test"}
werror=false
[ "$mode" = all ] && werror=true
stage plain "$build" --buildtype=release -Dwerror=$werror -- 
if [ "$mode" = all ]; then
    export CC=clang CXX=clang++
    stage clang "$here/build-clang" --buildtype=release -Dwerror=true -Dbench=false -- --suite unit --suite conformance --suite abi --suite packaging
    unset CC CXX
    NFLOW_LOGS=$logs sh "$here/tests/packaging.sh"
    NFLOW_LOGS=$logs sh "$here/tests/sanitize.sh" all
    NFLOW_LOGS=$logs sh "$here/tests/rust.sh" "$build"
    stage_script python sh "$here/tests/python.sh" "$build"
    stage_script convert sh "$here/tests/convert.sh"
fi
finish
