#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What distributions do with a release: the tarball of the last commit, Debian packages of it from two paths, lintian, the ABI of the
# library with debug information, and the tests of the installed packages (debian/tests). The packages are installed for these, as
# root and only where none of them is, and removed again.
#
# usage: sh tests/packaging.sh [folder for all of it; a temporary one is removed]
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/tests/support/install.sh"
. "$here/tests/support/stage.sh"
started=$(date +%s)
packages=$(sed -n 's/^Package: //p' "$here/debian/control")
installed=""
temporary=""
if [ $# -gt 0 ]; then
    work=$(mkdir -p "$1" && cd "$1" && pwd)
else
    work=$(mktemp -d)
    temporary=$work
fi
clean_up() {
    if [ -n "$installed" ]; then dpkg --purge $packages >/dev/null 2>&1; fi
    rm -rf ${temporary:+"$temporary"} ${own_logs:+"$own_logs"}
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# check <name> <command ...>: one case
check() {
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        result=OK
    else
        result=FAIL
        echo "FAILED: packaging: $name: $*"
        tail -60 "$work/log" | sed 's/^/    /'
    fi
    printf '{"name": "packaging: %s", "stdout": "", "result": "%s"}\n' "$name" "$result" >>"$logs/packaging.json"
    [ $result = OK ]
}
left_out() {
    echo "left out: packaging: $1: $2"
    printf '{"name": "packaging: %s", "stdout": "left out: %s", "result": "SKIP"}\n' "$1" "$2" >>"$logs/packaging.json"
}

tell() { echo "== packaging: $1, after $(($(date +%s) - started)) s"; }
nothing_said() { "$@" >"$work/said" 2>&1; cat "$work/said"; ! grep -q . "$work/said"; }
machine() { dpkg-query -W -f '${Package} ${Architecture} ${Version} ${db:Status-Abbrev}\n' | grep -v ' un *$'; }

# Tests of the installed packages, without a machine of their own.
installed_packages() {
    if [ "$(id -u)" != 0 ]; then
        left_out "installed packages" "only root can install them"
        return
    fi
    for package in $packages; do
        if dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed'; then
            left_out "installed packages" "$package is installed here already"
            return
        fi
    done
    machine >"$work/before"
    installed=yes
    check "packages can be installed" dpkg -i $(for p in $packages; do ls "$work"/deb/one/"$p"_*.deb; done) || return
    check "tests of the installed packages" autopkgtest --no-built-binaries -o "$work/autopkgtest" "$(ls -d "$work"/deb/one/nflow-*/)" -- null
    for test in $(sed -n 's/^Tests: //p' "$here/debian/tests/control"); do
        check "installed: $test" grep -q "^$test  *PASS" "$work/autopkgtest/summary"
    done
    check "packages can be removed" dpkg --purge $packages && installed=""
    machine >"$work/after"
    check "the machine is as it was" diff "$work/before" "$work/after"
}

if ! command -v dpkg-deb >/dev/null 2>&1; then
    left_out "Debian packages" "this is no Debian"
    finish
fi
dpkg-query -W -f '${db:Status-Status}' python3-numpy 2>/dev/null | grep -q '^installed' || missing="$missing python3-numpy"
need_tools dpkg-buildpackage:dpkg-dev dh:debhelper lintian:lintian autopkgtest:autopkgtest abidiff:abigail-tools cmake:cmake git:git blhc:blhc \
    meson:meson pkg-config:pkgconf
install_missing || exit 1
# What debian/control asks for; of alternatives the first, of versions any.
missing=$(dpkg-checkbuilddeps "$here/debian/control" 2>&1 | sed -n 's/.*nmet build dependencies: //p' | sed 's/([^)]*)//g; s/ | [^ ]*//g')
install_missing || exit 1

tell "tarball"
if [ ! -e "$here/.git" ]; then
    left_out "all of it" "a tarball is made of a git repository, this is none"
    finish
fi
if check "tarball" sh "$here/packaging/tarball.sh" "$work/tarball"; then
    tarball=$(ls "$work"/tarball/configured/meson-dist/nflow-*.tar.xz)
    tell "Debian packages, twice"
    export DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)"
    if check "two Debian builds in two paths are the same" sh "$here/packaging/reproducible.sh" debian "$tarball" "$work/deb"; then
        tell "lintian, hardening, ABI"
        # Of spelling it would read machine code as words ("AfE"), which come and go with every build.
        check "lintian has nothing to say" nothing_said lintian --allow-root -EI --pedantic --fail-on none \
            --suppress-tags spelling-error-in-binary "$work"/deb/one/*.changes
        check "every file is compiled hardened" blhc --all --debian "$work/deb/one/build.log"
        library=$(ls "$work"/deb/one/nflow-*/obj-*/lib/libnflow.so.*.*.*[0-9])
        python3 -B "$here/packaging/abi.py" check "$library" >"$work/abi" 2>&1
        if [ $? = 77 ]; then
            left_out "ABI of the library" "$(head -1 "$work/abi")"
        else
            check "ABI of the library is the committed one" python3 -B "$here/packaging/abi.py" check "$library"
        fi
        tell "the installed packages"
        installed_packages
    fi
fi
tell "end"
finish
