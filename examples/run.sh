#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh - builds libnflow and trains RealNVP on two moons: `sh examples/run.sh`, from anywhere
#
# Installs what is missing through apt-get where it may (as root, or with a sudo that
# asks for no password); elsewhere it says what to install and changes nothing. The
# build goes into build/, the pictures and the model into ./out. Arguments go to the
# example, e.g. --preset book.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=${NFLOW_BUILD:-"$root/build"}
out=$(pwd)/out

. "$root/tests/support/install.sh"
need_tools cc:build-essential c++:build-essential meson:meson ninja:ninja-build pkg-config:pkg-config
need_libraries jansson:libjansson-dev check:check cairo:libcairo2-dev cblas:libopenblas-dev
install_missing

[ -f "$build/build.ninja" ] || meson setup --buildtype=release "$build" "$root"
ninja -C "$build" examples/two_moons

mkdir -p "$out"
"$build/examples/two_moons" "$out" "$@"
echo
echo "pictures and model:"
for file in "$out"/two_moons*; do
    echo "  $file"
done
