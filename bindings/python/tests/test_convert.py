# SPDX-License-Identifier: MIT
"""Converted flows of nflows, normflows and zuko, and PyTorch's densities of them, made once by golden/make.py. PyTorch itself takes
part in test_convert_torch.py."""

import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

import nflow
import nflow.convert
from nflow import _selftest

GOLDEN = ROOT / 'bindings' / 'python' / 'tests' / 'golden'
TOLERANCE = {'float32': 1e-5, 'float64': 1e-9}


def difference(theirs, ours):
    """The largest, relative where the value is above 1."""
    return np.max(np.abs(theirs - ours) / np.maximum(1, np.abs(theirs)))


def golden(name):
    """(flow, x, cond, log_prob) of a golden file."""
    data = json.loads((GOLDEN / (name + '.json')).read_text())
    flow = nflow.Flow.from_json(json.dumps(data['description']))
    flow.set_params({key: np.array(value) for key, value in data['weights'].items()})
    x, cond = (None if key not in data else np.array(data[key], flow.dtype) for key in ('x', 'cond'))
    return flow, x, cond, np.array(data['log_prob'])


@pytest.mark.parametrize('name', ['nflows', 'normflows', 'zuko'])
def test_golden(name, tmp_path):
    flow, x, cond, theirs = golden(name)
    assert flow.dtype == ('float64' if name == 'normflows' else 'float32') and len(x) == 24
    assert difference(theirs, flow.log_prob(x, cond)) < TOLERANCE[flow.dtype.name]
    path = tmp_path / 'model.safetensors'
    error = _selftest.write(path, _selftest.with_rows(flow, x, cond, theirs, 'a test'))
    assert error < TOLERANCE[flow.dtype.name] and nflow.Flow.verify(path) == (error, 24)
    assert np.array_equal(nflow.Flow.load(path).get_params(), flow.get_params())
    assert flow.check(x, cond).passed


def test_golden_files_are_small_and_say_what_made_them():
    files = sorted(GOLDEN.glob('*.json'))
    assert [file.stem for file in files] == ['nflows', 'normflows', 'zuko'] and sum(file.stat().st_size for file in files) < 60000
    for file in files:
        assert {'torch', 'seed', 'class', file.stem} <= set(json.loads(file.read_text())['made_with'])


@pytest.mark.parametrize('name', ['nflows', 'normflows'])
def test_wrong_rows_are_not_written(name, tmp_path):
    flow, x, cond, theirs = golden(name)
    path = tmp_path / 'model.safetensors'
    path.write_bytes(b'before')
    theirs[5] += 2e-3 * max(1, abs(theirs[5])) if name == 'nflows' else 1e-8 * max(1, abs(theirs[5]))
    with pytest.raises(nflow.Error):
        _selftest.write(path, _selftest.with_rows(flow, x, cond, theirs, 'a test'))
    assert path.read_bytes() == b'before' and [file.name for file in tmp_path.iterdir()] == ['model.safetensors']


def test_checksum():
    assert _selftest.crc32c(b'123456789') == 'crc32c:e3069283' and _selftest.crc32c(b'') == 'crc32c:00000000'
    for size in (1, 2, 15, 16, 17, 1000, 10007):
        data = np.random.default_rng(size).bytes(size)
        crc = 0xFFFFFFFF
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        assert _selftest.crc32c(data) == 'crc32c:%08x' % (crc ^ 0xFFFFFFFF), size


def test_importing_it_does_not_import_torch():
    program = 'import sys, nflow.convert; sys.exit("torch" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', program]).returncode == 0
