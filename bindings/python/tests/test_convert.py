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
from nflow import _masked, _networks, _selftest

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


NAMES = {
    'nflows': 'float32',
    'normflows': 'float64',
    'zuko': 'float32',
    'nflows_maf': 'float32',
    'normflows_nsf': 'float64',
    'zuko_nsf': 'float64',
}


@pytest.mark.parametrize('name', list(NAMES))
def test_golden(name, tmp_path):
    flow, x, cond, theirs = golden(name)
    assert flow.dtype == NAMES[name] and len(x) == 24
    assert difference(theirs, flow.log_prob(x, cond)) < TOLERANCE[flow.dtype.name]
    path = tmp_path / 'model.safetensors'
    error = _selftest.write(path, _selftest.with_rows(flow, x, cond, theirs, 'a test'))
    assert error < TOLERANCE[flow.dtype.name] and nflow.Flow.verify(path) == (error, 24)
    assert np.array_equal(nflow.Flow.load(path).get_params(), flow.get_params())
    assert flow.check(x, cond).passed


def test_golden_files_are_small_and_say_what_made_them():
    files = sorted(GOLDEN.glob('*.json'))
    assert {file.stem for file in files} == set(NAMES) and sum(file.stat().st_size for file in files) < 80000
    for file in files:
        assert {'torch', 'seed', 'class', file.stem.split('_')[0]} <= set(json.loads(file.read_text())['made_with'])


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


# ---- networks of _masked.py, without PyTorch


def random_net(random, dim, cond_dim, hidden, depends, params):
    """Dense layers of tanh whose outputs [column][parameter] depend on no more than `depends` [column][column] says."""
    sees, dense = [{j} if j < dim else set() for j in range(dim + cond_dim)], []
    allowed = [set(np.flatnonzero(row)) for row in depends]
    some = [columns for columns in allowed if columns or cond_dim]  # what sees nothing must not feed the first column
    for width in (*hidden, dim * params):
        last = len(dense) == len(hidden)
        next_sees = [allowed[i // params] if last else some[random.integers(len(some))] for i in range(width)]
        weight = random.standard_normal((len(sees), width)) * [[a <= b for b in next_sees] for a in sees]
        dense.append((weight, random.standard_normal(width)))
        sees = next_sees
    return _networks.Net('tanh', dense)


@pytest.mark.parametrize('seed', range(12))
def test_masked_networks(seed):
    """Any network without circles is found again, as a layer, whose weights outside of its mask are zero."""
    random = np.random.default_rng(seed)
    dim, cond_dim, hidden = [(1, 2, (3,)), (5, 0, (9, 4)), (4, 2, (7, 6, 5)), (6, 3, ())][seed % 4]
    turn = random.permutation(dim)
    depends = np.tril(random.random((dim, dim)) < 0.7, -1)[np.ix_(turn, turn)]
    net = random_net(random, dim, cond_dim, hidden, depends, 2)
    found = _masked.masked(net, dim, 2, net, 'here')
    assert sorted(found.order) == list(range(dim))
    layer = nflow.layers.autoregressive(
        dim=dim,
        cond_dim=cond_dim,
        scale='exp',
        activation='tanh',
        hidden=found.net.hidden or (0,),
        order='index',
        index=found.order,
    )
    flow = nflow.Flow([layer], nflow.bases.normal(dim=dim), dtype='float64')
    weights = {
        'layers.0.net.%d.%s' % (i, name): dense[k]
        for i, dense in enumerate(found.net.dense)
        for k, name in enumerate(('weight', 'bias'))
    }
    flow.set_params(weights)
    x, cond = random.standard_normal((20, dim)), random.standard_normal((20, cond_dim))
    h = np.hstack([x, cond])
    for i, (weight, bias) in enumerate(net.dense):
        h = (h if i == 0 else np.tanh(h)) @ weight + bias
    t, s = h[:, 0::2], h[:, 1::2]
    assert difference(np.exp(s) * x + t, flow.forward(x, cond if cond_dim else None)) < 1e-12
    shuffled = flow.copy()
    shuffled.fit(x, cond=cond if cond_dim else None, epochs=1)  # gradients outside of the mask are zero
    for key, value in weights.items():
        if key.endswith('weight'):
            outside = ~_inside(found.net, int(key.split('.')[3]), dim, cond_dim)
            assert not value[outside].any() and not shuffled.params[key][outside].any()


def _inside(net, layer, dim, cond_dim):
    """The mask of a dense layer by the rule of nflow/autoregressive.h."""
    low = 0 if cond_dim or dim == 1 else 1
    places = [np.repeat(range(dim + 1), [cond_dim] + [1] * dim)]
    places += [np.repeat(range(dim + 1), _masked.capacity(dim, low, width)) for width in net.hidden]
    below = places[layer][:, None]
    if layer == len(net.dense) - 1:
        return below < np.repeat(range(1, dim + 1), net.outputs // dim)[None, :]
    return below <= places[layer + 1][None, :]


def test_circles_are_refused():
    weight = np.zeros((2, 4))
    weight[0, 2] = weight[1, 0] = 1.0
    with pytest.raises(nflow.convert.ConvertError, match='here .*in a circle'):
        _masked.masked(_networks.Net('relu', [(weight, np.zeros(4))]), 2, 2, weight, 'here')
    net = _networks.Net('relu', [(np.zeros((2, 1)), np.ones(1)), (np.ones((1, 4)), np.zeros(4))])
    with pytest.raises(nflow.convert.ConvertError, match='sees no column feeds the first'):
        _masked.masked(net, 2, 2, net, 'here')
