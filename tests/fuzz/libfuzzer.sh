#!/bin/sh
# Builds one fuzz target with clang's libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, and runs it.
# Usage: sh tests/fuzz/libfuzzer.sh model|checkpoint|csv|npy|idx|png|json [libFuzzer's options]
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
target=$1
shift
build=${NFLOW_BUILD:-"$here/build-libfuzzer"}
[ -f "$build/build.ninja" ] || CC="${CLANG:-clang}" CXX="${CLANGXX:-clang++}" meson setup "$build" "$here" --buildtype=debugoptimized -Dtests=false \
    -Dtools=false -Dexamples=false -Dbench=false -Dc_args=-fsanitize=fuzzer-no-link,address,undefined \
    -Dc_link_args=-fsanitize=address,undefined
ninja -C "$build" lib/libnflow.a
flags="$(pkg-config --cflags --libs jansson openblas 2>/dev/null || echo "-ljansson -lcblas") $(pkg-config --libs libpng zlib 2>/dev/null)"
cd "$here"
# shellcheck disable=SC2086
${CLANG:-clang} -g -O1 -std=c11 -D_GNU_SOURCE -DNFLOW_LIBFUZZER -fsanitize=fuzzer,address,undefined -Iinclude -Ilib -I"$build/include" -Itests/support \
    -Itests/fault "tests/fuzz/fuzz_$target.c" tests/fuzz/common.c tests/fuzz/custom_mutator.c tests/fault/fault.c tests/fault/samples.c \
    tests/support/support.c tests/support/alloc.c "$build/lib/libnflow.a" $flags -lm -lpthread -o "$build/fuzz_$target"
cd "$build"
exec "./fuzz_$target" "$@"
