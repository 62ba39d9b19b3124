# SPDX-License-Identifier: MIT
"""What the package costs: a call, an import, a wheel. Times are the best of many, for the machine may be busy."""

import os
import pathlib
import subprocess
import sys
import timeit
import zipfile

import numpy as np
import pytest

import nflow
from nflow.c import ffi, lib

CALL_NS, IMPORT_S, WHEEL_BYTES = 3000, 0.2, 10**6


def best_ns(call):
    return min(timeit.repeat(call, number=500, repeat=400)) / 500 * 1e9


def test_overhead_of_a_call():
    """log_prob of one row under a flow without layers, less the same call of C from cffi, less an empty call."""
    flow = nflow.Flow([], nflow.bases.normal(dim=2))
    x, out = np.zeros((1, 2), 'float32'), np.empty(1)
    handle, px, pout = flow._handle, ffi.from_buffer('float[]', x), ffi.from_buffer('double[]', out)
    c = best_ns(lambda: lib.nf_flow_log_prob(handle, 1, px, ffi.NULL, pout))
    into, new = best_ns(lambda: flow.log_prob(x, out=out)), best_ns(lambda: flow.log_prob(x))
    print('a call: %.0f ns in C by cffi, %.0f ns with out=, %.0f ns with a new array' % (c, into, new))
    assert into - c < CALL_NS and new - c < CALL_NS
    assert max(into, new) < CALL_NS + 1000, 'the lot, with what C itself takes'


def test_import_time():
    """Processor time of `import nflow` beyond an empty program's, NumPy included; scikit-learn is not imported."""
    program = 'import resource, sys; %s; r = resource.getrusage(resource.RUSAGE_SELF); print(r.ru_utime + r.ru_stime); '
    program += 'assert "sklearn" not in sys.modules'

    def seconds(statement):
        done = subprocess.run(
            [sys.executable, '-c', program % statement],
            text=True,
            capture_output=True,
            env=dict(os.environ, OPENBLAS_NUM_THREADS='1'),
        )
        assert done.returncode == 0, done.stderr
        return float(done.stdout)

    empty, numpy, package = (min(seconds(s) for _ in range(7)) for s in ('pass', 'import numpy', 'import nflow'))
    print('import nflow: %.3f s, of which NumPy %.3f s' % (package - empty, numpy - empty))
    assert package - empty < IMPORT_S


def test_wheel():
    wheel = pathlib.Path(os.environ.get('NFLOW_WHEEL', ''))
    if wheel.suffix != '.whl':
        pytest.skip('NFLOW_WHEEL names no wheel')
    print('%s: %d bytes' % (wheel.name, wheel.stat().st_size))
    assert wheel.stat().st_size < WHEEL_BYTES and '-abi3-' in wheel.name
    names = zipfile.ZipFile(wheel).namelist()
    assert sum(name.endswith('.so') for name in names) == 1 and 'nflow/py.typed' in names and 'nflow/layers.pyi' in names
    assert not [name for name in names if 'blas' in name or name.endswith(('.h', '.a', '.pc'))]


def test_what_the_extension_needs_and_shows():
    """One module without a BLAS, exporting its entry alone."""
    extension = sys.modules['nflow._native'].__file__
    try:
        needed = subprocess.run(['readelf', '-dW', extension], text=True, capture_output=True, check=True).stdout
        shown = subprocess.run(['nm', '-D', '--defined-only', extension], text=True, capture_output=True, check=True).stdout
    except FileNotFoundError as error:
        pytest.skip('no binutils: %s' % error)
    libraries = sorted(line.split('[')[1].rstrip(']') for line in needed.split('\n') if '(NEEDED)' in line)
    print('needs', ' '.join(libraries))
    assert not [name for name in libraries if 'blas' in name or 'gfortran' in name or 'gomp' in name or 'libnflow' in name]
    assert [line.split()[-1] for line in shown.split('\n') if line] == ['PyInit__native']
