# SPDX-License-Identifier: MIT
"""Flows: densities, samples, files, weights, lifetimes, threads, errors."""

import copy
import gc
import pickle
import threading
import time

import numpy as np
import pytest

import nflow
from nflow.c import lib


def test_training_learned(trained, moons):
    fresh = nflow.recipes.realnvp(dim=2, layers=4, hidden=(32, 32), seed=11)
    assert trained.mean_nll(moons) < fresh.mean_nll(moons) - 0.3
    assert -trained.log_prob(moons).mean() == pytest.approx(trained.mean_nll(moons), abs=1e-9)


def test_samples(trained):
    x, density = trained.sample(200, seed=7, log_prob=True)
    assert x.dtype == np.float32 and x.shape == (200, 2)
    assert np.array_equal(trained.sample(1, seed=7, first=123)[0], x[123])
    assert np.abs(density - trained.log_prob(x)).max() < 1e-4
    assert not np.array_equal(trained.sample(3), trained.sample(3))
    cold = trained.sample_temperatures(50, [0.5, 1.0], seed=7)
    assert cold.shape == (2, 50, 2) and np.array_equal(cold[1], x[:50])
    assert np.array_equal(cold[0], trained.sample(50, seed=7, temperature=0.5))


def test_both_directions_and_score(trained, moons):
    z, forward = trained.forward(moons, log_det=True)
    x, inverse = trained.inverse(z, log_det=True)
    assert np.abs(x - moons).max() < 1e-3 and np.abs(forward + inverse).max() < 1e-3
    gradient, density = trained.score(moons, log_prob=True)
    assert np.array_equal(density, trained.log_prob(moons))
    double, step = trained.convert('float64'), np.array([1e-6, 0.0])
    numeric = (double.log_prob(moons + step) - double.log_prob(moons - step)) / 2e-6
    assert np.abs(numeric - gradient[:, 0]).max() < 1e-2 * (1 + np.abs(gradient).max())
    assert trained.check(moons[:64]).passed


def test_latent_space(trained, moons):
    way = trained.interpolate(moons[0], moons[1], 5, path='spherical')
    assert way.shape == (5, 2) and np.abs(way[[0, -1]] - moons[:2]).max() < 1e-3
    direction = trained.direction(moons[:100], moons[100:])
    z = trained.forward(moons)
    assert np.abs(direction - (z[:100].mean(0) - z[100:].mean(0))).max() < 1e-4
    assert np.abs(trained.move(moons, direction, 0.0) - moons).max() < 1e-3
    with pytest.raises(ValueError, match='linear, spherical'):
        trained.interpolate(moons[0], moons[1], 5, path='crooked')


def test_files(trained, moons, tmp_path):
    expected = trained.log_prob(moons)
    path = tmp_path / 'moons.safetensors'
    trained.save(path)
    assert path.read_bytes() == trained.to_bytes()
    for other in (
        nflow.Flow.load(path),
        nflow.Flow.from_bytes(trained.to_bytes()),
        pickle.loads(pickle.dumps(trained)),
        copy.deepcopy(trained),
        trained.copy(),
    ):
        assert np.array_equal(other.log_prob(moons), expected) and other.to_bytes() == trained.to_bytes()
    error, rows = nflow.Flow.verify(path)
    assert error < 1e-6 and rows == 16
    fresh = nflow.Flow.from_json(trained.to_json())
    assert fresh.to_json() == trained.to_json() and fresh.param_count == trained.param_count
    broken = bytearray(trained.to_bytes())
    broken[-5] ^= 1
    with pytest.raises(nflow.FileError) as failure:
        nflow.Flow.from_bytes(bytes(broken))
    assert failure.value.name == 'NF_ERR_CORRUPT'
    with pytest.raises(OSError):
        nflow.Flow.load(tmp_path / 'nowhere')


def test_built_by_hand():
    chain = [
        nflow.layers.standardise(dim=2, mean=[1, 2], sd=np.array([2.0, 3.0])),
        nflow.layers.permutation(dim=2, kind='reverse'),
        nflow.layers.coupling_affine(dim=2, hidden=[8], activation='silu'),
    ]
    flow = nflow.Flow(chain, nflow.bases.diagonal(dim=2), dtype='float64', seed=3)
    assert [layer.type for layer in flow.layers] == ['standardise', 'permutation', 'coupling_affine']
    assert flow.base.type == 'diagonal' and flow.dtype == np.float64 and flow.dim == 2 and flow.cond_dim == 0
    x = np.array([[1.0, 2.0], [3.0, 5.0]])
    expected = -0.5 * ((x - [1, 2]) ** 2 / [4.0, 9.0]).sum(1) - np.log(2 * np.pi) - np.log(6.0)
    assert np.abs(flow.log_prob(x) - expected).max() < 1e-12
    assert (
        'dim=2' in repr(flow)
        and '%d parameters' % flow.param_count in repr(flow)
        and repr(chain[0]) == '<nflow layer standardise: dim=2>'
    )
    with pytest.raises(ValueError, match='needs a base'):
        nflow.Flow([])


def test_kinds_of_columns_have_names():
    kinds = dict(dim=3, low=[0, 0, 0], high=[24, 0, 1], layers=2, hidden=(4,), seed=1)
    named = nflow.recipes.nsf(kind=['periodic', 'positive', 'bounded'], **kinds)
    assert named.to_json() == nflow.recipes.nsf(kind=[5, 2, 3], **kinds).to_json()
    x = named.sample(50, seed=1)
    assert (x[:, 0] >= 0).all() and (x[:, 0] < 24).all() and (x[:, 1] > 0).all() and (abs(x[:, 2] - 0.5) <= 0.5).all()
    assert named.check(x + np.float32([48, 0, 0])).passed  # another turn of the circle is the same point
    assert nflow.layers.columns(dim=1, kind='integer').dim == 1
    with pytest.raises(ValueError, match="kind is 'angle', must be one of real, positive, bounded, integer, periodic"):
        nflow.recipes.nsf(kind=['angle', 'real', 'real'], **kinds)
    assert "one of 'real', 'positive', 'bounded', 'integer', 'periodic'" in nflow.recipes.nsf.__doc__


def test_one_condition_holds_for_all_rows():
    flow = nflow.recipes.nsf(dim=2, cond_dim=2, layers=1, hidden=(4,), embed_dim=3, embed_hidden=(), seed=1)
    assert [name for name in flow.params if name.startswith('condition.net')] == ['condition.net.0.weight', 'condition.net.0.bias']
    x = flow.sample(3, cond=np.tile([0.5, 1.0], (3, 1)), seed=1)
    for cond in ([0.5, 1.0], [[0.5, 1.0]], np.array([[0.5, 1.0]], 'float32')):
        assert np.array_equal(flow.sample(3, cond=cond, seed=1), x)
        assert flow.log_prob(x, cond).shape == (3,)
    with pytest.raises(ValueError, match=r'cond has the shape \(2, 2\), must be \(3, 2\)'):
        flow.sample(3, cond=[[0.5, 1.0], [0.5, 1.0]])


def test_conditions_are_standardised_and_embedded():
    cond = np.array([[1000.0, 0.5], [1100.0, -0.5]])
    mean, sd = [1050.0, 0.0], [50.0, 0.5]
    raw = nflow.recipes.maf(dim=2, cond_dim=2, layers=1, hidden=(4,), seed=1, dtype='float64')
    flow = nflow.recipes.maf(dim=2, cond_dim=2, layers=1, hidden=(4,), seed=1, dtype='float64', cond_mean=mean, cond_sd=sd)
    for model in (raw, flow):
        model.set_params({name: np.full(view.shape, 0.3) for name, view in model.params.items() if 'net' in name})
    assert list(flow.params['condition.sd']) == sd and flow.cond_dim == 2
    x = np.array([[0.3, -0.2], [1.0, 0.4]])
    assert (flow.log_prob(x, cond) == raw.log_prob(x, (cond - mean) / sd)).all()
    chain = [nflow.layers.coupling_affine(dim=2, cond_dim=3, hidden=[4])]
    by_hand = nflow.Flow(chain, seed=1, cond_dim=2, embed_dim=3, embed_hidden=[5])
    assert by_hand.cond_dim == 2 and by_hand.params['condition.net.0.weight'].shape == (2, 5)
    with pytest.raises(TypeError, match='no field'):
        nflow.Flow(chain, embed=3)


def test_what_python_makes_is_what_the_recipe_makes():
    with pytest.raises(ValueError, match='no recipe'):
        nflow.Flow.recipe('glove')
    glow = nflow.recipes.glow(height=4, width=4, channels=1, levels=1, steps=1, hidden=4)
    assert glow.image_shape == (4, 4, 1) and glow.dim == 16
    ffjord = nflow.recipes.ffjord(dim=2, hidden=(4,))
    report = ffjord.solver_report(np.zeros((3, 2)))
    assert report.solves == 3 and report.failed == 0 and report.evaluations_mean > 0
    assert ffjord.step_memory(100).total > 0 and ffjord.info().params == ffjord.param_count


def test_weights_are_views(moons):
    flow = nflow.recipes.realnvp(dim=2, layers=2, hidden=(8,), seed=1)
    params = flow.params
    assert sum(value.size for value in params.values()) == flow.param_count
    name = next(n for n in params if n.endswith('bias'))
    with pytest.raises(ValueError):
        params[name][...] = 1.0
    flow.set_params({name: np.full(params[name].shape, 0.25)})
    assert (params[name] == 0.25).all(), 'a view shows what is set later'
    before = flow.get_params()
    for wrong, error in (
        ({'no': 1}, KeyError),
        ({name: 1.0}, ValueError),
        (before[:-1], ValueError),
        (before * np.nan, nflow.ArgumentError),
    ):
        with pytest.raises(error):
            flow.set_params(wrong)
    assert np.array_equal(flow.get_params(), before)
    address = params[name].__array_interface__['data'][0]
    del flow
    gc.collect()
    assert (params[name] == 0.25).all() and params[name].__array_interface__['data'][0] == address


def test_own_training_loop(moons):
    flow = nflow.recipes.realnvp(dim=2, layers=4, hidden=(16,), seed=1)
    flow.init_data(moons)
    adam = nflow.Adam(lr=5e-3)
    first = flow.nll_grad(moons)
    assert any(np.abs(value).max() > 0 for value in flow.grads.values())
    flow.zero_grad()
    for _ in range(60):
        last = flow.nll_grad(moons, weights=np.ones(len(moons)))
        assert adam.step(flow, max_norm=5.0) > 0
    assert last < first - 0.1 and adam.steps == 60
    adam.lr = 1e-4
    assert adam.lr == 1e-4 and repr(adam) == '<nflow optimizer adam: lr=0.0001, steps=60>'
    adam.reset()
    assert adam.steps == 0


def test_errors_tell(trained):
    with pytest.raises(nflow.ArgumentError, match='temperature') as failure:
        trained.sample(3, seed=1, temperature=-1)
    error = failure.value
    assert isinstance(error, nflow.Error) and isinstance(error, ValueError)
    assert error.status == lib.NF_ERR_ARG and error.name == 'NF_ERR_ARG' and 'NF_ERR_ARG' in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and again.status == error.status and str(again) == str(error)
    with pytest.raises(MemoryError):
        nflow.Flow.from_bytes(trained.to_bytes(), context=nflow.Context(max_layers=1))
    with pytest.raises(ArithmeticError):
        nflow.Flow([nflow.layers.logit(dim=2)], nflow.bases.normal(dim=2)).log_prob([[2.0, 0.5]])
    with pytest.raises(RuntimeError, match='cblas'):
        nflow.Context(backend='cblas')


def test_contexts(trained, moons):
    context = nflow.Context(threads=4)
    assert context.threads == 4 and context.backend == 'native' and context.isa in repr(context)
    other = nflow.Flow.from_bytes(trained.to_bytes(), context=context)
    assert np.array_equal(other.log_prob(moons), trained.log_prob(moons))
    context.cancel()
    with pytest.raises(nflow.StateError, match='cancel'):
        other.log_prob(moons)
    context.resume()
    del context
    gc.collect()
    assert other.log_prob(moons).shape == (1000,)


def test_the_gil_is_released(trained):
    """While one thread computes for long, this one goes on."""
    x = np.zeros((400000, 2), 'float32')
    thread = threading.Thread(target=trained.log_prob, args=(x,))
    ticks, longest, last = 0, 0.0, time.perf_counter()
    thread.start()
    while thread.is_alive():
        time.sleep(0.001)
        now = time.perf_counter()
        ticks, longest, last = ticks + 1, max(longest, now - last), now
    assert ticks >= 10, 'only %d ticks, the longest %.3f s' % (ticks, longest)


def test_one_flow_in_many_threads(trained, moons):
    expected, results = trained.log_prob(moons), []
    threads = [threading.Thread(target=lambda: results.append(trained.log_prob(moons))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 and all(np.array_equal(expected, result) for result in results)


def test_nothing_leaks(moons):
    """Objects made and forgotten many times over: the process stays as large as it is."""
    resource = pytest.importorskip('resource')

    def life():
        flow = nflow.recipes.realnvp(dim=2, layers=8, hidden=(64, 64))
        flow.log_prob(moons)
        data = nflow.Dataset(moons)
        data.split(0.5)
        return list(flow.params.values())[0], flow.layers, flow.base, flow.to_bytes(), nflow.Adam()

    for _ in range(20):
        life()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(300):
        life()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024, 'grew by more than 8 MiB'
