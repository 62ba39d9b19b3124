# SPDX-License-Identifier: MIT
"""Types: the stubs are what the package is (stubtest), the package is typed throughout, and wrong programs are told."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT

pytest.importorskip('mypy', reason='mypy is not installed')
CONFIG = str(ROOT / 'bindings' / 'python' / 'mypy.ini')
ALLOWED = str(ROOT / 'bindings' / 'python' / 'stubtest.allow')
RIGHT = '''
import numpy as np
import nflow
layer = nflow.layers.coupling_affine(dim=2, hidden=(8, 8), activation="tanh")
flow = nflow.Flow([layer], nflow.bases.normal(dim=2), dtype="float64")
density: np.ndarray = flow.log_prob(np.zeros((1, 2)))
report = flow.fit(np.zeros((10, 2)), epochs=1, optimizer=nflow.AdamW(lr=1e-3))
model = nflow.RealNVP(n_layers=2).fit(np.zeros((10, 2)))
status: int = nflow.c.lib.nf_flow_update(None)
'''
WRONG = {
    'nflow.layers.coupling_affine(dim=2, activation="tan")': 'activation',
    'nflow.layers.actnorm()': 'dim',
    'nflow.recipes.realnvp(dim="two")': 'dim',
    'nflow.Adam(learning_rate=1.0)': 'learning_rate',
    'nflow.Flow(3)': 'Flow',
    'nflow.c.lib.nf_flow_updat(None)': 'nf_flow_updat',
}


def run(*arguments, cwd):
    environment = dict(os.environ, MYPYPATH='')
    return subprocess.run([sys.executable, '-m', *arguments], text=True, capture_output=True, cwd=cwd, env=environment)


def test_stubtest(tmp_path):
    done = run(
        'mypy.stubtest', 'nflow', '--mypy-config-file', CONFIG, '--allowlist', ALLOWED, '--ignore-unused-allowlist', cwd=tmp_path
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


def test_strict(tmp_path):
    done = run('mypy', '-p', 'nflow', '--config-file', CONFIG, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_programs(tmp_path):
    (tmp_path / 'right.py').write_text(RIGHT)
    done = run('mypy', '--strict', 'right.py', cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    (tmp_path / 'wrong.py').write_text('import nflow\n' + '\n'.join(WRONG))
    told = run('mypy', 'wrong.py', cwd=tmp_path).stdout
    for number, word in enumerate(WRONG.values(), 2):
        assert any(line.startswith('wrong.py:%d:' % number) and word in line for line in told.split('\n')), (number, word, told)
