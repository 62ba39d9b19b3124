# SPDX-License-Identifier: MIT
"""Densities known up to a factor: fitting to them, importance weights, what the caller's functions raise."""

import math

import numpy as np
import pytest

import nflow


def banana(x):
    """x1 ~ N(0, 1), x2 given x1 ~ N(x1^2, 0.5^2), times 7."""
    d = (x[:, 1] - x[:, 0] ** 2) / 0.25
    log_p = math.log(7 / math.pi) - 0.5 * x[:, 0] ** 2 - 0.125 * d**2
    return log_p, np.stack([-x[:, 0] + 2 * x[:, 0] * d, -d], axis=1)


def fitted(**fields):
    flow = nflow.recipes.realnvp(dim=2, layers=4, hidden=(32, 32), seed=1)
    return flow, flow.fit_target(banana, **{'steps': 300, 'batch': 128, 'optimizer': nflow.Adam(lr=3e-3), **fields})


def test_evidence_and_weights():
    flow, report = fitted()
    assert report.steps == 300 and report.stopped == 0
    assert report.elbo <= report.log_z + 3 * report.log_z_se and abs(report.log_z - math.log(7)) < 0.05
    found = flow.importance(banana, 20000, seed=2)
    assert abs(found.log_z - math.log(7)) < 0.03 and found.ess > 10000 and found.n == 20000
    w = np.exp(found.log_weight)
    assert found.log_z == pytest.approx(math.log(w.mean()), abs=1e-9)
    assert (w * found.x[:, 1]).sum() / w.sum() == pytest.approx(1.0, abs=0.1), 'E x2 = E x1^2 = 1'
    assert np.array_equal(flow.sample(20000, seed=2), found.x.astype('float32'))


def test_log_p_alone_is_enough_for_weights():
    flow = nflow.recipes.realnvp(dim=2, layers=2, seed=1)
    both, alone = flow.importance(banana, 100, seed=1), flow.importance(lambda x: banana(x)[0], 100, seed=1)
    assert np.array_equal(both.log_weight, alone.log_weight) and both.log_z == alone.log_z
    with pytest.raises(TypeError, match='gradient'):
        flow.fit_target(lambda x: banana(x)[0], steps=2)


def test_the_same_seeds_give_the_same_bits():
    assert fitted(steps=5, report_draws=10)[0].to_bytes() == fitted(steps=5, report_draws=10)[0].to_bytes()


def test_rows_of_the_target_and_progress():
    seen = []
    random = np.random.default_rng(0)
    x1 = random.standard_normal(200)
    rows = np.stack([x1, x1**2 + 0.5 * random.standard_normal(200)], axis=1)
    flow, report = fitted(steps=60, round_steps=20, report_draws=10, data=rows, data_weight=0.5, progress=lambda p: seen.append(p.step))
    assert seen == [20, 40, 60] and report.steps == 60
    _, report = fitted(steps=60, round_steps=20, report_draws=10, progress=lambda p: p.step >= 40)
    assert report.steps == 40 and report.stopped == 2


def test_conditions():
    """x ~ N(c, 0.1^2)"""

    def target(x, cond):
        assert x.shape == (64, 1) and cond.shape == (64, 1) and x.dtype == cond.dtype == np.float64
        d = (x - cond) / 0.01
        return -0.5 * ((x - cond) ** 2 / 0.01)[:, 0], -d

    flow = nflow.recipes.realnvp(dim=1, cond_dim=1, layers=2, hidden=(16,), seed=3)
    cond = np.random.default_rng(1).uniform(-1, 1, (500, 1))
    flow.fit_target(target, np.zeros_like(cond), cond, steps=400, batch=64, report_draws=64, optimizer=nflow.Adam(lr=1e-2))
    found = [flow.sample(1000, seed=1, cond=[c]).mean() for c in (-0.8, 0.0, 0.8)]
    assert np.allclose(found, (-0.8, 0.0, 0.8), atol=0.1), found
    weights = flow.importance(lambda x, cond: -0.5 * ((x - cond) ** 2 / 0.01)[:, 0], 1000, [0.5], seed=4)
    assert weights.log_z == pytest.approx(0.5 * math.log(2 * math.pi * 0.01), abs=0.1)
    with pytest.raises(ValueError, match='cond has 0 numbers, must have 1'):
        flow.importance(target, 10)


def test_what_the_function_raises_goes_on():
    flow = nflow.recipes.realnvp(dim=2, layers=2, seed=1)

    def fail(x):
        raise KeyError('mine')

    for call in (lambda: flow.fit_target(fail, steps=3), lambda: flow.importance(fail, 10)):
        with pytest.raises(KeyError, match='mine'):
            call()
    with pytest.raises(ValueError, match=r'shape \(3,\)'):
        flow.importance(lambda x: np.zeros(3), 10)
    with pytest.raises(TypeError, match='must be a function'):
        flow.importance(None, 10)
    with pytest.raises(nflow.Error):
        flow.importance(banana, -1)
    assert np.isfinite(flow.log_prob(np.zeros((1, 2)))).all(), 'the flow is not busy for ever'


def test_rows_given_to_the_function_may_be_kept():
    flow, kept = nflow.recipes.realnvp(dim=2, layers=2, seed=1), []
    found = flow.importance(lambda x: (kept.append(x), banana(x)[0])[1], 3000, seed=1)
    assert np.array_equal(np.concatenate(kept), found.x)


def test_a_run_that_was_stopped_goes_on(tmp_path):
    path, constant = tmp_path / 'run.ckpt', {'steps': 40, 'round_steps': 10, 'schedule': 'constant'}
    whole, _ = fitted(**constant)
    fitted(**{**constant, 'steps': 20}, checkpoint=path, checkpoint_rounds=1)
    flow, report = fitted(**constant, resume=path)
    assert report.steps == 40 and np.array_equal(flow.get_params(), whole.get_params())
    with pytest.raises(nflow.StateError, match='another batch: 128, this run has 64'):
        fitted(**constant, resume=path, batch=64)


def test_reports_print_figures_and_the_shapes_of_long_arrays():
    found = nflow.Flow([], nflow.bases.normal(dim=2)).importance(lambda x: np.zeros(len(x)), 100, seed=1)
    assert repr(found).startswith('Report(n=100, elbo=')
    assert 'x=<array of 100 x 2>, log_weight=<array of 100>)' in repr(found) and len(repr(found)) < 300
