#!/bin/sh
# Builds libnflow and runs every test. Installs what is missing through apt-get where it may; otherwise says what is missing and
# changes nothing. Usage: sh tests/run.sh
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/tests/support/install.sh"
need_tools cc:build-essential c++:build-essential meson:meson ninja:ninja-build pkg-config:pkg-config python3:python3
need_libraries jansson:libjansson-dev check:check cairo:libcairo2-dev cblas:libopenblas-dev
install_missing

build=${NFLOW_BUILD:-"$here/build-test"}
[ -f "$build/build.ninja" ] || meson setup "$build" "$here" --buildtype=release
ninja -C "$build"
meson test -C "$build" --print-errorlogs --no-rebuild
