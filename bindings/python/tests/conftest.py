# SPDX-License-Identifier: MIT
"""What the tests share: the source tree, a trained flow, its data."""

import os
import pathlib

import numpy as np
import pytest

import nflow

ROOT = pathlib.Path(__file__).resolve().parents[3]
INCLUDE = ROOT / 'include'


@pytest.fixture(scope='session')
def moons():
    """1000 rows of the density "moons" in float32."""
    return nflow.Dataset.synthetic('moons', 1000, seed=5).rows(dtype='float32')


@pytest.fixture(scope='session')
def trained(moons):
    """A flow that has learned them a little."""
    flow = nflow.recipes.realnvp(dim=2, layers=4, hidden=(32, 32), seed=11)
    flow.fit(moons, epochs=12, batch=100, optimizer=nflow.Adam(lr=5e-3))
    return flow


@pytest.fixture(scope='session')
def conditional():
    """A flow with two conditioning columns, in double, with weights that are not those of the start."""
    flow = nflow.recipes.realnvp(dim=3, cond_dim=2, layers=3, hidden=8, dtype='float64', seed=2)
    random = np.random.default_rng(0)
    flow.set_params(flow.get_params() + 0.05 * random.standard_normal(flow.param_count) * (flow.get_params() != 1))
    return flow


@pytest.fixture(scope='session')
def build():
    """The folder of a build of the library with its examples, from NFLOW_BUILD."""
    folder = os.environ.get('NFLOW_BUILD', '')
    if not os.path.exists(os.path.join(folder, 'examples', 'two_moons')):
        pytest.skip('NFLOW_BUILD names no build of the library with its examples')
    return pathlib.Path(folder)
