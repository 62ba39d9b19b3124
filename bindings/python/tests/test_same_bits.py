# SPDX-License-Identifier: MIT
"""C and Python are one library: the same training makes the same file, the same file gives the same bits."""

import ctypes
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

import nflow

EXAMPLE = ROOT / 'bindings' / 'python' / 'examples' / 'two_moons.py'


@pytest.fixture(scope='module', params=['default', 'book'])
def both(request, build, tmp_path_factory):
    """(printed by C, printed by Python, folder of C, folder of Python) for 3 epochs of two moons."""
    folders = [tmp_path_factory.mktemp(name) for name in ('c', 'python')]
    arguments = ['--epochs', '3', '--preset', request.param]
    commands = [[str(build / 'examples' / 'two_moons'), str(folders[0])], [sys.executable, str(EXAMPLE), str(folders[1])]]
    printed = []
    for command in commands:
        done = subprocess.run(command + arguments, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        printed.append(re.sub(r' in [\d.]+ s', '', done.stdout))
    return printed + folders


def test_the_tutorial_prints_what_c_prints(both):
    lines = both[0].strip().split('\n')
    assert len(lines) == 3 and 'held-out NLL' in lines[1]
    assert both[1].strip().split('\n')[:3] == lines
    print(both[1])


def test_the_tutorial_writes_what_c_writes(both):
    assert (both[2] / 'two_moons.safetensors').read_bytes() == (both[3] / 'two_moons.safetensors').read_bytes()


def test_pictures(both):
    pytest.importorskip('matplotlib', reason='matplotlib is not installed: the tutorial draws nothing')
    for name in ('two_moons', 'two_moons_loss', 'two_moons_density'):
        assert (both[3] / (name + '.png')).read_bytes()[:4] == b'\x89PNG'


@pytest.mark.parametrize('dtype', ['float32', 'float64'])
def test_the_same_file_gives_the_same_bits(build, dtype, tmp_path):
    """Scores and samples of the shared library, through ctypes, and of the package."""
    lib = ctypes.CDLL(str(build / 'lib' / 'libnflow.so'))
    model = nflow.recipes.realnvp(dim=3, layers=6, hidden=(48,), dtype=dtype, seed=4)
    model.fit(np.random.default_rng(1).standard_normal((500, 3)) ** 3, epochs=2)
    path = tmp_path / 'm.safetensors'
    model.save(path)
    flow = ctypes.c_void_p()
    assert lib.nf_flow_load(ctypes.byref(flow), None, os.fsencode(path)) == 0
    x = np.random.default_rng(0).standard_normal((777, 3)).astype(dtype)
    out = np.empty(len(x))
    suffix = '_f64' if dtype == 'float64' else ''
    pointer = [ctypes.c_void_p(a.ctypes.data) for a in (x, out)]
    assert getattr(lib, 'nf_flow_log_prob' + suffix)(flow, ctypes.c_int64(len(x)), pointer[0], None, pointer[1]) == 0
    loaded = nflow.Flow.load(path)
    assert loaded.log_prob(x).tobytes() == out.tobytes()
    drawn = np.empty_like(x)
    assert (
        getattr(lib, 'nf_flow_sample' + suffix)(
            flow,
            ctypes.c_uint64(9),
            ctypes.c_int64(0),
            ctypes.c_int64(len(x)),
            None,
            ctypes.c_double(1.0),
            ctypes.c_void_p(drawn.ctypes.data),
            None,
        )
        == 0
    )
    assert loaded.sample(len(x), seed=9).tobytes() == drawn.tobytes()
    lib.nf_flow_unref(flow)
