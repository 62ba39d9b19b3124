#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The Python package as its users meet it: a wheel by pip, installed into an empty virtual environment, then its tests there, with
# scikit-learn, tqdm, matplotlib and mypy where pip can have them. The last line is `N passed, N failed, N skipped`.
#
# usage: sh tests/python.sh [build folder]     a build of the library with its examples, for "C and Python give the same bits"
#        default: $NFLOW_BUILD, else build-test; made where it is missing
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-${NFLOW_BUILD:-"$here/build-test"}}
work="$here/build-python"
. "$here/tests/support/install.sh"
need_tools cc:build-essential c++:build-essential pkg-config:pkg-config python3:python3
need_libraries jansson:libjansson-dev zlib:zlib1g-dev
has_python_headers() {
    [ -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ]
}
has_python_headers || missing="$missing python3-dev"
python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3-venv"

skip() {
    echo "skipped: python: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}
fail() {
    echo "FAILED: python: $1"
    [ -n "${2:-}" ] && tail -40 "$2"
    echo "0 passed, 1 failed"
    exit 1
}

(install_missing) || skip "what it is built with is missing"
has_python_headers || skip "no Python.h for $(command -v python3) (Debian: apt install python3-dev)"
mkdir -p "$work"
log="$work/log"
started=$(date +%s)
rm -rf "$work/venv" "$work/wheel"
python3 -m venv "$work/venv" >"$log" 2>&1 || skip "python3 -m venv does not work (Debian: apt install python3-venv)"
python="$work/venv/bin/python"
"$python" -m pip download -q --no-deps -d "$work/probe" meson-python >"$log" 2>&1 || skip "pip cannot have meson-python from its index"
"$python" -m pip wheel --no-deps -w "$work/wheel" "$here/bindings/python" >"$log" 2>&1 || fail "no wheel" "$log"
wheel=$(ls "$work"/wheel/*.whl)
echo "== python: $(basename "$wheel"), $(wc -c <"$wheel") bytes, after $(($(date +%s) - started)) s"
"$python" -m pip install -q "$wheel" >"$log" 2>&1 || fail "the wheel cannot be installed" "$log"
"$python" -c 'import nflow; print(nflow.recipes.realnvp(dim=2))' || fail "import nflow"
"$python" -m pip install -q pytest >"$log" 2>&1 || skip "pip cannot have pytest"
for package in scikit-learn pandas mypy tqdm matplotlib; do # tests that need a missing one say so
    "$python" -m pip install -q "$package" >"$log" 2>&1 || echo "pip cannot have $package"
done
[ -f "$build/build.ninja" ] || meson setup --buildtype=release "$build" "$here" >"$log" 2>&1 || echo "no build of the library: $build"
if [ -f "$build/build.ninja" ]; then
    ninja -C "$build" examples/two_moons >"$log" 2>&1 || fail "the library cannot be built" "$log"
fi

cd "$work" || exit 1
NFLOW_BUILD=$build NFLOW_WHEEL=$wheel "$python" -B -m pytest -q -rsP --no-header -p no:cacheprovider --junitxml="$work/results.xml" \
    "$here/bindings/python/tests" >"$work/output" 2>&1
grep -E '^(check_estimator|a call|import nflow|nflow-|needs|Success)|^  skipped' "$work/output"
[ -f "$work/results.xml" ] || fail "the tests could not be run" "$work/output"
echo "== python: $(($(date +%s) - started)) s"
"$python" - "$work/results.xml" "$work/output" <<'END'
import sys
import xml.etree.ElementTree as tree

suite = next(tree.parse(sys.argv[1]).iter('testsuite'))
total, bad, skipped = int(suite.get('tests')), int(suite.get('failures')) + int(suite.get('errors')), int(suite.get('skipped'))
for case in suite.iter('testcase'):
    for skip in case.iter('skipped'):
        print('skipped: python: %s: %s' % (case.get('name'), skip.get('message')))
    for failure in list(case.iter('failure')) + list(case.iter('error')):
        print('FAILED: python: %s: %s\n%s' % (case.get('name'), failure.get('message'), failure.text))
print('%d passed, %d failed%s' % (total - bad - skipped, bad, ', %d skipped' % skipped if skipped else ''))
sys.exit(1 if bad or total == skipped else 0)
END
