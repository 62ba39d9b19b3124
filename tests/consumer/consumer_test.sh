#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What `meson install` installs, and programs built from it by pkg-config alone and by CMake alone: C and C++, shared and static, after
# the tree has been moved.
#
# usage: consumer_test.sh <root of the source> <build folder>
set -u
root=$1
build=$2
here="$root/tests/consumer"
strict="-Wall -Wextra -Wpedantic -Werror"
passed=0
failed=0

# check <name> <command ...>: one case
check() {
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name: $*"
        sed 's/^/    /' "$work/log"
    fi
}
refuse() { ! "$@"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
if ! DESTDIR="$work/stage" meson install -C "$build" --no-rebuild --quiet >"$work/log" 2>&1; then
    cat "$work/log"
    echo "0 passed, 1 failed"
    exit 1
fi
# The tree moves: nflow.pc must find itself. libdir is found, not assumed.
pc=$(find "$work/stage" -name nflow.pc)
prefix=$(dirname "$(dirname "$(find "$work/stage" -path '*include/nflow/nflow.h')")")
mv "$(dirname "$prefix")" "$work/moved"
prefix="$work/moved"
pc=$(find "$prefix" -name nflow.pc)
libdir=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"

# --- what is there
installed() { (cd "$prefix" && find . ! -type d | sed 's,^\./,,' | sort); }
expected() {
    lib=${libdir#"$prefix"/}
    (cd "$root" && find include/nflow -name '*.h' -o -name '*.hpp')
    echo "$lib/libnflow.a"
    echo "$lib/libnflow.so"
    echo "$lib/$soname"
    echo "$lib/$full"
    echo "$lib/pkgconfig/nflow.pc"
    echo "$lib/cmake/nflow/nflowConfig.cmake"
    echo "$lib/cmake/nflow/nflowConfigVersion.cmake"
    if [ -e "$build/tools/nflow" ]; then
        echo bin/nflow
        echo share/man/man1/nflow.1
    fi
    if [ -e "$build/docs/man/man3" ]; then # which pages there are is tests/docs/man_test.py's to say
        (cd "$build/docs/man" && find man3 man5 man7 -type f | sed 's,^,share/man/,')
    fi
}
same_list() {
    expected | sort >"$work/expected"
    installed | diff "$work/expected" -
}
soname=$(readelf -d "$libdir/libnflow.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
full=$(basename "$(readlink -f "$libdir/libnflow.so")")
version=$(sed -n "s/^project('nflow'.* version: '\([0-9.]*\)'.*/\1/p" "$root/meson.build")
abi=$(sed -n "s/^abi_version = '\([0-9.]*\)'/\1/p" "$root/meson.build")

check install__files_are_those_expected same_list
touch "$prefix/include/nflow/private.h"
check install__control_sees_a_stray_file refuse same_list
rm "$prefix/include/nflow/private.h"
check install__soname_is_of_the_abi_version test "$soname" = "libnflow.so.${abi%%.*}"
check install__file_is_of_the_abi_version test "$full" = "libnflow.so.$abi"
check install__links_lead_to_the_file test "$(readlink -f "$libdir/$soname")" = "$(readlink -f "$libdir/libnflow.so")"
has_runpath() { readelf -d "$1" | grep -E 'RPATH|RUNPATH'; }
check install__library_has_no_runpath refuse has_runpath "$libdir/libnflow.so"

# --- pkg-config
check pkgconfig__knows_the_version test "$(pkg-config --modversion nflow)" = "$version"
check pkgconfig__finds_itself_after_a_move test "$(pkg-config --variable=includedir nflow)" -ef "$prefix/include"
names_no_dependency() { case " $(pkg-config --libs nflow) " in *jansson* | *blas*) return 1 ;; esac; }
check pkgconfig__shared_flags_are_few names_no_dependency
names_every_dependency() {
    for word in -lnflow -ljansson blas -lm; do
        case "$(pkg-config --static --libs nflow)" in *"$word"*) ;; *) echo "no $word" && return 1 ;; esac
    done
}
check pkgconfig__static_flags_name_dependencies names_every_dependency
names_a_build_folder() { grep -n "$root\|$build\|$work/stage" "$pc" "$libdir"/cmake/nflow/*; }
check install__pc_and_cmake_name_no_folder refuse names_a_build_folder
# Headers are enough for --cflags: a provider of BLAS, whose .pc comes and goes with it, is no condition.
mkdir "$work/no-blas"
for name in jansson zlib libpng; do
    file="$(pkg-config --variable=pcfiledir "$name" 2>/dev/null)/$name.pc"
    if [ -e "$file" ]; then cp "$file" "$work/no-blas"; fi
done
without_blas() { PKG_CONFIG_LIBDIR="$work/no-blas" PKG_CONFIG_PATH="$(dirname "$pc")" pkg-config --cflags nflow; }
if grep -q 'Requires.private:.*blas' "$pc"; then
    echo "left out: flags without the .pc of BLAS: this BLAS is found by its .pc alone"
else
    check pkgconfig__flags_without_the_pc_of_blas without_blas
    rm "$work/no-blas/jansson.pc"
    check pkgconfig__control_a_required_pc_is_missed refuse without_blas
fi

# --- programs
cc=${CC:-cc}
cxx=${CXX:-c++}
run() { LD_LIBRARY_PATH="$libdir" "$@"; }
needs() { readelf -d "$1" | grep "NEEDED.*\[$2\]"; }
check shared__c_program_builds sh -c "$cc -std=c11 $strict $here/consumer.c -o $work/shared \$(pkg-config --cflags --libs nflow)"
check shared__c_program_runs sh -c "LD_LIBRARY_PATH=$libdir $work/shared >$work/shared.txt"
check shared__c_program_needs_the_soname needs "$work/shared" "$soname"
check shared__cxx_program_builds sh -c "$cxx -std=c++17 $strict $here/consumer.cpp -o $work/sharedpp \$(pkg-config --cflags --libs nflow)"
check shared__cxx_program_runs sh -c "LD_LIBRARY_PATH=$libdir $work/sharedpp >$work/sharedpp.txt"
check shared__both_print_the_same_numbers cmp "$work/shared.txt" "$work/sharedpp.txt"
# A model file means the same bits to both.
pkg_flags=$(pkg-config --cflags --libs nflow)
check bits__c_program_builds sh -c "$cc -std=c11 $strict $here/bits.c -o $work/bits $pkg_flags"
check bits__cxx_program_builds sh -c "$cxx -std=c++17 $strict $here/bits.cpp -o $work/bitspp $pkg_flags"
if [ -e "$prefix/bin/nflow" ]; then
    check bits__a_model_is_there run "$prefix/bin/nflow" train density:moons --layers 2 --hidden 8 --epochs 2 -n 300 --seed 1 --quiet -o "$work/m.safetensors"
    check bits__c_program_runs sh -c "LD_LIBRARY_PATH=$libdir $work/bits $work/m.safetensors >$work/bits.txt && test -s $work/bits.txt"
    check bits__cxx_program_runs sh -c "LD_LIBRARY_PATH=$libdir $work/bitspp $work/m.safetensors >$work/bitspp.txt"
    check bits__both_print_the_same cmp "$work/bits.txt" "$work/bitspp.txt"
else
    echo "left out: bits of a model file in C and C++: built without the command"
fi
check shared__control_no_flags_no_program refuse sh -c "$cc -std=c11 $here/consumer.c -o $work/bare"
if [ -e "$prefix/bin/nflow" ]; then
    check command__runs run "$prefix/bin/nflow" --version
fi
if command -v mandoc >/dev/null 2>&1; then
    check command__page_is_clean mandoc -T lint -W warning "$prefix/share/man/man1/nflow.1"
fi
if [ -e "$build/docs/man/man3" ]; then
    check manual__overview_is_installed test -s "$prefix/share/man/man3/libnflow.3"
    check manual__formats_and_errors_are_installed test -s "$prefix/share/man/man5/nflow-model.5" -a -s "$prefix/share/man/man7/nflow-errors.7"
    if command -v man >/dev/null 2>&1; then # links lead on: .so is resolved below the folder of the manual
        check manual__every_name_is_found sh -c "man -M $prefix/share/man 3 nf_flow_log_prob_f64 | grep 'of each row'"
    else
        echo "left out: man, which would show a page by one of its names, is not installed"
    fi
fi

# --- CMake, from a folder of its own; the compilers are those of CC and CXX
cmake_program() {
    folder=$1
    shift
    cmake -S "$here" -B "$work/$folder" -Dnflow_DIR="$libdir/cmake/nflow" "$@" && cmake --build "$work/$folder"
}
# finds, refuses: words of find_package(nflow ...), blanks as colons
list() { echo "$*" | tr ' ' ';'; }
finds() { rm -rf "$work/find" && cmake -S "$here/find" -B "$work/find" -DNFLOW_DIR="$libdir/cmake/nflow" "-DNFLOW_FOUND=$(list "$@")"; }
refuses() { rm -rf "$work/find" && cmake -S "$here/find" -B "$work/find" -DNFLOW_DIR="$libdir/cmake/nflow" "-DNFLOW_REFUSED=$(list "$@")"; }
same_numbers() { "$1" >"$work/out.txt" && cmp "$work/shared.txt" "$work/out.txt"; }
if command -v cmake >/dev/null 2>&1; then
    check cmake__programs_build cmake_program cmake
    check cmake__shared_prints_the_same_numbers same_numbers "$work/cmake/consumer"
    check cmake__shared_needs_the_soname needs "$work/cmake/consumer" "$soname"
    check cmake__cxx_prints_the_same_numbers same_numbers "$work/cmake/consumer-cxx"
    check cmake__static_prints_the_same_numbers same_numbers "$work/cmake/consumer-static"
    check cmake__static_needs_no_libnflow refuse needs "$work/cmake/consumer-static" 'libnflow.*'
    check cmake__versions_are_found finds QUIET 0 0.1 "$version" "$version:EXACT" COMPONENTS:shared:static
    check cmake__other_versions_and_components_are_refused refuses 0.0 0.2 1 "${version%.*}.99" COMPONENTS:fast COMPONENTS:static:fast
    check cmake__control_of_found refuse finds 0.2
    check cmake__control_of_refused refuse refuses 0.1
    mv "$libdir/libnflow.a" "$work/libnflow.a"
    check cmake__absent_archive_is_refused refuses COMPONENTS:static
    mv "$work/libnflow.a" "$libdir/libnflow.a"
else
    echo "left out: programs built by CMake: cmake is not installed"
fi

# As a distribution without shared libraries would have it: -lnflow then means the archive.
rm "$libdir"/libnflow.so*
static_flags=$(pkg-config --cflags --libs --static nflow)
check static__c_program_builds sh -c "$cc -std=c11 $strict $here/consumer.c -o $work/static $static_flags"
check static__c_program_runs sh -c "$work/static >$work/static.txt"
check static__program_needs_no_libnflow refuse needs "$work/static" 'libnflow.*'
check static__prints_the_same_numbers cmp "$work/shared.txt" "$work/static.txt"
check static__cxx_program_builds sh -c "$cxx -std=c++17 $strict $here/consumer.cpp -o $work/staticpp $static_flags"
check static__cxx_program_runs sh -c "$work/staticpp >$work/staticpp.txt"
# And nothing shared at all, where the archives of the others are installed.
others=$(pkg-config --libs --static nflow | tr ' ' '\n' | grep '^-l' | grep -v nflow | tr '\n' ' ')
echo 'int main(void) { return 0; }' >"$work/empty.c"
if $cc -static "$work/empty.c" -o "$work/empty" $others >/dev/null 2>&1; then
    check static__nothing_shared_builds sh -c "$cc -static -std=c11 $strict $here/consumer.c -o $work/alone $static_flags"
    check static__nothing_shared_prints_the_same_numbers same_numbers "$work/alone"
    check static__nothing_shared_needs_nothing refuse needs "$work/alone" '.*'
else
    echo "left out: a program with nothing shared: no archives for$others"
fi
if command -v cmake >/dev/null 2>&1; then
    check cmake__without_a_shared_library_the_archive_serves cmake_program archive -DNFLOW_ONLY=nflow
    check cmake__archive_prints_the_same_numbers same_numbers "$work/archive/consumer"
fi
check static__control_shared_flags_do_not_link refuse sh -c "$cc -std=c11 $here/consumer.c -o $work/wrong \$(pkg-config --cflags --libs nflow)"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
