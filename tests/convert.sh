#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The import of flows trained by PyTorch, where PyTorch is: for /usr/bin/python3 (Debian: apt install python3-torch) or the python3 of
# the path. The package goes as a wheel into a virtual environment that sees that PyTorch, with nflows, normflows and zuko from PyPI.
# Nothing of PyTorch's size is downloaded. The last line is `N passed, N failed, N skipped`; without PyTorch all is skipped, and the
# golden files, which tests/python.sh reads, stand in.
#
# usage: sh tests/convert.sh [wheel]      default: the one that tests/python.sh left in build-python, else a new one
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
work="$here/build-convert"
mkdir -p "$work"
log="$work/log"

skip() {
    echo "skipped: convert: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}
fail() {
    echo "FAILED: convert: $1"
    tail -40 "$log"
    echo "0 passed, 1 failed"
    exit 1
}

found=""
for python in ${PYTHON:-} /usr/bin/python3 python3; do
    if "$python" -c 'import torch, venv, ensurepip' >/dev/null 2>&1; then
        found=$python
        break
    fi
done
[ -n "$found" ] || skip "no python3 here can import torch (Debian: apt install python3-torch python3-venv)"
rm -rf "$work/venv"
"$found" -m venv --system-site-packages "$work/venv" >"$log" 2>&1 || skip "$found -m venv does not work"
python="$work/venv/bin/python"
"$python" -m pip install -q --no-deps nflows normflows zuko >"$log" 2>&1 || skip "pip cannot have nflows, normflows and zuko"
# matplotlib, which nflows imports, must not bring a NumPy that an older PyTorch was not built for.
pins=$("$python" -c 'import torch; old = torch.__version__ < "2.3"; print("numpy<2 matplotlib<3.8" if old else "numpy matplotlib")' 2>"$log")
"$python" -m pip install -q pytest tqdm $pins >"$log" 2>&1 || skip "pip cannot have pytest, tqdm and matplotlib"
wheel=${1:-$(ls "$here"/build-python/wheel/*.whl 2>/dev/null | head -1)}
if [ -z "$wheel" ]; then
    "$python" -m pip wheel -q --no-deps -w "$work/wheel" "$here/bindings/python" >"$log" 2>&1 || fail "no wheel"
    wheel=$(ls "$work"/wheel/*.whl | head -1)
fi
"$python" -m pip install -q --force-reinstall --no-deps "$wheel" >"$log" 2>&1 || fail "the wheel cannot be installed"
"$python" -m pip install -q cffi >"$log" 2>&1 || fail "no cffi"
"$python" - 2>"$log" <<'END' || fail "the packages cannot be imported"
import nflows.version
import normflows
import numpy
import torch
import zuko

versions = [('nflows', nflows.version), ('torch', torch), ('numpy', numpy), ('normflows', normflows), ('zuko', zuko)]
print('== convert: ' + ', '.join('%s %s' % (name, getattr(m, '__version__', '')) for name, m in versions))
END

cd "$work" || exit 1
"$python" -B -m pytest -q -rsP --no-header -W ignore -p no:cacheprovider --junitxml="$work/results.xml" \
    "$here/bindings/python/tests/test_convert.py" "$here/bindings/python/tests/test_convert_torch.py" >"$work/output" 2>&1
grep '^nflow.convert:' "$work/output"
"$python" - "$work/results.xml" <<'END'
import sys
import xml.etree.ElementTree as tree

suite = next(tree.parse(sys.argv[1]).iter('testsuite'))
total, bad, skipped = int(suite.get('tests')), int(suite.get('failures')) + int(suite.get('errors')), int(suite.get('skipped'))
for case in suite.iter('testcase'):
    for skip in case.iter('skipped'):
        print('skipped: convert: %s: %s' % (case.get('name'), skip.get('message')))
    for failure in list(case.iter('failure')) + list(case.iter('error')):
        print('FAILED: convert: %s: %s\n%s' % (case.get('name'), failure.get('message'), failure.text))
print('%d passed, %d failed%s' % (total - bad - skipped, bad, ', %d skipped' % skipped if skipped else ''))
sys.exit(1 if bad or total == skipped else 0)
END
