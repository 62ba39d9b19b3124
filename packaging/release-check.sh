#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The checks of RELEASING.md that a machine can run, for the last commit; what it cannot run is named. About an hour on two cores.
#
# usage: sh packaging/release-check.sh [folder for all of it; build-release by default]
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-"$here/build-release"}
mkdir -p "$work"
work=$(cd "$work" && pwd)
passed=0
failed=0

check() {
    name=$1
    shift
    echo "== $name"
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
        grep -E '^(skipped|left out|part left out)|, 0 failed' "$work/log"
    else
        failed=$((failed + 1))
        echo "FAILED: $name: $*"
        tail -60 "$work/log" | sed 's/^/    /'
    fi
}
left_out() { echo "left out: $1"; }
refuse() { ! "$@"; }

# --- what stands in the files
cd "$here" || exit 1
version=$(sed -n "s/^project('nflow'.* version: '\([0-9.]*\)'.*/\1/p" meson.build)
header() { sed -n "s/^#define NF_VERSION_$1 *\([0-9]*\).*/\1/p" include/nflow/*.h; }
check "everything is committed" test -z "$(git status --porcelain)"
check "the header has version $version" test "$(header MAJOR).$(header MINOR).$(header PATCH)" = "$version"
check "debian/changelog has version $version" grep -q "^libnflow ($version-" debian/changelog
check "debian/changelog is for a distribution" refuse grep -q UNRELEASED debian/changelog
check "CHANGELOG.md has version $version with a date" grep -qE "^## $version \([0-9]{4}-[0-9]{2}-[0-9]{2}\)" CHANGELOG.md
check "no address is a placeholder" refuse git grep -n 'libnflow\.example' -- debian docs README.md
check "the ABI is the committed one" python3 -B packaging/abi.py check
if previous=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null); then
    git show "$previous:packaging/abi/$(uname -m).abi" >"$work/previous.abi"
    check "programs of $previous go on running" sh -c 'abidiff "$1" "$2"; test $(($? & 8)) = 0' - "$work/previous.abi" "packaging/abi/$(uname -m).abi"
else
    left_out "the release before: there is none"
fi

# --- builds and tests
check "plain, clang, sanitizers, packages: tests/run.sh all" sh tests/run.sh all
check "tarball" sh packaging/tarball.sh "$work/tarball"
tarball=$(ls "$work"/tarball/configured/meson-dist/nflow-*.tar.xz)
rm -rf "$work/dist" "$work/repro" "$work/deb"
meson setup "$work/dist" >/dev/null
check "the tarball passes its own tests" meson dist -C "$work/dist"
check "library: two paths, the same bytes" sh packaging/reproducible.sh library "$tarball" "$work/repro"
check "Debian packages with their tests" sh packaging/deb.sh "$tarball" "$work/deb"
for blas in openblas blis blas flexiblas; do
    rm -rf "$work/blas"
    if meson setup "$work/blas" -Dblas=$blas -Dexamples=false -Dbench=false >/dev/null 2>&1; then
        check "BLAS $blas" sh -c 'ninja -C "$1" && meson test -C "$1" --no-rebuild --suite unit --suite conformance' - "$work/blas"
    else
        left_out "BLAS $blas: not installed"
    fi
done
for page in $(find docs/man -name '*.[1-8]'); do
    if command -v mandoc >/dev/null 2>&1; then
        check "manual page $(basename "$page")" mandoc -T lint -W warning "$page"
    else
        left_out "manual page $(basename "$page"): mandoc is not installed"
    fi
done
left_out "i686, s390x, musl: by hand"
left_out "full fault and fuzz counts: NFLOW_TEST_FULL=1 meson test, tests/fuzz/README.md"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
