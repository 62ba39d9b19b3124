#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh - builds libnflow, trains RealNVP on two moons, FFJORD on two spirals, flows on densities and simulations, GLOW on pictures of clothes: `sh examples/run.sh`, from anywhere
#
# Installs what is missing through apt-get where it may (as root, or with a sudo that
# asks for no password); elsewhere it says what to install and changes nothing. The
# build goes into build/, the pictures and the models into ./out. Arguments go to the
# first example, e.g. --preset book. GLOW takes 1.5 minutes, or those of NFLOW_MINUTES
# (25: as in the documents), and is left out, with the reason, when Fashion-MNIST is not
# there (apt install dataset-fashion-mnist).
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=${NFLOW_BUILD:-"$root/build"}
out=$(pwd)/out

. "$root/tests/support/install.sh"
need_tools cc:build-essential c++:build-essential meson:meson ninja:ninja-build pkg-config:pkg-config
need_libraries jansson:libjansson-dev check:check cairo:libcairo2-dev cblas:libopenblas-dev zlib:zlib1g-dev
install_missing

[ -f "$build/build.ninja" ] || meson setup --buildtype=release "$build" "$root"
ninja -C "$build" examples/two_moons examples/ffjord_toy examples/importance examples/hmc_target examples/posterior examples/glow_images

mkdir -p "$out"
"$build/examples/two_moons" "$out" "$@"
echo
"$build/examples/ffjord_toy" 2spirals --folder "$out" --steps 800
echo
for example in importance hmc_target posterior; do
    "$build/examples/$example" "$out"
    echo
done
code=0
"$build/examples/glow_images" "$out" --minutes "${NFLOW_MINUTES:-1.5}" || code=$?
[ $code = 0 ] || [ $code = 77 ] || exit $code # 77: no data, it has said so
echo
echo "pictures and models:"
for file in "$out"/two_moons* "$out"/ffjord* "$out"/importance* "$out"/hmc_target* "$out"/posterior* "$out"/fashion*; do
    if [ -e "$file" ]; then echo "  $file"; fi
done
